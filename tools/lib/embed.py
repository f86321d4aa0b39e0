"""Text files as a C++ source: embed.py FUNCTION FILE... > OUTPUT.

Defines `std::span<const EmbeddedFile> satsuma::tools::FUNCTION()`, whose entries have each file's folder and name and
its content.
"""

import sys
from pathlib import Path

PIECE = 8000  # compilers limit the length of one literal


def literal(text):
    pieces = [text[i : i + PIECE] for i in range(0, len(text), PIECE)] or [""]
    for piece in pieces:
        if ')embedded"' in piece:
            raise SystemExit("a file holds the end of a raw literal")
    return "\n".join(f'R"embedded({piece})embedded"' for piece in pieces)


def main(function, *files):
    print('#include "tools/satsuma/embedded_file.hpp"\n\nnamespace satsuma::tools {\n')
    print(f"std::span<const EmbeddedFile> {function}() {{\n  static constexpr EmbeddedFile files[] = {{")
    for file in map(Path, files):
        print(f'{{"{file.parent.name}", "{file.name}", {literal(file.read_text())}}},')
    print("  };\n  return files;\n}\n\n}  // namespace satsuma::tools")


main(*sys.argv[1:])
