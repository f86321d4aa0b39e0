// Preloaded by tools/stress/faults: fails one system call, or an allocation, of a program.
//
//   SATSUMA_FAIL_CALL=KIND:NUMBER[+]   fails the NUMBER-th call of KIND, and with + all that follow
//   SATSUMA_FAIL_COUNT=FILE            fails nothing; writes `KIND COUNT FIRST@PLACE,...` into FILE at the
//   end:
//                                      the number of the first call from each place, which has the same name
//                                      in all runs of the same files
//   SATSUMA_FAIL_TRACE=1               says on standard error where the call that fails came from
//
// Kinds: open, write, short, full, interrupt, fsync, rename, mmap, malloc, thread, read. write fails with
// EIO, full with ENOSPC; short writes one byte, and interrupt ends in EINTR without a byte. Calls are counted
// from main() to its end, in this process and not in those that it starts.

#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

extern "C" {
// The allocator behind the names that are taken here: dlsym() would allocate before it finds them.
void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t count, std::size_t bytes);
void* __libc_realloc(void* old, std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);
}

namespace {

enum Kind { kOpen, kWrite, kFsync, kRename, kMmap, kMalloc, kThread, kRead, kKinds };
constexpr std::array<const char*, kKinds> kNames = {"open", "write",  "fsync",  "rename",
                                                    "mmap", "malloc", "thread", "read"};

/// How a write fails.
enum class Way { error, full, some, interrupted };

std::atomic<bool> counting = false;
std::array<std::atomic<long>, kKinds> counts;
int failing = -1;
Way way = Way::error;
long from = 0;
bool all_after = false;
bool traced = false;
const char* count_file = nullptr;

// Places that have called, by a hash of their stack; and the number of the first call from each.
constexpr std::size_t kPlaces = 1 << 16;
std::array<std::atomic<std::uint64_t>, kPlaces> places;
constexpr std::size_t kFirsts = 1 << 14;
struct First {
  long number;
  std::uint64_t place;
};
std::array<std::array<First, kFirsts>, kKinds> firsts;
std::array<std::atomic<std::size_t>, kKinds> first_counts;

// What is called in here is not counted. In the thread's own block: allocating it would call malloc.
thread_local bool inside __attribute__((tls_model("initial-exec"))) = false;

/// Looks a function up behind the one here.
template <typename Function>
Function real(const char* name) {
  inside = true;
  void* const found = ::dlsym(RTLD_NEXT, name);
  inside = false;
  Function function = nullptr;
  std::memcpy(&function, &found, sizeof function);
  return function;
}

/// Where an address is in its file, which is loaded somewhere else each time; 0 for code that was made at run
/// time.
std::uintptr_t offset_in_file(void* address) {
  dl_find_object file;
  if (::_dl_find_object(address, &file) != 0) return 0;
  return reinterpret_cast<std::uintptr_t>(address) - reinterpret_cast<std::uintptr_t>(file.dlfo_map_start);
}

void note_place(int kind, long number) {
  std::array<void*, 7> stack{};
  const int depth = ::backtrace(stack.data(), static_cast<int>(stack.size()));
  std::uint64_t hash = 0xcbf29ce484222325u + static_cast<unsigned>(kind);
  for (int i = 0; i < depth; ++i)
    hash = (hash ^ offset_in_file(stack[static_cast<std::size_t>(i)])) * 0x100000001b3u;
  if (hash == 0) hash = 1;
  for (std::size_t at = hash % kPlaces;; at = (at + 1) % kPlaces) {
    std::uint64_t empty = 0;
    if (places[at].compare_exchange_strong(empty, hash)) break;
    if (empty == hash) return;
  }
  const std::size_t slot = first_counts[static_cast<std::size_t>(kind)]++;
  if (slot < kFirsts) firsts[static_cast<std::size_t>(kind)][slot] = {number, hash};
}

/// True where this call has to fail.
bool fails(Kind kind) {
  if (inside || !counting) return false;
  const long number = ++counts[kind];
  if (count_file != nullptr) {
    inside = true;
    note_place(kind, number);
    inside = false;
    return false;
  }
  if (kind != failing || (number != from && !(all_after && number > from))) return false;
  if (traced) {
    inside = true;
    std::array<void*, 40> stack{};
    ::backtrace_symbols_fd(stack.data(), ::backtrace(stack.data(), static_cast<int>(stack.size())),
                           STDERR_FILENO);
    inside = false;
  }
  return true;
}

void read_settings() {
  count_file = std::getenv("SATSUMA_FAIL_COUNT");
  if (const char* const text = std::getenv("SATSUMA_FAIL_CALL")) {
    std::array<char, 16> name{};
    char plus = 0;
    if (std::sscanf(text, "%15[a-z]:%ld%c", name.data(), &from, &plus) < 2) std::abort();
    all_after = plus == '+';
    const auto is = [&](const char* word) { return std::strcmp(name.data(), word) == 0; };
    for (int kind = 0; kind < kKinds; ++kind) {
      if (is(kNames[static_cast<std::size_t>(kind)])) failing = kind;
    }
    if (is("full")) way = Way::full;
    if (is("short")) way = Way::some;
    if (is("interrupt")) way = Way::interrupted;
    if (way != Way::error) failing = kWrite;
    if (failing < 0) std::abort();
  }
  traced = std::getenv("SATSUMA_FAIL_TRACE") != nullptr;
  ::unsetenv("SATSUMA_FAIL_CALL");
  ::unsetenv("SATSUMA_FAIL_COUNT");
}

void write_counts() {
  std::FILE* const file = std::fopen(count_file, "w");
  if (file == nullptr) std::abort();
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    std::fprintf(file, "%s %ld ", kNames[kind], counts[kind].load());
    for (std::size_t i = 0; i < first_counts[kind] && i < kFirsts; ++i)
      std::fprintf(file, "%s%ld@%llx", i == 0 ? "" : ",", firsts[kind][i].number,
                   static_cast<unsigned long long>(firsts[kind][i].place));
    std::fputc('\n', file);
  }
  std::fclose(file);
}

