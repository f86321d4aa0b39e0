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

/// sample_uniform() of kVector channels.
inline Floats uniforms(std::uint64_t line, const std::uint32_t* channels) {
  Bits x;
  __builtin_memcpy(&x, channels, sizeof(x));
  x = x * 0x9E3779B9u + static_cast<std::uint32_t>(line);
  x = (x ^ x >> 16) * 0x7FEB352Du;
  x ^= static_cast<std::uint32_t>(line >> 32);
  x = (x ^ x >> 15) * 0x846CA68Bu;
  x ^= x >> 16;
  return __builtin_convertvector(reinterpret_cast<Words>(x >> 8), Floats) * 0x1p-24f;
}

inline Words load_words(const float* values) {
  Words bits;
  __builtin_memcpy(&bits, values, sizeof(bits));
  return bits;
}
inline Words magnitude(Words value) {
  const Words bits = value & 0x7FFFFFFF;
  const Words nan = Words{} + 0x7F800001;
  return bits < nan ? bits : nan;
}

/// What a drawn or capped element is, for one row of values in each lane. One row: its size takes its sign.
/// Pairs of rows: both values are carried along, since a size is no value.
template <int Rows>
struct Element {
  Words at{};
  Words size{};
  Words value[Rows]{};
};

/// sample_group() in each lane, where `Rows` = 1 for one row by itself, or two of V rows. `length` and `kept`
/// are numbers or constants: arrays of a length that is known stay in registers.
template <int Rows, typename Length, typename Kept>
inline __attribute__((always_inline)) void sample_lanes(const SampleArgs& args, int lane, Length length,
                                                        Kept kept) {
  using Found = Element<Rows>;
  Floats sizes[kImages] = {};  // a constant length leaves no trace of this
  Words signs{};               // bit i of image i
  for (int i = 0; i < length; ++i) {
    if constexpr (Rows == 1) {
      const Words value = load_words(args.values[0] + i * kChannels + lane);
      sizes[i] = floats(magnitude(value));
      const std::int32_t bit = 1 << i;
      signs |= (value >> 31) & (Words{} + bit);
    } else {
      sizes[i] = floats(magnitude(load_words(args.sizes + i * kChannels + lane)));
    }
  }
  const auto element = [&](int i) __attribute__((always_inline)) {
    Found found;
    found.at = Words{} + i;
    found.size = words(sizes[i]);
    if constexpr (Rows > 1) {
      for (int r = 0; r < Rows; ++r) found.value[r] = load_words(args.values[r] + i * kChannels + lane);
    }
    return found;
  };
  const auto replace = [](Found & found, Mask mask, const Found& by) __attribute__((always_inline)) {
    found.at = choose(mask, by.at, found.at);
    found.size = choose(mask, by.size, found.size);
    if constexpr (Rows > 1) {
      for (int r = 0; r < Rows; ++r) found.value[r] = choose(mask, by.value[r], found.value[r]);
    }
  };
  const auto put = [&](int slot, const Found& found) __attribute__((always_inline)) {
    const Words offset =
        found.at * static_cast<std::int32_t>(args.image_bytes) + static_cast<std::int32_t>(args.offset);
    if constexpr (Rows == 1) {
      SampledEntries& to = static_cast<SampledEntries*>(args.to)[slot];
      const Words value = found.size | (signs >> found.at) << 31;
      __builtin_memcpy(to.value + lane, &value, sizeof(value));
      __builtin_memcpy(to.offset + lane, &offset, sizeof(offset));
    } else {
      SampledSharedEntries& to = static_cast<SampledSharedEntries*>(args.to)[slot];
      for (int r = 0; r < Rows; ++r) __builtin_memcpy(to.value[r] + lane, &found.value[r], sizeof(offset));
      __builtin_memcpy(to.offset + lane, &offset, sizeof(offset));
    }
  };

  // Slots of capped elements are filled as they are found; once a lane has none it has no more.
  Floats left = splat(static_cast<float>(static_cast<int>(kept)));
  Found capped[kImages];
  Floats before[kImages];
  before[0] = sizes[0];
  for (int i = 1; i < length; ++i) before[i] = before[i - 1] + sizes[i];
  for (int round = 0; round < kept - 1; ++round) {
    Found largest = element(0);
    for (int i = 1; i < length; ++i) {
      const Mask not_larger = at_least(largest.size, words(sizes[i]));
      Found next = element(i);
      replace(next, not_larger, largest);
      largest = next;
    }
    // Integers order positive floats, and NaN above them; the processor's own NaN is below all of them.
    const Mask certain = at_least(words(left * floats(largest.size)), words(before[length - 1]));
    const Words gone =
        choose(certain, choose(at_least(largest.size, Words{} + 1), largest.at, Words{} - 1), Words{} - 1);
    left = choose(at_least(gone, Words{}), left - 1.0f, left);
    capped[round] = largest;
    for (int i = 0; i < length; ++i) {
      sizes[i] = choose(equal(gone, Words{} + i), Floats{}, sizes[i]);
      before[i] = i == 0 ? sizes[0] : before[i - 1] + sizes[i];
    }
  }

  const Floats total = before[length - 1];
  const Floats share = total / left;
  const Words most = words(total) - 1;
  const Floats uniform = uniforms(args.line, args.channels + lane);
  const Floats used = splat(static_cast<float>(static_cast<int>(kept))) - left;
  for (int slot = 0; slot < kept; ++slot) {
    const Floats index = splat(static_cast<float>(slot)) - used;
    const Words wanted = words((uniform + index) * share);
    const Words threshold = choose(at_least(wanted, most), most, wanted);
    Found drawn = element(0);
    for (int i = 0; i + 1 < length; ++i)
      replace(drawn, at_least(threshold, words(before[i])), element(i + 1));
    if constexpr (Rows == 1) {
      drawn.size = words(share);
    } else {
      const Floats factor = choose(equal(drawn.size, Words{}), share, share / floats(drawn.size));
      for (Words& value : drawn.value) value = words(floats(value) * factor);
    }
    if (slot + 1 < kept) {
      const Mask late = at_least(words(index), Words{});
      Found found = capped[slot];
      replace(found, late, drawn);
      drawn = found;
    }
    put(slot, drawn);
  }
}

template <int Rows, int N, int M>
void sample_fixed(const SampleArgs& args) {
  for (int lane = 0; lane < kChannels; lane += kVector)
    sample_lanes<Rows>(args, lane, std::integral_constant<int, M>(), std::integral_constant<int, N>());
}

template <int Rows>
void sample_rows(const SampleArgs& args) {
  const auto is = [&](int n, int m) { return args.kept == n && args.length == m; };
  if (is(2, 8)) return sample_fixed<Rows, 2, 8>(args);
  if (is(1, 4)) return sample_fixed<Rows, 1, 4>(args);
  if (is(2, 4)) return sample_fixed<Rows, 2, 4>(args);
  if (is(4, 8)) return sample_fixed<Rows, 4, 8>(args);
  if (is(1, 8)) return sample_fixed<Rows, 1, 8>(args);
  if (is(2, 16)) return sample_fixed<Rows, 2, 16>(args);
  if (is(4, 16)) return sample_fixed<Rows, 4, 16>(args);
  for (int lane = 0; lane < kChannels; lane += kVector)
    sample_lanes<Rows>(args, lane, args.length, args.kept);
}

void sample(const SampleArgs& args) {
  sample_rows<1>(args);
}

void sample_shared(const SampleArgs& args) {
  sample_rows<2>(args);
}

}  // namespace

}  // namespace satsuma::cpu
