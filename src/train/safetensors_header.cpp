#include "src/train/safetensors_header.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "satsuma/core/error.hpp"
#include "src/core/json.hpp"
#include "src/core/utf8.hpp"

namespace satsuma::train {

namespace {

constexpr std::size_t kMostTensors = 100'000;

struct Type {
  std::string_view name;
  int bits;
  std::optional<DType> dtype;
};
/// All of the format; https://github.com/huggingface/safetensors, enum Dtype.
constexpr Type kTypes[] = {
    {"F32", 32, DType::f32}, {"F64", 64, DType::f64}, {"BF16", 16, DType::bf16},
    {"F16", 16, DType::f16}, {"I64", 64, DType::i64}, {"U8", 8, DType::u8},
    {"BOOL", 8, {}},         {"I8", 8, {}},           {"I16", 16, {}},
    {"U16", 16, {}},         {"I32", 32, {}},         {"U32", 32, {}},
    {"U64", 64, {}},         {"C64", 64, {}},         {"F4", 4, {}},
    {"F6_E2M3", 6, {}},      {"F6_E3M2", 6, {}},      {"F8_E4M3", 8, {}},
    {"F8_E5M2", 8, {}},      {"F8_E8M0", 8, {}},      {"F8_E4M3FNUZ", 8, {}},
    {"F8_E5M2FNUZ", 8, {}},
};

const Type& parse_type(std::string_view typed, std::string_view tensor) {
  std::vector<std::string_view> known;
  for (const Type& type : kTypes) {
    if (type.name == typed) return type;
    known.push_back(type.name);
  }
  throw FormatError(fmt::format("tensor '{}' has dtype '{}', expected one of {}", shown(tensor), shown(typed),
                                fmt::join(known, ", ")));
}

/// An axis more. What is behind the last one that Shape holds is counted and not kept.
void add_extent(HeaderEntry& entry, std::int64_t extent) {
  if (entry.rank++ < static_cast<std::int64_t>(Shape::kMaxRank)) entry.shape.push_back(extent);
  entry.empty = entry.empty || extent == 0;
  if (entry.elements < 0) return;
  if (__builtin_mul_overflow(entry.elements, std::max<std::int64_t>(extent, 1), &entry.elements)) {
    entry.elements = -1;
  }
}

/// Builds a Header event by event. nlohmann's tree would silently keep the last of two equal keys; here each
/// key is seen, and what does not belong is refused as it comes, so that nothing grows beyond the size of the
/// header.
class Reader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  Header header;

  bool null() override { refuse("null"); }
  bool boolean(bool) override { refuse("true or false"); }
  bool number_integer(number_integer_t value) override { refuse(fmt::format("{}", value)); }
  bool number_float(number_float_t, const string_t& text) override { refuse(shown(text)); }
  bool binary(binary_t&) override { refuse("binary data"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (place_ == Place::shape) {
      if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        refuse(fmt::format("the extent {}", value));
      }
      add_extent(entry(), static_cast<std::int64_t>(value));
    } else if (place_ == Place::offsets && offsets_ < 2) {
      (offsets_++ == 0 ? entry().begin : entry().end) = value;
    } else {
      refuse(fmt::format("{}", value));
    }
    return true;
  }

  bool string(string_t& value) override {
    if (place_ == Place::metadata) {
      header.metadata[key_] = value;
    } else if (place_ == Place::entry && key_ == "dtype") {
      const Type& type = parse_type(value, entry().name);
      entry().type = type.name;
      entry().bits = type.bits;
      entry().dtype = type.dtype;
    } else {
      refuse(fmt::format("the string '{}'", shown(value)));
    }
    return true;
  }

  bool start_object(std::size_t) override {
    if (place_ == Place::outside) {
      place_ = Place::root;
    } else if (place_ == Place::root && key_ == "__metadata__") {
      place_ = Place::metadata;
    } else if (place_ == Place::root) {
      if (header.entries.size() == kMostTensors) {
        throw FormatError(fmt::format("more than {} tensors", kMostTensors));
      }
      header.entries.emplace_back().name = key_;
      fields_ = 0;
      place_ = Place::entry;
    } else {
      refuse("an object");
    }
    return true;
  }

  bool end_object() override {
    if (place_ == Place::entry && fields_ != 7) fail("needs dtype, shape and data_offsets");
    place_ = place_ == Place::root ? Place::outside : Place::root;
    return true;
  }

  bool start_array(std::size_t) override {
    if (place_ == Place::entry && key_ == "shape") {
      place_ = Place::shape;
    } else if (place_ == Place::entry && key_ == "data_offsets") {
      place_ = Place::offsets;
      offsets_ = 0;
    } else {
      refuse("a list");
    }
    return true;
  }

  bool end_array() override {
    if (place_ == Place::offsets && offsets_ != 2) fail("needs two data_offsets");
    place_ = Place::entry;
    return true;
  }

