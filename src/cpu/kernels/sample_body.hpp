// Included once by each instruction set's file behind kVector, Words, Mask, at_least() and choose(), as in
// update_body.hpp. Everything here has internal linkage. Magnitudes are compared as the integers that they
// are made of.

namespace satsuma::cpu {

namespace {

using Floats = float __attribute__((vector_size(kVector * sizeof(float))));
using Bits = std::uint32_t __attribute__((vector_size(kVector * sizeof(std::uint32_t))));

constexpr int kImages = 16;
constexpr int kChannels = 16;

inline Words words(Floats values) {
  return reinterpret_cast<Words>(values);
}
inline Floats floats(Words bits) {
  return reinterpret_cast<Floats>(bits);
}
inline Floats splat(float value) {
  return value - Floats{};
}
inline Floats choose(Mask mask, Floats yes, Floats no) {
  return floats(choose(mask, words(yes), words(no)));
}

/// sample_uniform() of kVector channels from `channel` on.
inline Floats uniforms(std::uint64_t line, std::uint32_t channel) {
  Bits x;
  for (int i = 0; i < kVector; ++i) x[i] = channel + static_cast<std::uint32_t>(i);
  x = x * 0x9E3779B9u + static_cast<std::uint32_t>(line);
  x = (x ^ x >> 16) * 0x7FEB352Du;
  x ^= static_cast<std::uint32_t>(line >> 32);
  x = (x ^ x >> 15) * 0x846CA68Bu;
  x ^= x >> 16;
  return __builtin_convertvector(reinterpret_cast<Words>(x >> 8), Floats) * 0x1p-24f;
}

/// sample_group() in each lane. `length` and `kept` are numbers or constants: arrays of a length that is
/// known stay in registers.
template <typename Length, typename Kept>
inline __attribute__((always_inline)) void sample_lanes(const SampleArgs& args, int lane, Length length,
                                                        Kept kept) {
  Floats sizes[kImages] = {};  // a constant length leaves no trace of this
  Words signs{};               // bit i of image i
  for (int i = 0; i < length; ++i) {
    Words value;
    __builtin_memcpy(&value, args.values + i * kChannels + lane, sizeof(value));
    const Words magnitude = value & 0x7FFFFFFF;
    const Words nan = Words{} + 0x7F800001;
    sizes[i] = floats(magnitude < nan ? magnitude : nan);
    const std::int32_t bit = 1 << i;
    signs |= (value >> 31) & (Words{} + bit);
  }
  const auto put = [&](int slot, Words size, Words at) __attribute__((always_inline)) {
    SampledEntries& to = args.to[slot];
    const Words value = size | (signs >> at) << 31;
    const Words offset =
        at * static_cast<std::int32_t>(args.image_bytes) + static_cast<std::int32_t>(args.offset);
    __builtin_memcpy(to.value + lane, &value, sizeof(value));
    __builtin_memcpy(to.offset + lane, &offset, sizeof(offset));
  };

  // Slots of capped elements are filled as they are found; once a lane has none it has no more.
  Floats left = splat(static_cast<float>(static_cast<int>(kept)));
  Words capped_size[kImages];
  Words capped_at[kImages];
  Floats before[kImages];
  before[0] = sizes[0];
  for (int i = 1; i < length; ++i) before[i] = before[i - 1] + sizes[i];
  for (int round = 0; round < kept - 1; ++round) {
    Words largest = words(sizes[0]);
    Words at{};
    for (int i = 1; i < length; ++i) {
      const Mask not_larger = at_least(largest, words(sizes[i]));
      largest = choose(not_larger, largest, words(sizes[i]));
      at = choose(not_larger, at, Words{} + i);
    }
    // Integers order positive floats, and NaN above them; the processor's own NaN is below all of them.
    const Mask certain = at_least(words(left * floats(largest)), words(before[length - 1]));
    const Words gone = choose(certain, choose(at_least(largest, Words{} + 1), at, Words{} - 1), Words{} - 1);
    left = choose(at_least(gone, Words{}), left - 1.0f, left);
    capped_size[round] = largest;
    capped_at[round] = at;
    for (int i = 0; i < length; ++i) {
      sizes[i] = choose(equal(gone, Words{} + i), Floats{}, sizes[i]);
      before[i] = i == 0 ? sizes[0] : before[i - 1] + sizes[i];
    }
  }

  const Floats total = before[length - 1];
  const Floats share = total / left;
  const Words most = words(total) - 1;
  const Floats uniform = uniforms(args.line, args.channel + static_cast<std::uint32_t>(lane));
  const Floats used = splat(static_cast<float>(static_cast<int>(kept))) - left;
  for (int slot = 0; slot < kept; ++slot) {
    const Floats index = splat(static_cast<float>(slot)) - used;
    const Words wanted = words((uniform + index) * share);
    const Words threshold = choose(at_least(wanted, most), most, wanted);
    Words size = words(share);
    Words at{};
    for (int i = 0; i + 1 < length; ++i) {
      at = choose(at_least(threshold, words(before[i])), Words{} + (i + 1), at);
    }
    if (slot + 1 < kept) {
      const Mask drawn = at_least(words(index), Words{});
      size = choose(drawn, size, capped_size[slot]);
      at = choose(drawn, at, capped_at[slot]);
    }
    put(slot, size, at);
  }
}

template <int N, int M>
void sample_fixed(const SampleArgs& args) {
  for (int lane = 0; lane < kChannels; lane += kVector)
    sample_lanes(args, lane, std::integral_constant<int, M>(), std::integral_constant<int, N>());
}

void sample(const SampleArgs& args) {
  const auto is = [&](int n, int m) { return args.kept == n && args.length == m; };
  if (is(2, 8)) return sample_fixed<2, 8>(args);
  if (is(1, 4)) return sample_fixed<1, 4>(args);
  if (is(2, 4)) return sample_fixed<2, 4>(args);
  if (is(4, 8)) return sample_fixed<4, 8>(args);
  if (is(1, 8)) return sample_fixed<1, 8>(args);
  if (is(2, 16)) return sample_fixed<2, 16>(args);
  if (is(4, 16)) return sample_fixed<4, 16>(args);
  for (int lane = 0; lane < kChannels; lane += kVector) sample_lanes(args, lane, args.length, args.kept);
}

}  // namespace

}  // namespace satsuma::cpu
