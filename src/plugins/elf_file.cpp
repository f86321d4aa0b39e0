#include "src/plugins/elf_file.hpp"

#include <elf.h>
#include <fmt/core.h>
#include <link.h>

#include <cstring>
#include <fstream>

#include "satsuma/core/error.hpp"

namespace satsuma::plugin_host {

namespace {

using Header = ElfW(Ehdr);
using Segment = ElfW(Phdr);

[[noreturn]] void refuse(const std::filesystem::path& file, const std::string& why) {
  throw UsageError(fmt::format("plug-in {}: {}", file.string(), why));
}

/// Class, byte order and machine of this very program.
const Header& own_header() {
  static const Header header = [] {
    Header own{};
    std::ifstream("/proc/self/exe", std::ios::binary).read(reinterpret_cast<char*>(&own), sizeof own);
    return own;
  }();
  return header;
}

const char* class_name(unsigned char elf_class) {
  return elf_class == ELFCLASS32 ? "32-bit" : elf_class == ELFCLASS64 ? "64-bit" : "of an unknown class";
}

std::string machine_name(int machine) {
  switch (machine) {
    case EM_X86_64:
      return "x86-64";
    case EM_AARCH64:
      return "AArch64";
    case EM_RISCV:
      return "RISC-V";
    default:
      return fmt::format("machine {}", machine);
  }
}

void check_header(const std::filesystem::path& file, const Header& header) {
  const Header& own = own_header();
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) refuse(file, "is no shared object (no ELF file)");
  if (header.e_ident[EI_CLASS] != own.e_ident[EI_CLASS]) {
    refuse(file, fmt::format("is {}, but this program is {}", class_name(header.e_ident[EI_CLASS]),
                             class_name(own.e_ident[EI_CLASS])));
  }
  if (header.e_ident[EI_DATA] != own.e_ident[EI_DATA]) refuse(file, "has the other byte order");
  if (header.e_machine != own.e_machine) {
    refuse(file, fmt::format("is for {}, but this program is for {}", machine_name(header.e_machine),
                             machine_name(own.e_machine)));
  }
  if (header.e_type != ET_DYN) refuse(file, "is no shared object (link it with -shared)");
}

/// The loader maps segments without a look at the file's size, and reading past it ends in SIGBUS.
void check_segments(const std::filesystem::path& file, std::ifstream& stream, const Header& header,
                    std::uint64_t size) {
  if (header.e_phentsize != sizeof(Segment)) refuse(file, "has program headers of a strange size");
  const auto inside = [&](std::uint64_t offset, std::uint64_t bytes) {
    return offset <= size && bytes <= size - offset;
  };
  if (!inside(header.e_phoff, std::uint64_t{header.e_phnum} * sizeof(Segment)))
    refuse(file, "is cut short: its program headers are missing");
  stream.seekg(static_cast<std::streamoff>(header.e_phoff));
  for (int i = 0; i < header.e_phnum; ++i) {
    Segment segment;
    if (!stream.read(reinterpret_cast<char*>(&segment), sizeof segment)) refuse(file, "could not be read");
    if (!inside(segment.p_offset, segment.p_filesz)) {
      refuse(file, fmt::format("is cut short: it has {} bytes, and a segment ends at {}", size,
                               segment.p_offset + segment.p_filesz));
    }
  }
}

}  // namespace

void check_shared_object(const std::filesystem::path& file) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(file, error);
  if (status.type() == std::filesystem::file_type::not_found) refuse(file, "there is no such file");
  if (error) refuse(file, error.message());
  if (!std::filesystem::is_regular_file(status)) refuse(file, "is no file");
  const std::uint64_t size = std::filesystem::file_size(file, error);
  std::ifstream stream(file, std::ios::binary);
  if (error || !stream) refuse(file, "cannot be read");
  Header header;
  if (!stream.read(reinterpret_cast<char*>(&header), sizeof header))
    refuse(file, "is no shared object (too short)");
  check_header(file, header);
  check_segments(file, stream, header, size);
}

}  // namespace satsuma::plugin_host
