#include "tools/satsuma/long_work.hpp"

#include <cstdio>
#include <utility>

namespace satsuma::tools {

LongWork::LongWork(std::string name, std::string pieces, std::int64_t all, bool quiet)
    : name_(std::move(name)),
      pieces_(std::move(pieces)),
      all_(all),
      progress_(stderr, train::Progress::style_for(stderr, quiet), std::chrono::seconds(10)) {}

void LongWork::done(std::int64_t count) {
  count_ = count;
  progress_.update(name_, pieces_, count_, all_);
}

void LongWork::done(std::int64_t count, std::int64_t all) {
  all_ = all;
  done(count);
}

}  // namespace satsuma::tools
