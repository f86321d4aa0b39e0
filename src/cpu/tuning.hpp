#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "satsuma/core/dtype.hpp"
#include "satsuma/sparse/pattern.hpp"

namespace satsuma::cpu {

/// Kernels that have a form for bf16 operands and one for f32; `amx` are dense ones on tiles.
enum class ProductKind { dense, skipping, amx };

/// How many times as fast as those of f32 the bf16 kernels are on this CPU: products a second, operands in
/// the first-level cache, one thread. Some CPUs run the instruction for bf16 at half the rate of others, and
/// multiplying rounded operands in f32 is faster there.
struct Tuning {
  double bf16_dense = 0;
  double bf16_skipping = 0;
  double amx = 0;           ///< beside dense kernels of f32; 0 where there is no AMX
  double amx_skipping = 0;  ///< beside products of kept weights by the faster of the N:M kernels

  bool operator==(const Tuning& other) const = default;
};

/// True where there are instructions for products of bf16 and they pay. Where they do not, operands are
/// rounded to bf16 and multiplied in f32: the same products, added up as the instruction set without them
/// adds them.
///
/// It is measured once, in some milliseconds, when somebody first asks, and kept for this machine in
/// XDG_CACHE_HOME/satsuma (else ~/.cache/satsuma). Not measured, and taken for true: where SATSUMA_TUNE is
/// `off`, and where SATSUMA_ISA names the instruction set. Throws UsageError for another SATSUMA_TUNE than
/// `on` and `off`, where it is asked for: a CPU without the instructions has no choice.
///
/// The bits of a run in bf16 depend on the answer. Where the result cannot be kept every run measures anew;
/// two of them differ only where the kernels are about equally fast.
bool bf16_pays(ProductKind kind);

/// True where tiles of AMX, which multiply the zeros of N:M weights as well, are done with these before the
/// kernels that skip. Measured likewise, and where it is not taken as eight times as many products a second.
bool amx_pays(Pattern nm);

/// What kernels multiply where a plan has `operands`: bf16 where that pays, else f32, of operands that are
/// rounded first where they are to be.
DType multiplied(DType operands, ProductKind kind);

/// The measurement. The CPU has instructions for products of bf16.
Tuning measure_tuning();

/// What `path` has of `machine`; nothing where it is not there or not as write_tuning() leaves it.
std::optional<Tuning> read_tuning(const std::filesystem::path& path, std::string_view machine);
/// Replaces `path`, whole or not at all; false where that cannot be done.
bool write_tuning(const std::filesystem::path& path, std::string_view machine, const Tuning& tuning);

}  // namespace satsuma::cpu
