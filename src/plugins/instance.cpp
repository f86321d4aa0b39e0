#include "src/plugins/instance.hpp"

#include <algorithm>
#include <cstring>
#include <exception>

#include "satsuma/core/parallel.hpp"
#include "src/core/message.hpp"

namespace satsuma::plugin_host {

namespace {

/// What plug-ins may call. Lives as long as the program.
const satsuma_host& host() {
  static const satsuma_host functions = {
      sizeof(satsuma_host), SATSUMA_PLUGIN_INTERFACE, []() -> std::int32_t { return threads(); },
      [](std::int64_t count, std::int64_t grain, void (*body)(void*, std::int64_t, std::int64_t),
         void* context) {
        parallel_for(count, std::max<std::int64_t>(grain, 1),
                     [&](std::int64_t begin, std::int64_t end) { body(context, begin, end); });
      }};
  return functions;
}

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

}  // namespace

std::string Line::str() const {
  return {buffer_.data(), strnlen(buffer_.data(), buffer_.size())};
}

Instance::Instance(const satsuma_plugin& table, std::string path) : table_(table), path_(std::move(path)) {
  if (table_.create == nullptr) return;
  // Not call(): there is no self yet, and create takes its address.
  Line error;
  std::int32_t status = SATSUMA_FAILED;
  try {
    status = table_.create(&host(), &self_, error.text());
  } catch (...) {
    throw_exception("create");
  }
  if (status != SATSUMA_OK) throw_failure("create", status, error);
}

Instance::~Instance() {
  if (table_.destroy == nullptr) return;
  try {
    table_.destroy(self_);
  } catch (...) {
    say("warning: plug-in '{}' threw an exception from destroy", table_.name);
  }
}

void Instance::throw_exception(const char* what) const {
  try {
    throw;
  } catch (const std::exception& exception) {
    throw DeviceError(fmt::format("plug-in '{}' ({}): an exception left {}: {}", table_.name, path_, what,
                                  one_line(exception.what())));
  } catch (...) {
    throw DeviceError(fmt::format("plug-in '{}' ({}): an exception left {}", table_.name, path_, what));
  }
}

void Instance::throw_failure(const char* what, std::int32_t status, const Line& error) const {
  std::string message = one_line(error.str());
  if (message.empty())
    message = status == SATSUMA_OUT_OF_MEMORY ? "out of memory" : fmt::format("status {}", status);
  throw DeviceError(fmt::format("plug-in '{}' ({}): {} failed: {}", table_.name, path_, what, message));
}

}  // namespace satsuma::plugin_host
