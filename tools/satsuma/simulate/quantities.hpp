#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "satsuma/sat/timing.hpp"
#include "tools/satsuma/drawing.hpp"

namespace satsuma::tools {

// What simulations are made of, with names and colours, the same in every picture.

struct PassColour {
  Pass pass;
  std::string_view name;
  std::string_view fill;
};
inline constexpr std::array<PassColour, 3> kPassColours = {
    {{Pass::ff, "FF", colour::blue}, {Pass::bp, "BP", colour::orange}, {Pass::wu, "WU", colour::green}}};

template <typename Struct, typename Value>
struct Part {
  std::string_view name;
  Value Struct::*value;
  std::string_view fill = {};
};

inline constexpr std::array<Part<sat::Stalls, std::int64_t>, 6> kStallCauses = {
    {{"fill", &sat::Stalls::fill},
     {"accumulator", &sat::Stalls::accumulator},
     {"memory", &sat::Stalls::memory},
     {"sorter", &sat::Stalls::sorter},
     {"update", &sat::Stalls::update},
     {"control", &sat::Stalls::control}}};

inline constexpr std::array<Part<sat::Bytes, std::int64_t>, 6> kOperands = {
    {{"activations", &sat::Bytes::activations, colour::blue},
     {"gradients", &sat::Bytes::gradients, colour::orange},
     {"weights", &sat::Bytes::weights, colour::green},
     {"indices", &sat::Bytes::indices, colour::red},
     {"partial sums", &sat::Bytes::partial_sums, colour::purple},
     {"optimiser", &sat::Bytes::optimizer, colour::sky}}};

inline constexpr std::array<Part<sat::Energy, double>, 6> kEnergies = {
    {{"multiply-adds", &sat::Energy::mac, colour::blue},
     {"on-chip memory", &sat::Energy::buffer, colour::sky},
     {"DRAM", &sat::Energy::dram, colour::orange},
     {"SORE", &sat::Energy::sore, colour::purple},
     {"WUVE", &sat::Energy::wuve, colour::red},
     {"static", &sat::Energy::idle, colour::grey}}};

/// Colour and name of each part, as Drawing::legend() takes them.
template <typename Parts>
std::vector<std::pair<std::string_view, std::string>> legend_of(const Parts& parts) {
  std::vector<std::pair<std::string_view, std::string>> legend;
  for (const auto& part : parts) legend.emplace_back(part.fill, part.name);
  return legend;
}

/// `987`, `1.23 M`, `4.5 G`.
std::string cycles_text(std::int64_t cycles);
/// `12.3 ms`, `4.56 s`.
std::string seconds_text(double seconds);
/// `56.08`, `18182`.
std::string rate_text(double per_second);
/// `3.21 GB`.
std::string bytes_text(double bytes);
/// `bdwp 2:8`, `dense`.
std::string method_text(std::string_view method, Pattern pattern);

}  // namespace satsuma::tools
