#include "src/train/safetensors_header.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "satsuma/core/error.hpp"

namespace satsuma::train {

namespace {

constexpr std::size_t kMostTensors = 100'000;

struct NamedDType {
  std::string_view name;
  DType dtype;
};
constexpr NamedDType kDTypes[] = {{"F32", DType::f32}, {"F64", DType::f64}, {"BF16", DType::bf16},
                                  {"F16", DType::f16}, {"I64", DType::i64}, {"U8", DType::u8}};

/// A name from the file with everything that could play tricks on a terminal escaped, and not endless.
std::string shown(std::string_view name) {
  std::string text;
  for (const char c : name.substr(0, 80)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      text += fmt::format("\\x{:02x}", byte);
    } else {
      text += c;
    }
  }
  return name.size() > 80 ? text + "..." : text;
}

DType parse_dtype(std::string_view typed, std::string_view tensor) {
  std::vector<std::string_view> known;
  for (const NamedDType& entry : kDTypes) {
    if (entry.name == typed) return entry.dtype;
    known.push_back(entry.name);
  }
  throw FormatError(fmt::format("tensor '{}' has dtype '{}', expected one of {}", shown(tensor), shown(typed),
                                fmt::join(known, ", ")));
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
      if (entry().shape.rank() == Shape::kMaxRank) {
        fail(fmt::format("has more than {} axes", Shape::kMaxRank));
      }
      entry().shape.push_back(static_cast<std::int64_t>(value));
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
      entry().dtype = parse_dtype(value, entry().name);
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
  std::int64_t bytes = static_cast<std::int64_t>(size_of(entry.dtype));
  bool empty = false;
  for (const std::int64_t extent : entry.shape) {
    empty = empty || extent == 0;
    if (__builtin_mul_overflow(bytes, std::max<std::int64_t>(extent, 1), &bytes)) {
      throw FormatError(fmt::format("tensor '{}' of shape {} is larger than any file", shown(entry.name),
                                    to_string(entry.shape)));
    }
  }
  return empty ? 0 : static_cast<std::uint64_t>(bytes);
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
                                  entry.end - entry.begin, bytes, safetensors_name(entry.dtype),
                                  to_string(entry.shape)));
  }
  if (entry.begin != expected_begin) {
    throw FormatError(fmt::format("tensor '{}' begins at byte {} of the data, expected {}: {}",
                                  shown(entry.name), entry.begin, expected_begin,
                                  entry.begin < expected_begin ? "tensors overlap" : "there is a gap"));
  }
}

}  // namespace

std::string_view safetensors_name(DType dtype) {
  return std::find_if(std::begin(kDTypes), std::end(kDTypes), [&](const auto& e) { return e.dtype == dtype; })
      ->name;
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