using Main = int (*)(int, char**, char**);
Main program = nullptr;

void end_counting() {
  counting = false;
  if (count_file != nullptr) write_counts();
}

int counted_main(int argc, char** argv, char** variables) {
  read_settings();
  // Its first call loads a library.
  std::array<void*, 2> stack{};
  ::backtrace(stack.data(), 2);
  // What the program registers later runs before.
  std::atexit(end_counting);
  counting = true;
  return program(argc, argv, variables);
}

int open_real(const char* path, int flags, unsigned mode) {
  static const auto function = real<int (*)(const char*, int, ...)>("open64");
  return function(path, flags, mode);
}

int open_counted(const char* path, int flags, unsigned mode) {
  if (fails(kOpen)) {
    errno = EMFILE;
    return -1;
  }
  return open_real(path, flags, mode);
}

int openat_counted(int folder, const char* path, int flags, unsigned mode) {
  static const auto function = real<int (*)(int, const char*, int, ...)>("openat64");
  if (fails(kOpen)) {
    errno = EMFILE;
    return -1;
  }
  return function(folder, path, flags, mode);
}

std::FILE* fopen_counted(const char* path, const char* mode) {
  static const auto function = real<std::FILE* (*)(const char*, const char*)>("fopen64");
  if (fails(kOpen)) {
    errno = EMFILE;
    return nullptr;
  }
  return function(path, mode);
}

/// True where the write that was to be done fails; its result is in `result` then. A short one is done by
/// the caller, of one byte.
bool write_fails(ssize_t& result, bool& one_byte) {
  one_byte = false;
  if (!fails(kWrite)) return false;
  if (way == Way::some) {
    one_byte = true;
    return false;
  }
  errno = way == Way::full ? ENOSPC : way == Way::interrupted ? EINTR : EIO;
  result = -1;
  return true;
}

bool denies_memory() {
  if (!fails(kMalloc)) return false;
  errno = ENOMEM;
  return true;
}

}  // namespace

extern "C" {

#define SATSUMA_EXPORT __attribute__((visibility("default")))

SATSUMA_EXPORT int __libc_start_main(Main main, int argc, char** argv, void (*init)(), void (*fini)(),
                                     void (*rtld_fini)(), void* stack_end) {
  static const auto function =
      real<int (*)(Main, int, char**, void (*)(), void (*)(), void (*)(), void*)>("__libc_start_main");
  program = main;
  return function(counted_main, argc, argv, init, fini, rtld_fini, stack_end);
}

SATSUMA_EXPORT int open(const char* path, int flags, ...) {
  std::va_list rest;
  va_start(rest, flags);
  const unsigned mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, unsigned) : 0;
  va_end(rest);
  return open_counted(path, flags, mode);
}

SATSUMA_EXPORT int open64(const char* path, int flags, ...) {
  std::va_list rest;
  va_start(rest, flags);
  const unsigned mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, unsigned) : 0;
  va_end(rest);
  return open_counted(path, flags, mode);
}

