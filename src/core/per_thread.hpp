#pragma once

#include <pthread.h>

#include <memory>
#include <new>

namespace satsuma {

/// A T of each thread, made when the thread first asks for it and destroyed with the thread. For what has a
/// destructor, in place of thread_local: where memory is short the C library ends a program that it cannot
/// note such a destructor for.
template <typename T>
class PerThread {
 public:
  PerThread() {
    if (::pthread_key_create(&key_, [](void* value) { delete static_cast<T*>(value); }) != 0)
      throw std::bad_alloc();
  }
  /// Of the threads that have not ended only this one's is destroyed.
  ~PerThread() {
    delete static_cast<T*>(::pthread_getspecific(key_));
    ::pthread_key_delete(key_);
  }
  PerThread(const PerThread&) = delete;
  PerThread& operator=(const PerThread&) = delete;

  /// Throws std::bad_alloc.
  T& get() {
    if (void* const known = ::pthread_getspecific(key_)) return *static_cast<T*>(known);
    auto value = std::make_unique<T>();
    if (::pthread_setspecific(key_, value.get()) != 0) throw std::bad_alloc();
    return *value.release();
  }

 private:
  pthread_key_t key_ = 0;
};

}  // namespace satsuma
