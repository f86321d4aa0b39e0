#pragma once

#include <cstdint>
#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <type_traits>
#include <utility>

#include "satsuma/plugin.h"

// Plug-ins in C++: plugin.h with a class instead of a table, and exceptions instead of statuses. Nothing of
// C++ crosses the border, so compiler, standard library and flags are the author's choice. Needs C++20.

namespace satsuma::plugin {

inline void write(satsuma_text text, const char* line) {
  if (text.data != nullptr && text.capacity > 0) std::snprintf(text.data, text.capacity, "%s", line);
}

/// Runs `f`; an exception becomes a status and its message.
template <typename F>
std::int32_t guarded(satsuma_text error, F&& f) noexcept {
  try {
    std::forward<F>(f)();
    return SATSUMA_OK;
  } catch (const std::bad_alloc&) {
    write(error, "out of memory");
    return SATSUMA_OUT_OF_MEMORY;
  } catch (const std::exception& exception) {
    write(error, exception.what());
  } catch (...) {
    write(error, "an exception that is none of the standard library's");
  }
  return SATSUMA_FAILED;
}

/// Elements kept in a group of `length` <= m.
inline std::int64_t kept_in_group(satsuma_pattern pattern, std::int64_t length) {
  return (pattern.n * length + pattern.m - 1) / pattern.m;
}

/// Satsuma's threads: `body(begin, end)` for parts of [0, count).
template <typename F>
void parallel_for(const satsuma_host& host, std::int64_t count, std::int64_t grain, F&& body) {
  using Body = std::remove_reference_t<F>;
  host.parallel_for(
      count, grain,
      [](void* context, std::int64_t begin, std::int64_t end) { (*static_cast<Body*>(context))(begin, end); },
      const_cast<void*>(static_cast<const void*>(&body)));
}

namespace detail {

template <typename D>
D& self(void* pointer) {
  return *static_cast<D*>(pointer);
}

template <typename D>
void add_set_up(satsuma_plugin& table) {
  table.create = [](const satsuma_host* host, void** made, satsuma_text error) {
    return guarded(error, [&] { *made = new D(*host); });
  };
  table.destroy = [](void* device) { delete static_cast<D*>(device); };
  if constexpr (requires { &D::describe; }) {
    table.describe = [](void* device, satsuma_text text) {
      guarded(text, [&] { write(text, std::string(self<D>(device).describe()).c_str()); });
    };
  }
  if constexpr (requires { &D::refuses; }) {
    table.supports = [](void* device, const satsuma_request* request, satsuma_text reason) -> std::int32_t {
      std::string why;
      if (guarded(reason, [&] { why = std::as_const(self<D>(device)).refuses(*request); }) != SATSUMA_OK)
        return 0;
      write(reason, why.c_str());
      return why.empty() ? 1 : 0;
    };
  }
}

template <typename D>
void add_passes(satsuma_plugin& table) {
  using Tensor = satsuma_tensor;
  if constexpr (requires { &D::forward; }) {
    table.forward = [](void* device, const satsuma_pass* pass, const Tensor* x, const satsuma_weight* weight,
                       const Tensor* bias, const Tensor* y, satsuma_text error) {
      return guarded(error, [&] { self<D>(device).forward(*pass, *x, *weight, bias, *y); });
    };
  }
  if constexpr (requires { &D::backward_data; }) {
    table.backward_data = [](void* device, const satsuma_pass* pass, const Tensor* dy,
                             const satsuma_weight* weight, const Tensor* dx, satsuma_text error) {
      return guarded(error, [&] { self<D>(device).backward_data(*pass, *dy, *weight, *dx); });
    };
  }
  if constexpr (requires { &D::backward_weights; }) {
    table.backward_weights = [](void* device, const satsuma_pass* pass, const Tensor* x, const Tensor* dy,
                                const Tensor* dw, const Tensor* dbias, satsuma_text error) {
      return guarded(error, [&] { self<D>(device).backward_weights(*pass, *x, *dy, *dw, dbias); });
    };
  }
  if constexpr (requires { &D::matmul; }) {
    table.matmul = [](void* device, const satsuma_matmul* product, satsuma_text error) {
      return guarded(error, [&] { self<D>(device).matmul(*product); });
    };
  }
}

template <typename D>
void add_weights(satsuma_plugin& table) {
  if constexpr (requires { &D::compress; }) {
    table.compress = [](void* device, const satsuma_tensor* weight, const satsuma_packed* packed,
                        satsuma_text error) {
      return guarded(error, [&] { self<D>(device).compress(*weight, *packed); });
    };
  }
  if constexpr (requires { &D::update; }) {
    table.update = [](void* device, const satsuma_update* update, satsuma_text error) {
      return guarded(error, [&] { self<D>(device).update(*update); });
    };
  }
  if constexpr (requires { &D::prepare; }) {
    table.prepare = [](void* device, const satsuma_packed* packed, void** form, satsuma_text error) {
      return guarded(error, [&] { *form = self<D>(device).prepare(*packed); });
    };
    table.release = [](void* device, void* form) { self<D>(device).release(form); };
  }
}

template <typename D>
void add_memory(satsuma_plugin& table) {
  if constexpr (requires { &D::allocate; }) {
    table.allocate = [](void* device, std::uint64_t bytes, void** memory, satsuma_text error) {
      return guarded(error, [&] { *memory = self<D>(device).allocate(bytes); });
    };
    table.deallocate = [](void* device, void* memory) { self<D>(device).deallocate(memory); };
  }
  if constexpr (requires { &D::synchronize; }) {
    table.synchronize = [](void* device, satsuma_text error) {
      return guarded(error, [&] { self<D>(device).synchronize(); });
    };
  }
  if constexpr (requires { &D::counters; }) {
    table.counters = [](void* device, satsuma_counters* counters) {
      *counters = std::as_const(self<D>(device)).counters();
    };
  }
}

}  // namespace detail

/// The table of a class `D` that is constructed from a `const satsuma_host&` and has those of these members
/// that it wants; what it leaves out is null in the table, see plugin.h for what Satsuma does then.
///
///   std::string describe();
///   std::string refuses(const satsuma_request&) const;   // empty is yes
///   void matmul(const satsuma_matmul&);
///   void forward(const satsuma_pass&, const satsuma_tensor& x, const satsuma_weight&, const satsuma_tensor*
///   bias,
///                const satsuma_tensor& y);
///   void backward_data(const satsuma_pass&, const satsuma_tensor& dy, const satsuma_weight&,
///                      const satsuma_tensor& dx);
///   void backward_weights(const satsuma_pass&, const satsuma_tensor& x, const satsuma_tensor& dy,
///                         const satsuma_tensor& dw, const satsuma_tensor* dbias);
///   void compress(const satsuma_tensor& weight, const satsuma_packed&);
///   void update(const satsuma_update&);
///   void* prepare(const satsuma_packed&);       void release(void* form);
///   void* allocate(std::uint64_t bytes);        void deallocate(void* memory);
///   void synchronize();
///   satsuma_counters counters() const;
///
/// Failures are exceptions. A member of one of these names and another signature does not compile.
template <typename D>
satsuma_plugin table(const char* name, const char* version,
                     std::int32_t activation_format = SATSUMA_BATCH_BLOCKED) {
  static_assert(std::is_constructible_v<D, const satsuma_host&>,
                "a device is made from a const satsuma_host&");
  satsuma_plugin table = {};
  table.interface_version = SATSUMA_PLUGIN_INTERFACE;
  table.sizes = SATSUMA_PLUGIN_SIZES;
  table.activation_format = activation_format;
  table.name = name;
  table.version = version;
  detail::add_set_up<D>(table);
  detail::add_passes<D>(table);
  detail::add_weights<D>(table);
  detail::add_memory<D>(table);
  return table;
}

}  // namespace satsuma::plugin