SATSUMA_EXPORT int openat(int folder, const char* path, int flags, ...) {
  std::va_list rest;
  va_start(rest, flags);
  const unsigned mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, unsigned) : 0;
  va_end(rest);
  return openat_counted(folder, path, flags, mode);
}

SATSUMA_EXPORT int openat64(int folder, const char* path, int flags, ...) {
  std::va_list rest;
  va_start(rest, flags);
  const unsigned mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, unsigned) : 0;
  va_end(rest);
  return openat_counted(folder, path, flags, mode);
}

SATSUMA_EXPORT std::FILE* fopen(const char* path, const char* mode) {
  return fopen_counted(path, mode);
}

SATSUMA_EXPORT std::FILE* fopen64(const char* path, const char* mode) {
  return fopen_counted(path, mode);
}

SATSUMA_EXPORT ssize_t write(int file, const void* bytes, std::size_t count) {
  static const auto function = real<ssize_t (*)(int, const void*, std::size_t)>("write");
  ssize_t result = 0;
  bool one_byte = false;
  if (write_fails(result, one_byte)) return result;
  return function(file, bytes, one_byte && count > 1 ? 1 : count);
}

SATSUMA_EXPORT ssize_t writev(int file, const iovec* parts, int count) {
  static const auto function = real<ssize_t (*)(int, const iovec*, int)>("writev");
  ssize_t result = 0;
  bool one_byte = false;
  if (write_fails(result, one_byte)) return result;
  if (one_byte && count > 0 && parts[0].iov_len > 0) {
    const iovec first = {parts[0].iov_base, 1};
    return function(file, &first, 1);
  }
  return function(file, parts, count);
}

SATSUMA_EXPORT ssize_t read(int file, void* bytes, std::size_t count) {
  static const auto function = real<ssize_t (*)(int, void*, std::size_t)>("read");
  if (fails(kRead)) {
    errno = EIO;
    return -1;
  }
  return function(file, bytes, count);
}

SATSUMA_EXPORT ssize_t pread64(int file, void* bytes, std::size_t count, off64_t offset) {
  static const auto function = real<ssize_t (*)(int, void*, std::size_t, off64_t)>("pread64");
  if (fails(kRead)) {
    errno = EIO;
    return -1;
  }
  return function(file, bytes, count, offset);
}

SATSUMA_EXPORT int fsync(int file) {
  static const auto function = real<int (*)(int)>("fsync");
  if (fails(kFsync)) {
    errno = EIO;
    return -1;
  }
  return function(file);
}

SATSUMA_EXPORT int rename(const char* old_name, const char* new_name) {
  static const auto function = real<int (*)(const char*, const char*)>("rename");
  if (fails(kRename)) {
    errno = EIO;
    return -1;
  }
  return function(old_name, new_name);
}

SATSUMA_EXPORT void* mmap(void* address, std::size_t bytes, int protection, int flags, int file,
                          off_t offset) {
  static const auto function = real<void* (*)(void*, std::size_t, int, int, int, off_t)>("mmap64");
  if (fails(kMmap)) {
    errno = ENOMEM;
    return MAP_FAILED;
  }
  return function(address, bytes, protection, flags, file, offset);
}

SATSUMA_EXPORT void* mmap64(void* address, std::size_t bytes, int protection, int flags, int file,
                            off64_t offset) {
  return mmap(address, bytes, protection, flags, file, offset);
}

SATSUMA_EXPORT int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*),
                                  void* argument) {
  static const auto function =
      real<int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*)>("pthread_create");
  if (fails(kThread)) return EAGAIN;
  return function(thread, attributes, start, argument);
}

SATSUMA_EXPORT void* malloc(std::size_t bytes) {
  return denies_memory() ? nullptr : __libc_malloc(bytes);
}

SATSUMA_EXPORT void* calloc(std::size_t count, std::size_t bytes) {
  return denies_memory() ? nullptr : __libc_calloc(count, bytes);
}

SATSUMA_EXPORT void* realloc(void* old, std::size_t bytes) {
  return denies_memory() ? nullptr : __libc_realloc(old, bytes);
}

SATSUMA_EXPORT void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  return denies_memory() ? nullptr : __libc_memalign(alignment, bytes);
}

SATSUMA_EXPORT int posix_memalign(void** result, std::size_t alignment, std::size_t bytes) {
  if (denies_memory()) return ENOMEM;
  *result = __libc_memalign(alignment, bytes);
  return *result == nullptr ? ENOMEM : 0;
}

}  // extern "C"
