#include "satsuma/train/safetensors.hpp"

#include <array>
#include <cstring>

#include "satsuma/core/error.hpp"
#include "support/random_tensor.hpp"
#include "train/support.hpp"

namespace satsuma::train {

using namespace testing;

namespace {

void check_round_trip(const std::filesystem::path& path, const Tensor& tensor) {
  const nn::NamedTensor named[] = {{"before", Tensor::full({3}, 7)}, {"x", tensor}};
  write_safetensors(path, named);
  const SafeTensors file = read_safetensors(path);
  REQUIRE(file.tensors.size() == 2);
  const Tensor& read = file.tensors.at("x");
  CHECK(read.dtype() == tensor.dtype());
  CHECK(read.shape() == tensor.shape());
  CHECK(read.is(MemoryFormat::row_major));
  CHECK(read.to_vector<double>() == tensor.to_vector<double>());
}

std::uint64_t header_length(const std::string& bytes) {
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof(length));
  return length;
}

}  // namespace

TEST_CASE("every dtype and layout comes back") {
  const TemporaryDirectory directory;
  const Shape shapes[] = {{}, {1}, {0}, {5}, {17, 3}, {2, 0, 3}, {17, 3, 4}, {17, 3, 5, 2}};
  for (const DType dtype : {DType::f32, DType::f64, DType::bf16, DType::f16, DType::i64, DType::u8}) {
    for (const Shape& shape : shapes) {
      for (const MemoryFormat format :
           {MemoryFormat::row_major, MemoryFormat::channels_last, MemoryFormat::batch_blocked}) {
        if (shape.rank() < 2 && format != MemoryFormat::row_major) continue;
        CAPTURE(to_string(dtype));
        CAPTURE(to_string(shape));
        Tensor tensor = Tensor::empty(shape, dtype, format);
        if (dtype == DType::u8) {
          tensor.fill(200);
        } else {
          tensor.copy_from(random_tensor(shape, 3));
        }
        check_round_trip(directory / "x.safetensors", tensor);
      }
    }
  }
}

TEST_CASE("views are written as they read") {
  const TemporaryDirectory directory;
  const Tensor whole = random_tensor({6, 4, 3, 3}, 1, DType::f32, MemoryFormat::channels_last);
  check_round_trip(directory / "x.safetensors", whole.slice_view(0, 2, 5));
  check_round_trip(directory / "x.safetensors", whole.permute_view(std::array{3, 0, 2, 1}));
}

TEST_CASE("the bytes are those of the format") {
  const TemporaryDirectory directory;
  const nn::NamedTensor tensors[] = {{"a", Tensor::from(std::vector<float>{1, -2}, {2})},
                                     {"b", Tensor::from(std::vector<std::uint8_t>{9}, {1, 1})}};
  write_safetensors(directory / "x.safetensors", tensors, {{"k", "v"}});
  std::string header = R"({"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                       R"("b":{"dtype":"U8","shape":[1,1],"data_offsets":[8,9]}})";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  std::string expected(8, '\0');
  expected[0] = static_cast<char>(header.size());
  expected += header;
  expected += std::string("\x00\x00\x80\x3f\x00\x00\x00\xc0\x09", 9);
  CHECK(read_file(directory / "x.safetensors") == expected);
}

TEST_CASE("metadata comes back, and data are aligned to 8 bytes") {
  const TemporaryDirectory directory;
  const std::map<std::string, std::string> metadata = {{"", ""}, {"quote\"\n", "\xc3\xa4\x01"}, {"b", "[1]"}};
  write_safetensors(directory / "x.safetensors", {}, metadata);
  CHECK(read_safetensors(directory / "x.safetensors").metadata == metadata);
  CHECK(header_length(read_file(directory / "x.safetensors")) % 8 == 0);
}

TEST_CASE("metadata that is no UTF-8 does not lose the file") {
  const TemporaryDirectory directory;
  write_safetensors(directory / "x.safetensors", {}, {{"path", "runs/\xff"}});
  CHECK(read_safetensors(directory / "x.safetensors").metadata.at("path") == "runs/\xef\xbf\xbd");
}

TEST_CASE("tensors in the header may stand in any order") {
  const TemporaryDirectory directory;
  const std::string header =
      R"({"b":{"shape":[1],"data_offsets":[8,9],"dtype":"U8"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  std::string bytes(8, '\0');
  bytes[0] = static_cast<char>(header.size());
  write_file(directory / "x.safetensors", bytes + header + std::string("\0\0\x80?\0\0\0\xc0\x09", 9));
  const SafeTensors file = read_safetensors(directory / "x.safetensors");
  CHECK(file.tensors.at("a").to_vector<double>() == std::vector<double>{1, -2});
  CHECK(file.tensors.at("b").to_vector<double>() == std::vector<double>{9});
}

TEST_CASE("tensors of types that are not read are named") {
  const TemporaryDirectory directory;
  const std::string header =
      R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]},"b":{"dtype":"I32","shape":[1],"data_offsets":[0,4]},)"
      R"("c":{"dtype":"F6_E3M2","shape":[2,2],"data_offsets":[12,15]},)"
      R"("d":{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[15,16]},)"
      R"("e":{"dtype":"F4","shape":[3,0],"data_offsets":[16,16]}})";
  std::string bytes(8, '\0');
  const std::uint64_t length = header.size();
  std::memcpy(bytes.data(), &length, sizeof(length));
  write_file(directory / "x.safetensors",
             bytes + header + std::string("\0\0\0\0\0\0\x80?\0\0\0\xc0\0\0\0\0", 16));
  const SafeTensors file = read_safetensors(directory / "x.safetensors");
  CHECK(file.tensors.size() == 1);
  CHECK(file.tensors.at("a").to_vector<double>() == std::vector<double>{1, -2});
  CHECK(file.unread == std::map<std::string, std::string>{
                           {"b", "I32"}, {"c", "F6_E3M2"}, {"d", "U8 of 9 axes"}, {"e", "F4"}});
}

TEST_CASE("names that cannot be written are refused and nothing is left") {
  const TemporaryDirectory directory;
  const Tensor one = Tensor::zeros({1});
  const nn::NamedTensor twice[] = {{"a", one}, {"a", one}};
  CHECK_THROWS_AS(write_safetensors(directory / "x", twice), UsageError);
  const nn::NamedTensor reserved[] = {{"__metadata__", one}};
  CHECK_THROWS_AS(write_safetensors(directory / "x", reserved), UsageError);
  CHECK(std::filesystem::is_empty(directory.path()));
}

TEST_CASE("what is no file is named") {
  const TemporaryDirectory directory;
  CHECK(contains(message_of<IoError>([&] { read_safetensors(directory / "none"); }), "none"));
  CHECK(contains(message_of<IoError>([&] { read_safetensors(directory.path()); }), "not a regular file"));
}

}  // namespace satsuma::train
