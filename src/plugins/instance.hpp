#pragma once

#include <fmt/core.h>

#include <array>
#include <memory>
#include <string>
#include <utility>

#include "satsuma/core/error.hpp"
#include "satsuma/plugin.h"

namespace satsuma::plugin_host {

/// Room for the one line that a plug-in may write.
class Line {
 public:
  satsuma_text text() { return {buffer_.data(), buffer_.size()}; }
  /// As it was written, ended where the plug-in forgot to.
  std::string str() const;

 private:
  std::array<char, 1024> buffer_{};
};

/// A device that a plug-in has set up: its table, and what its create() made. Everybody who holds something
/// of the plug-in holds this, so that destroy() comes last.
class Instance {
 public:
  /// Calls create(). Throws DeviceError with the plug-in's reason.
  Instance(const satsuma_plugin& table, std::string path);
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  const satsuma_plugin& table() const { return table_; }
  void* self() const { return self_; }
  const std::string& path() const { return path_; }

  /// Calls a function that returns a status with `arguments`, self before them and the error after them. An
  /// error, and an exception that leaves the plug-in, are thrown as DeviceError that names plug-in and
  /// function.
  template <typename F, typename... Arguments>
  void call(const char* what, F function, Arguments... arguments) const {
    Line error;
    std::int32_t status = SATSUMA_FAILED;
    try {
      status = function(self_, arguments..., error.text());
    } catch (...) {
      throw_exception(what);
    }
    if (status != SATSUMA_OK) throw_failure(what, status, error);
  }

 private:
  [[noreturn]] void throw_exception(const char* what) const;
  [[noreturn]] void throw_failure(const char* what, std::int32_t status, const Line& error) const;

  satsuma_plugin table_;
  std::string path_;
  void* self_ = nullptr;
};

}  // namespace satsuma::plugin_host
