#include "satsuma/train/safetensors.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <set>

#include "satsuma/core/error.hpp"
#include "satsuma/train/atomic_file.hpp"
#include "src/core/json.hpp"
#include "src/core/regular_file.hpp"
#include "src/train/safetensors_header.hpp"

namespace satsuma::train {

namespace {

static_assert(std::endian::native == std::endian::little, "safetensors are copied byte by byte");

constexpr std::uint64_t kLengthBytes = 8;
constexpr std::uint64_t kMostHeader = 100'000'000;

Tensor row_major(const Tensor& tensor) {
  return tensor.detach().to(MemoryFormat::row_major);
}

std::uint64_t bytes_of(const Tensor& tensor) {
  return static_cast<std::uint64_t>(tensor.numel()) * size_of(tensor.dtype());
}

std::string make_header(std::span<const StoredTensor> tensors,
                        const std::map<std::string, std::string>& metadata) {
  Json json = Json::object();
  if (!metadata.empty()) json["__metadata__"] = metadata;
  std::set<std::string> names = {"__metadata__"};
  std::uint64_t position = 0;
  for (const StoredTensor& tensor : tensors) {
    if (!names.insert(tensor.name).second) {
      throw UsageError(fmt::format("[safetensors] the name '{}' cannot be used twice", tensor.name));
    }
    const std::uint64_t end = position + bytes_of(tensor.value);
    const bool own = tensor.type.empty();
    const Shape& shape = own ? tensor.value.shape() : tensor.shape;
    Json& entry = json[tensor.name];
    entry["dtype"] = own ? std::string(safetensors_name(tensor.value.dtype())) : tensor.type;
    entry["shape"] = std::vector<std::int64_t>(shape.begin(), shape.end());
    entry["data_offsets"] = {position, end};
    position = end;
  }
  // A path in the metadata may be no UTF-8; JSON has to be.
  std::string text = json_text(json);
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

}  // namespace

void write_stored(const std::filesystem::path& path, std::span<const StoredTensor> tensors,
                  const std::map<std::string, std::string>& metadata) {
  const std::string header = make_header(tensors, metadata);
  const std::uint64_t length = header.size();
  AtomicFile file(path);
  file.write(std::as_bytes(std::span(&length, 1)));
  file.write(header);
  for (const StoredTensor& tensor : tensors) {
    const Tensor plain = row_major(tensor.value);
    file.write(std::span<const std::byte>(plain.raw(), bytes_of(plain)));
  }
  file.commit();
}

void write_safetensors(const std::filesystem::path& path, std::span<const nn::NamedTensor> tensors,
                       const std::map<std::string, std::string>& metadata) {
  std::vector<StoredTensor> stored;
  for (const nn::NamedTensor& tensor : tensors) stored.push_back({tensor.name, tensor.value});
  write_stored(path, stored, metadata);
}

SafeTensors read_safetensors(const std::filesystem::path& path) {
  const RegularFile file(path);
  const auto fail = [&](const std::string& what) {
    throw FormatError(fmt::format("{}: {}", path.string(), what));
  };

  if (file.size() < kLengthBytes)
    fail(fmt::format("{} bytes are too few for a safetensors file", file.size()));
  std::uint64_t length = 0;
  file.read(0, std::as_writable_bytes(std::span(&length, 1)));
  if (length > kMostHeader || length > file.size() - kLengthBytes) {
    fail(fmt::format("the header claims {} bytes, expected at most {}", length,
                     std::min(kMostHeader, file.size() - kLengthBytes)));
  }
  std::string json(length, '\0');
  file.read(kLengthBytes, std::as_writable_bytes(std::span(json)));

  SafeTensors result;
  Header header;
  try {
    header = parse_header(json, file.size() - kLengthBytes - length);
  } catch (const FormatError& error) {
    fail(error.what());
  }
  for (HeaderEntry& entry : header.entries) {
    if (!entry.readable()) {
      std::string type(entry.type);
      if (entry.dtype) type += fmt::format(" of {} axes", entry.rank);
      result.unread.emplace(std::move(entry.name), std::move(type));
      continue;
    }
    Tensor tensor = Tensor::empty(entry.shape, *entry.dtype);
    file.read(kLengthBytes + length + entry.begin,
              std::span<std::byte>(tensor.raw(), entry.end - entry.begin));
    result.tensors.emplace(std::move(entry.name), std::move(tensor));
  }
  result.metadata = std::move(header.metadata);
  return result;
}

}  // namespace satsuma::train
