#include "satsuma/core/no_storage.hpp"

namespace satsuma {

namespace {

thread_local bool enabled = true;

}  // namespace

NoStorage::NoStorage() : before_(enabled) {
  enabled = false;
}
NoStorage::~NoStorage() {
  enabled = before_;
}

bool storage_enabled() {
  return enabled;
}

}  // namespace satsuma