  bool key(string_t& name) override {
    key_ = name;
    if (place_ == Place::root) {
      if (!names_.insert(name).second) throw FormatError(fmt::format("tensor '{}' comes twice", shown(name)));
    } else if (place_ == Place::metadata) {
      if (header.metadata.count(name) != 0) {
        throw FormatError(fmt::format("__metadata__ has '{}' twice", shown(name)));
      }
    } else {
      const int field = name == "dtype" ? 1 : name == "shape" ? 2 : name == "data_offsets" ? 4 : 0;
      if (field == 0) fail(fmt::format("has an unknown field '{}'", shown(name)));
      if ((fields_ & field) != 0) fail(fmt::format("has '{}' twice", name));
      fields_ |= field;
    }
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) override {
    throw FormatError(fmt::format("bad JSON at byte {} of the file", position + 7));
  }

 private:
  enum class Place { outside, root, metadata, entry, shape, offsets };

  HeaderEntry& entry() { return header.entries.back(); }

  /// What stands in the header is not what belongs there.
  [[noreturn]] void refuse(std::string_view got) const {
    switch (place_) {
      case Place::outside:
        throw FormatError(fmt::format("got {}, expected a JSON object as header", got));
      case Place::root:
        throw FormatError(fmt::format("'{}' is {}, expected an object with dtype, shape and data_offsets",
                                      shown(key_), got));
      case Place::metadata:
        throw FormatError(fmt::format("__metadata__ '{}' is {}, expected a string", shown(key_), got));
      case Place::entry:
      case Place::shape:
      case Place::offsets:
        break;
    }
    fail(fmt::format("has {} in '{}'", got, key_));
  }

  [[noreturn]] void fail(std::string_view what) const {
    throw FormatError(fmt::format("tensor '{}' {}", shown(header.entries.back().name), what));
  }

  Place place_ = Place::outside;
  std::string key_;
  std::set<std::string> names_;
  int fields_ = 0;   ///< bits: 1 dtype, 2 shape, 4 data_offsets
  int offsets_ = 0;  ///< data_offsets seen
};

/// Bytes of a tensor. Throws where the extents multiply to more than 63 bits, even beside an extent of 0:
/// strides would not fit either.
std::uint64_t bytes_of(const HeaderEntry& entry) {
  std::int64_t bits = 0;
  if (entry.elements < 0 || __builtin_mul_overflow(entry.elements, std::int64_t{entry.bits}, &bits)) {
    throw FormatError(fmt::format("tensor '{}' of shape {} is larger than any file", shown(entry.name),
                                  to_string(entry.shape)));
  }
  if (entry.empty) return 0;
  if (bits % 8 != 0) {
    throw FormatError(fmt::format("tensor '{}' of {} {} takes {} bits, expected whole bytes",
                                  shown(entry.name), entry.type, to_string(entry.shape), bits));
  }
  return static_cast<std::uint64_t>(bits / 8);
}

void check_entry(const HeaderEntry& entry, std::uint64_t expected_begin, std::uint64_t data_bytes) {
  const std::uint64_t bytes = bytes_of(entry);
  if (entry.begin > entry.end || entry.end > data_bytes) {
    throw FormatError(
        fmt::format("tensor '{}' has data_offsets [{}, {}], expected them in order and within the {} "
                    "bytes of data; the file may be cut off",
                    shown(entry.name), entry.begin, entry.end, data_bytes));
  }
  if (entry.end - entry.begin != bytes) {
    throw FormatError(fmt::format("tensor '{}' takes {} bytes, expected {} for {} {}", shown(entry.name),
                                  entry.end - entry.begin, bytes, entry.type, to_string(entry.shape)));
  }
  if (entry.begin != expected_begin) {
    throw FormatError(fmt::format("tensor '{}' begins at byte {} of the data, expected {}: {}",
                                  shown(entry.name), entry.begin, expected_begin,
                                  entry.begin < expected_begin ? "tensors overlap" : "there is a gap"));
  }
}

}  // namespace

std::string_view safetensors_name(DType dtype) {
  return std::find_if(std::begin(kTypes), std::end(kTypes), [&](const Type& e) { return e.dtype == dtype; })
      ->name;
}

std::string readable_types() {
  std::vector<std::string_view> names;
  for (const Type& type : kTypes) {
    if (type.dtype) names.push_back(type.name);
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

Header parse_header(std::string_view json, std::uint64_t data_bytes) {
  if (json.empty() || json.front() != '{') throw FormatError("the header at byte 8 does not begin with '{'");
  // nlohmann takes a zero byte for the end of the text.
  if (const std::size_t zero = json.find('\0'); zero != std::string_view::npos) {
    throw FormatError(fmt::format("bad JSON at byte {} of the file", zero + 8));
  }
  Reader reader;
  nlohmann::json::sax_parse(json.begin(), json.end(), &reader);
  Header header = std::move(reader.header);
  std::stable_sort(header.entries.begin(), header.entries.end(),
                   [](const HeaderEntry& a, const HeaderEntry& b) {
                     return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
                   });
  std::uint64_t position = 0;
  for (const HeaderEntry& entry : header.entries) {
    check_entry(entry, position, data_bytes);
    position = entry.end;
  }
  if (position != data_bytes) {
    throw FormatError(
        fmt::format("tensors take {} bytes, but the file has {} bytes of data", position, data_bytes));
  }
  return header;
}

}  // namespace satsuma::train
