// A plug-in with one fault, chosen by FAULT when it is compiled.
#include <stdexcept>

#include "satsuma/plugin.hpp"

namespace {

enum Fault {
  other_version = 1,
  newer_table,
  no_sizes,
  no_table,
  bad_name,
  no_pass,
  half_a_pair,
  built_in_name,
  create_fails,
  create_throws,
  entry_throws,
  constructor_throws,
  matmul_fails,
  wild_index,
  unaligned,
};

class Bad {
 public:
  explicit Bad(const satsuma_host&) {
    if (FAULT == create_fails) throw std::runtime_error("no accelerator\nin slot 3");
  }
  void matmul(const satsuma_matmul&) const {
    if (FAULT == matmul_fails) throw std::runtime_error("the accelerator does not answer");
  }
  void compress(const satsuma_tensor&, const satsuma_packed& packed) const {
    const std::int64_t count = packed.rows * packed.kernel[0] * packed.kernel[1] * packed.kept;
    for (std::int64_t i = 0; i < count; ++i) packed.indices[i] = FAULT == wild_index ? 200 : 0;
  }
};

class Unaligned : public Bad {
 public:
  using Bad::Bad;
  void* allocate(std::uint64_t) { return memory_ + 1; }
  void deallocate(void*) {}

 private:
  alignas(64) char memory_[64];
};

struct Thrower {
  Thrower() {
    if (FAULT == constructor_throws) throw std::runtime_error("a constructor failed");
  }
};
Thrower thrower;

[[maybe_unused]] satsuma_plugin make() {
  satsuma_plugin table = satsuma::plugin::table<Bad>("bad", "1");
  if (FAULT == unaligned) table = satsuma::plugin::table<Unaligned>("unaligned", "1");
  if (FAULT == matmul_fails) table.name = "fails";
  if (FAULT == wild_index) table.name = "wild";
  if (FAULT == other_version) table.interface_version = 7;
  if (FAULT == newer_table) table.sizes.plugin += 8;
  if (FAULT == no_sizes) table.sizes = {};
  if (FAULT == bad_name) table.name = "Bad device";
  if (FAULT == no_pass) table.matmul = nullptr;
  if (FAULT == half_a_pair) table.release = [](void*, void*) {};
  if (FAULT == built_in_name) table.name = "reference";
  if (FAULT == create_throws) {
    table.create = [](const satsuma_host*, void**, satsuma_text) -> std::int32_t { throw 42; };
  }
  return table;
}

}  // namespace

#ifndef NO_ENTRY
const satsuma_plugin* satsuma_plugin_entry() {
  static satsuma_plugin table = make();
  if (FAULT == entry_throws) throw std::runtime_error("the entry failed");
  return FAULT == no_table ? nullptr : &table;
}
#endif
