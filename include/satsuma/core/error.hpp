#pragma once

#include <stdexcept>
#include <string>

namespace satsuma {

/// Base of everything Satsuma throws. The message is one line: what was wrong, what was got, what was
/// expected, and what to do.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The caller asked for something that does not exist or makes no sense (exit code 2 at the command line).
class UsageError : public Error {
 public:
  using Error::Error;
};

/// Shapes, strides or dtypes of tensors do not fit the operation.
class ShapeError : public Error {
 public:
  using Error::Error;
};

/// A file's content is not what its format promises.
class FormatError : public Error {
 public:
  using Error::Error;
};

/// The operating system refused to read, write or create something.
class IoError : public Error {
 public:
  using Error::Error;
};

/// A device cannot do, or failed at, what it was asked.
class DeviceError : public Error {
 public:
  using Error::Error;
};

/// A computation produced NaN or infinity where a finite number was needed.
class NumericError : public Error {
 public:
  using Error::Error;
};

}  // namespace satsuma
