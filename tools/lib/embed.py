"""Text files as a C++ source: embed.py NAMESPACE::FUNCTION FILE... > OUTPUT.

Defines `std::span<const EmbeddedFile> NAMESPACE::FUNCTION()`, whose entries have each file's folder and name and
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


def main(qualified, *files):
    namespace, _, function = qualified.rpartition("::")
    print(f'#include "src/core/embedded_file.hpp"\n\n#include <span>\n\nnamespace {namespace} {{\n')
    print(f"std::span<const EmbeddedFile> {function}() {{\n  static constexpr EmbeddedFile files[] = {{")
    for file in map(Path, files):
        print(f'{{"{file.parent.name}", "{file.name}", {literal(file.read_text())}}},')
    print("  };\n  return files;\n}\n\n}")


main(*sys.argv[1:])
