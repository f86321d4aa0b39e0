#include "src/plugins/table.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string_view>

#include "satsuma/core/error.hpp"

namespace satsuma::plugin_host {

namespace {

/// Sizes of a structure: in the first release of this interface version, up to its last member then, and now.
struct Size {
  const char* name;
  std::uint32_t satsuma_sizes::*member;
  std::size_t first;
  std::size_t now;
};

template <typename T>
constexpr std::size_t end_of(std::size_t offset) {
  return offset + sizeof(T);
}

constexpr Size kSizes[] = {
    {"satsuma_plugin", &satsuma_sizes::plugin,
     end_of<decltype(satsuma_plugin::counters)>(offsetof(satsuma_plugin, counters)), sizeof(satsuma_plugin)},
    {"satsuma_tensor", &satsuma_sizes::tensor,
     end_of<decltype(satsuma_tensor::strides)>(offsetof(satsuma_tensor, strides)), sizeof(satsuma_tensor)},
    {"satsuma_request", &satsuma_sizes::request,
     end_of<decltype(satsuma_request::gradient_kind)>(offsetof(satsuma_request, gradient_kind)),
     sizeof(satsuma_request)},
    {"satsuma_pass", &satsuma_sizes::pass, end_of<decltype(satsuma_pass::draw)>(offsetof(satsuma_pass, draw)),
     sizeof(satsuma_pass)},
    {"satsuma_packed", &satsuma_sizes::packed,
     end_of<decltype(satsuma_packed::form)>(offsetof(satsuma_packed, form)), sizeof(satsuma_packed)},
    {"satsuma_weight", &satsuma_sizes::weight,
     end_of<decltype(satsuma_weight::packed)>(offsetof(satsuma_weight, packed)), sizeof(satsuma_weight)},
    {"satsuma_update", &satsuma_sizes::update,
     end_of<decltype(satsuma_update::packed_bp)>(offsetof(satsuma_update, packed_bp)),
     sizeof(satsuma_update)},
    {"satsuma_matmul", &satsuma_sizes::matmul,
     end_of<decltype(satsuma_matmul::form)>(offsetof(satsuma_matmul, form)), sizeof(satsuma_matmul)},
    {"satsuma_counters", &satsuma_sizes::counters,
     end_of<decltype(satsuma_counters::joules)>(offsetof(satsuma_counters, joules)),
     sizeof(satsuma_counters)},
    {"satsuma_host", &satsuma_sizes::host,
     end_of<decltype(satsuma_host::parallel_for)>(offsetof(satsuma_host, parallel_for)),
     sizeof(satsuma_host)},
};

void check_sizes(const satsuma_sizes& sizes, const std::string& who) {
  for (const Size& size : kSizes) {
    const std::size_t got = sizes.*size.member;
    if (got > size.now) {
      throw UsageError(
          fmt::format("{}: was built for a newer Satsuma ({} has {} bytes, here {}); update Satsuma", who,
                      size.name, got, size.now));
    }
    if (got < size.first) {
      throw UsageError(
          fmt::format("{}: {} has {} bytes, expected {}; fill in SATSUMA_PLUGIN_SIZES and build it "
                      "with the plugin.h of Satsuma",
                      who, size.name, got, size.now));
    }
  }
}

bool is_name(const char* name) {
  constexpr std::size_t kLongest = 32;
  if (name == nullptr) return false;
  const std::string_view text(name, strnlen(name, kLongest + 1));
  const auto fits = [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  return !text.empty() && text.size() <= kLongest && text[0] >= 'a' && text[0] <= 'z' &&
         std::all_of(text.begin(), text.end(), fits);
}

void check_functions(const satsuma_plugin& table, const std::string& who) {
  const auto refuse = [&](const char* why) { throw UsageError(fmt::format("{}: {}", who, why)); };
  if (!is_name(table.name)) refuse("has no name of a-z, 0-9, _ and -, a letter first, at most 32");
  if (table.version == nullptr) refuse("has no version");
  if (table.activation_format < SATSUMA_ROW_MAJOR || table.activation_format > SATSUMA_BATCH_BLOCKED)
    refuse("asks for an activation format that is unknown");
  if ((table.prepare == nullptr) != (table.release == nullptr)) refuse("has one of prepare and release only");
  if ((table.allocate == nullptr) != (table.deallocate == nullptr))
    refuse("has one of allocate and deallocate only");
  const bool lowered = table.forward == nullptr || table.backward_data == nullptr;
  if (table.matmul && lowered && table.activation_format != SATSUMA_BATCH_BLOCKED)
    refuse("has passes made of matmul, which need the activation format batch_blocked");
  if (!table.forward && !table.backward_data && !table.backward_weights && !table.matmul)
    refuse("has no pass: one of matmul, forward, backward_data, backward_weights is needed");
}

}  // namespace

satsuma_plugin checked_table(const satsuma_plugin* given, const std::string& who) {
  if (given == nullptr) throw UsageError(fmt::format("{}: its entry returned no table", who));
  if (given->interface_version != SATSUMA_PLUGIN_INTERFACE) {
    throw UsageError(
        fmt::format("{}: has interface version {}, expected {}; build it with the plugin.h of this "
                    "Satsuma",
                    who, given->interface_version, SATSUMA_PLUGIN_INTERFACE));
  }
  check_sizes(given->sizes, who);
  satsuma_plugin table{};
  std::memcpy(&table, given, given->sizes.plugin);
  check_functions(table, who);
  return table;
}

}  // namespace satsuma::plugin_host
