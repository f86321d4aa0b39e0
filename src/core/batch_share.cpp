#include "satsuma/core/batch_share.hpp"

namespace satsuma {

namespace {

const BatchShare kNotShared;
thread_local const BatchShare* current = &kNotShared;

}  // namespace

const BatchShare& batch_share() {
  return *current;
}

SharedBatch::SharedBatch(const BatchShare& share) : before_(current) {
  current = &share;
}

SharedBatch::~SharedBatch() {
  current = before_;
}

}  // namespace satsuma
