#pragma once

#include <cstdint>
#include <vector>

namespace satsuma::data {

/// Part of a batch.
struct ImageRange {
  std::int64_t first = 0;
  std::int64_t count = 0;
};

/// The images of a batch of `batch` that process `rank` of `ranks` works on. Shares follow each other, and
/// are whole blocks of sixteen, as evenly as these go, where there are as many blocks as processes (only the
/// last block may be short); else single images, as evenly as those go.
ImageRange share_of(std::int64_t batch, int rank, int ranks);
/// Images of each share.
std::vector<std::int64_t> shares_of(std::int64_t batch, int ranks);

}  // namespace satsuma::data
