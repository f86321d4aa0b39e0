#pragma once

#include <memory>
#include <string>
#include <vector>

#include "satsuma/device/device.hpp"

namespace satsuma::tools {

/// One pass of a convolution in another library, ready to be timed.
class Peer {
 public:
  virtual ~Peer() = default;
  virtual void run() = 0;
  /// Which of its implementations and memory formats the library runs.
  virtual std::string description() const = 0;
};

/// Name and version of the library that peers come from; empty when this build has none.
std::string peer_library();

/// The dense pass over `batch` images [C, H, W] in oneDNN, in the formats that are worth trying: the one it
/// prefers, and channels-last. Operands lie ready in that format. Empty when this build has no oneDNN. Throws
/// Error with the library's words where it refuses.
std::vector<std::unique_ptr<Peer>> dense_peers(const Geometry& geometry, const Shape& image,
                                               std::int64_t batch, Pass pass);

}  // namespace satsuma::tools
