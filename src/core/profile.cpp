#include "satsuma/core/profile.hpp"

#include "satsuma/core/error.hpp"

namespace satsuma {

namespace {

thread_local Profile* active = nullptr;

}  // namespace

Profile::Profile() {
  if (active) throw Error("a Profile already measures this thread");
  active = this;
  restart();
}

Profile::~Profile() {
  active = nullptr;
}

void Profile::restart() {
  nanoseconds_.clear();
  last_ = std::chrono::steady_clock::now();
}

void Profile::book(const Key& key) {
  const auto now = std::chrono::steady_clock::now();
  nanoseconds_[key] += std::chrono::duration_cast<std::chrono::nanoseconds>(now - last_).count();
  last_ = now;
}

void lap(Phase phase, std::string_view operation) {
  if (active) active->book({phase, operation});
}

}  // namespace satsuma
