#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "satsuma/core/tensor.hpp"
#include "satsuma/nn/module.hpp"

namespace satsuma::train {

/// Content of a safetensors file.
struct SafeTensors {
  std::map<std::string, Tensor> tensors;  ///< row-major
  /// What the format allows and Satsuma has no tensor for: the type of each, `I32`, or `F32 of 9 axes`.
  std::map<std::string, std::string> unread;
  std::map<std::string, std::string> metadata;
};

/// A tensor as a file holds it.
struct StoredTensor {
  std::string name;
  Tensor value;
  /// A type of the format that no Tensor has, such as `I16`, and the shape in elements of it; `value` is
  /// their bytes then. Empty: those of `value`.
  std::string type = {};
  Shape shape = {};
};

/// Writes tensors of any layout in row-major order, in the order given, replacing `path` as AtomicFile does.
/// Format: https://github.com/huggingface/safetensors: length of the header (8 bytes, little endian), JSON
/// header padded with spaces to a multiple of 8, data. Throws IoError, and UsageError on a name that comes
/// twice or is `__metadata__`.
void write_stored(const std::filesystem::path& path, std::span<const StoredTensor> tensors,
                  const std::map<std::string, std::string>& metadata = {});
void write_safetensors(const std::filesystem::path& path, std::span<const nn::NamedTensor> tensors,
                       const std::map<std::string, std::string>& metadata = {});

/// Reads the tensors that Satsuma can hold (F32, F64, BF16, F16, I64, U8, to 8 axes), names the others, and
/// believes nothing of the file: the header is at most 100 MB and at most the file; offsets, put in order,
/// cover the data without gap or overlap; no name comes twice; types are the format's, and a shape's product
/// times the element size is the extent. Throws IoError when it cannot be read, FormatError that names file
/// and place otherwise.
SafeTensors read_safetensors(const std::filesystem::path& path);

}  // namespace satsuma::train
