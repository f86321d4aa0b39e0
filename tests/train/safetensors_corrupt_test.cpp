#include <cstring>
#include <vector>

#include "satsuma/core/error.hpp"
#include "satsuma/train/safetensors.hpp"
#include "train/support.hpp"

namespace satsuma::train {

using namespace testing;

namespace {

std::string file_of(std::uint64_t length, const std::string& header, std::size_t data_bytes) {
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + std::string(data_bytes, '\1');
}

std::string file_of(const std::string& header, std::size_t data_bytes = 8) {
  return file_of(header.size(), header, data_bytes);
}

/// A file with one tensor of the given fields.
std::string tensor(const std::string& fields, std::size_t data_bytes = 8) {
  return file_of("{\"a\":{" + fields + "}}", data_bytes);
}

/// Two tensors `a` and `b` of two floats each, at the given offsets, in 16 bytes.
std::string two(const std::string& first, const std::string& second) {
  return file_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":)" + first +
                     R"(},"b":{"dtype":"F32","shape":[2],"data_offsets":)" + second + "}}",
                 16);
}

std::string repeated(const std::string& text, int count) {
  std::string result;
  for (int i = 0; i < count; ++i) result += text;
  return result;
}

struct Case {
  const char* name;
  std::string bytes;
  const char* expected;  ///< part of the message
};

const std::string kGood = R"("dtype":"F32","shape":[2],"data_offsets":[0,8])";

std::vector<Case> cases() {
  return {
      {"empty file", "", "too few"},
      {"seven bytes", "\1\0\0\0\0\0\0", "too few"},
      {"length without header", file_of(2, "", 0), "claims 2 bytes"},
      {"length past the end by one", file_of(100, std::string(99, ' '), 0), "claims 100 bytes"},
      {"length of 2^60", file_of(std::uint64_t{1} << 60, "{}", 0), "claims 1152921504606846976 bytes"},
      {"length of 2^64 - 1", file_of(~std::uint64_t{0}, "{}", 0), "claims"},
      {"length of 2^63", file_of(std::uint64_t{1} << 63, "{}", 0), "claims"},
      {"length above 100 MB", file_of(100'000'001, "{}", 0), "expected at most"},
      {"length 0", file_of(0, "", 0), "does not begin with '{'"},
      {"leading space", file_of(" {}", 0), "does not begin with '{'"},
      {"a list", file_of("[]", 0), "does not begin with '{'"},
      {"a string", file_of("\"x\"", 0), "does not begin with '{'"},
      {"null", file_of("null", 0), "does not begin with '{'"},
      {"not JSON", file_of("{hello}", 0), "bad JSON at byte 9"},
      {"cut JSON", file_of("{\"a\":", 0), "bad JSON"},
      {"cut string", file_of("{\"a", 0), "bad JSON"},
      {"rubbish behind", file_of("{}x", 0), "bad JSON"},
      {"two objects", file_of("{}{}", 0), "bad JSON"},
      {"zeros behind", file_of(std::string("{}\0\0", 4), 0), "bad JSON"},
      {"zero inside", file_of(std::string("{\"a\0\":1}", 8), 0), "bad JSON"},
      {"trailing comma", file_of("{\"a\":{" + kGood + "},}"), "bad JSON"},
      {"comment", file_of("{/* */}", 0), "bad JSON"},
      {"no UTF-8 in a name", file_of("{\"\xff\":{" + kGood + "}}"), "bad JSON"},
      {"overlong UTF-8", file_of("{\"\xc0\xaf\":{" + kGood + "}}"), "bad JSON"},
      {"half a surrogate", file_of("{\"\\ud800\":{" + kGood + "}}"), "bad JSON"},
      {"UTF-16", file_of(std::string("{\0}\0", 4), 0), "bad JSON"},
      {"deep lists", file_of("{\"a\":" + repeated("[", 1'000'000)), "expected an object"},
      {"deep objects", file_of(repeated("{\"a\":", 1'000'000)), "unknown field 'a'"},
      {"deep shape", tensor(R"("dtype":"F32","shape":)" + repeated("[", 100'000)), "has a list"},
      {"a tensor is a number", file_of(R"({"a":1})"), "'a' is 1, expected an object"},
      {"a tensor is null", file_of(R"({"a":null})"), "'a' is null"},
      {"a tensor is true", file_of(R"({"a":true})"), "true or false"},
      {"a tensor is a string", file_of(R"({"a":"b"})"), "the string 'b'"},
      {"a tensor is a list", file_of(R"({"a":[]})"), "'a' is a list"},
      {"empty tensor object", tensor(""), "needs dtype, shape and data_offsets"},
      {"no dtype", tensor(R"("shape":[2],"data_offsets":[0,8])"), "needs dtype"},
      {"no shape", tensor(R"("dtype":"F32","data_offsets":[0,8])"), "needs dtype"},
      {"no offsets", tensor(R"("dtype":"F32","shape":[2])"), "needs dtype"},
      {"unknown field", tensor(kGood + R"(,"more":1)"), "unknown field 'more'"},
      {"dtype twice", tensor(kGood + R"(,"dtype":"F32")"), "'dtype' twice"},
      {"shape twice", tensor(kGood + R"(,"shape":[2])"), "'shape' twice"},
      {"offsets twice", tensor(kGood + R"(,"data_offsets":[0,8])"), "'data_offsets' twice"},
      {"unknown dtype", tensor(R"("dtype":"F7","shape":[2],"data_offsets":[0,8])"),
       "dtype 'F7', expected one of F32, F64, BF16, F16, I64, U8, BOOL"},
      {"half a byte", tensor(R"("dtype":"F4","shape":[3],"data_offsets":[0,2])", 2), "takes 12 bits"},
      {"size of a dtype that is not read", tensor(R"("dtype":"I32","shape":[1],"data_offsets":[0,8])"),
       "takes 8 bytes, expected 4"},
      {"dtype in lower case", tensor(R"("dtype":"f32","shape":[2],"data_offsets":[0,8])"), "dtype 'f32'"},
      {"dtype is a number", tensor(R"("dtype":1,"shape":[2],"data_offsets":[0,8])"), "has 1 in 'dtype'"},
      {"dtype plays tricks", tensor(R"("dtype":"\u001b[2J","shape":[2],"data_offsets":[0,8])"), "'\\x1b[2J'"},
      {"shape is a number", tensor(R"("dtype":"F32","shape":2,"data_offsets":[0,8])"), "has 2 in 'shape'"},
      {"shape is a string", tensor(R"("dtype":"F32","shape":"2","data_offsets":[0,8])"), "in 'shape'"},
      {"negative extent", tensor(R"("dtype":"F32","shape":[-2],"data_offsets":[0,8])"), "has -2 in 'shape'"},
      {"minus zero", tensor(R"("dtype":"F32","shape":[-0],"data_offsets":[0,0])", 0), "in 'shape'"},
      {"extent with a point", tensor(R"("dtype":"F32","shape":[2.0],"data_offsets":[0,8])"),
       "has 2.0 in 'shape'"},
      {"extent as 2e0", tensor(R"("dtype":"F32","shape":[2e0],"data_offsets":[0,8])"), "in 'shape'"},
      {"extent is null", tensor(R"("dtype":"F32","shape":[null],"data_offsets":[0,8])"),
       "has null in 'shape'"},
      {"extent is a string", tensor(R"("dtype":"F32","shape":["2"],"data_offsets":[0,8])"), "in 'shape'"},
      {"extent of 2^63", tensor(R"("dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,8])"),
       "extent"},
      {"extent of 2^65", tensor(R"("dtype":"F32","shape":[36893488147419103232],"data_offsets":[0,8])"),
       "in 'shape'"},
      {"product of 2^66", tensor(R"("dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8])"),
       "larger than any file"},
      {"product wraps to 8", tensor(R"("dtype":"F32","shape":[4611686018427387906],"data_offsets":[0,8])"),
       "larger than any file"},
      {"product wraps beside 0",
       tensor(R"("dtype":"F32","shape":[0,9223372036854775807,9223372036854775807],"data_offsets":[0,0])", 0),
       "larger than any file"},
      {"size of nine axes", tensor(R"("dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,8])"),
       "takes 8 bytes, expected 4"},
      {"product behind the eighth axis",
       tensor(R"("dtype":"F32","shape":[1,1,1,1,1,1,1,1,4294967296,4294967296],"data_offsets":[0,8])"),
       "larger than any file"},
      {"one offset", tensor(R"("dtype":"F32","shape":[2],"data_offsets":[0])"), "needs two data_offsets"},
      {"three offsets", tensor(R"("dtype":"F32","shape":[2],"data_offsets":[0,8,8])"), "in 'data_offsets'"},
      {"no offset", tensor(R"("dtype":"F32","shape":[2],"data_offsets":[])"), "needs two data_offsets"},
      {"offsets are a number", tensor(R"("dtype":"F32","shape":[2],"data_offsets":0)"), "in 'data_offsets'"},
      {"negative offset", tensor(R"("dtype":"F32","shape":[2],"data_offsets":[-8,0])"),
       "has -8 in 'data_offsets'"},
      {"offsets backwards", tensor(R"("dtype":"F32","shape":[2],"data_offsets":[8,0])"),
       "in order and within"},
      {"offset past the end", tensor(R"("dtype":"F32","shape":[4],"data_offsets":[0,16])"), "may be cut off"},
      {"offset of 2^64 - 1", tensor(R"("dtype":"F32","shape":[2],"data_offsets":[0,18446744073709551615])"),
       "may be cut off"},
      {"both offsets past the end", tensor(R"("dtype":"F32","shape":[2],"data_offsets":[16,24])"),
       "may be cut off"},
      {"extent too small", tensor(R"("dtype":"F32","shape":[2],"data_offsets":[0,7])"),
       "takes 7 bytes, expected 8"},
      {"extent of another dtype", tensor(R"("dtype":"F64","shape":[2],"data_offsets":[0,8])"), "expected 16"},
      {"shape too small", tensor(R"("dtype":"F32","shape":[1],"data_offsets":[0,8])"),
       "takes 8 bytes, expected 4"},
      {"scalar takes 8", tensor(R"("dtype":"F32","shape":[],"data_offsets":[0,8])"),
       "takes 8 bytes, expected 4"},
      {"data behind", tensor(kGood, 9), "file has 9 bytes of data"},
      {"data without tensors", file_of("{}", 1), "file has 1 bytes of data"},
      {"data missing", tensor(kGood, 7), "may be cut off"},
      {"gap before", tensor(R"("dtype":"F32","shape":[1],"data_offsets":[4,8])"), "there is a gap"},
      {"gap between",
       file_of(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
               R"("b":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}})",
               16),
       "there is a gap"},
      {"the same bytes twice", two("[0,8]", "[0,8]"), "tensors overlap"},
      {"overlap by four", two("[0,8]", "[4,12]"), "tensors overlap"},
      {"overlap inside",
       file_of(R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},)"
               R"("b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
               16),
       "tensors overlap"},
      {"a name twice", file_of("{\"a\":{" + kGood + "},\"a\":{" + kGood + "}}"), "'a' comes twice"},
      {"a name twice, once escaped", file_of("{\"a\":{" + kGood + "},\"\\u0061\":{" + kGood + "}}"),
       "comes twice"},
      {"metadata twice", file_of(R"({"__metadata__":{},"__metadata__":{}})", 0), "comes twice"},
      {"a metadata key twice", file_of(R"({"__metadata__":{"k":"1","k":"2"}})", 0),
       "__metadata__ has 'k' twice"},
      {"metadata is a list", file_of(R"({"__metadata__":[]})", 0), "a list"},
      {"metadata is null", file_of(R"({"__metadata__":null})", 0), "null"},
      {"metadata is a string", file_of(R"({"__metadata__":"x"})", 0), "the string"},
      {"metadata holds a number", file_of(R"({"__metadata__":{"k":1}})", 0), "'k' is 1, expected a string"},
      {"metadata holds null", file_of(R"({"__metadata__":{"k":null}})", 0), "expected a string"},
      {"metadata holds an object", file_of(R"({"__metadata__":{"k":{}}})", 0), "expected a string"},
      {"metadata holds a list", file_of(R"({"__metadata__":{"k":["x"]}})", 0), "expected a string"},
      {"an endless number", tensor(R"("dtype":"F32","shape":[)" + repeated("9", 100'000) + "]"), "bad JSON"},
      {"a pickle", std::string("\x80\x02}q\x00.\0\0\0\0\0\0\0\0", 15), "claims"},
      {"a zip archive", std::string("PK\x03\x04\0\0\0\0\0\0\0\0", 12), "does not begin|claims"},
  };
}

bool matches(const std::string& message, std::string expected) {
  for (;;) {
    const std::size_t bar = expected.find('|');
    if (contains(message, expected.substr(0, bar))) return true;
    if (bar == std::string::npos) return false;
    expected = expected.substr(bar + 1);
  }
}

}  // namespace

TEST_CASE("corrupt files are refused with file and place") {
  const TemporaryDirectory directory;
  const std::filesystem::path path = directory / "bad.safetensors";
  for (const Case& c : cases()) {
    CAPTURE(std::string(c.name));
    write_file(path, c.bytes);
    const std::string message = message_of<FormatError>([&] { read_safetensors(path); });
    CAPTURE(message);
    CHECK(matches(message, c.expected));
    CHECK(contains(message, "bad.safetensors: "));
    CHECK_FALSE(contains(message, "\n"));
    CHECK_FALSE(contains(message, "\x1b"));
    CHECK(message.size() < 500);
  }
}

TEST_CASE("a file that is cut anywhere is refused") {
  const TemporaryDirectory directory;
  const std::filesystem::path path = directory / "cut.safetensors";
  const nn::NamedTensor tensors[] = {{"weight", Tensor::full({2, 3}, 1)}, {"bias", Tensor::full({3}, 2)}};
  write_safetensors(path, tensors, {{"k", "v"}});
  const std::string whole = read_file(path);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    CAPTURE(length);
    write_file(path, std::string_view(whole).substr(0, length));
    CHECK_THROWS_AS(read_safetensors(path), FormatError);
  }
}

TEST_CASE("a changed byte of the header is refused or harmless") {
  const TemporaryDirectory directory;
  const std::filesystem::path path = directory / "flip.safetensors";
  const nn::NamedTensor tensors[] = {{"weight", Tensor::full({2, 3}, 1)}, {"bias", Tensor::full({3}, 2)}};
  write_safetensors(path, tensors, {{"k", "v"}});
  const std::string whole = read_file(path);
  int refused = 0;
  for (std::size_t i = 0; i + 36 < whole.size(); ++i) {
    for (const int change : {1, 0x20, 0x80, 0xff}) {
      std::string changed = whole;
      changed[i] = static_cast<char>(changed[i] ^ change);
      write_file(path, changed);
      try {
        // Names, metadata and the order of extents are nobody's to check; sizes are.
        std::int64_t elements = 0;
        for (const auto& [name, value] : read_safetensors(path).tensors) elements += value.numel();
        CHECK(elements <= 36);
      } catch (const FormatError&) {
        ++refused;
      }
    }
  }
  CHECK(refused > 100);
}

}  // namespace satsuma::train
