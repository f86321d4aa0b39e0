#!/usr/bin/env python3
"""Writes the corpus of the fuzz targets into tests/fuzz/corpus; that of pictures is tests/golden/pictures.

Usage: tests/fuzz/make_corpus.py
"""

import pathlib
import struct
import zlib

FOLDER = pathlib.Path(__file__).parent / "corpus"

CSV = {
    "names": b'path,label\r\n"a, b.png",cat\r\nc.png,"dog ""Rex"""\r\n',
    "numbers": b"a.png,0\nb.png,2\n\nc.png,1",
    "columns": b"\xef\xbb\xbfclass,size,file\nx,1,a.png\ny,2,b.png\n",
    "lines": b'"a\nb.png",x\n"c\r\nd.png",y\n',
    "open": b'a.png,"x\nb.png,y\n',
    "empty": b"",
}


def packed(kind, pictures):
    """A packed file of (part, label, height, width, bytes), as src/data/packed_format.hpp has it."""
    content, entries, counts = b"SATSPACK", b"", [0, 0, 0]
    for part, label, height, width, data in pictures:
        counts[part] += 1
        entries += struct.pack("<QQIIII", len(content), len(data), zlib.crc32(data), label, height, width)
        entries += struct.pack("<I", 1) + b"x"
        content += data
    index = struct.pack("<I", 2) + b"".join(struct.pack("<I", len(n)) + n for n in (b"cat", b"dog"))
    index += struct.pack("<3Q", *counts) + entries
    footer = struct.pack("<QQIII", len(content), len(index), zlib.crc32(index), 1, kind)
    return content + index + footer + struct.pack("<I", zlib.crc32(footer)) + b"SATSPACK"


def main():
    pixels = bytes(range(60))
    picture = (FOLDER.parent.parent / "golden" / "pictures" / "palette.png").read_bytes()
    files = {f"csv/{name}": content for name, content in CSV.items()}
    files["cifar/ten"] = b"\0" + (b"\3" + bytes(3072)) * 2
    files["cifar/hundred"] = b"\1" + b"\7\x63" + bytes(3072)
    files["packed/decoded"] = packed(1, [(0, 0, 4, 5, pixels), (0, 1, 2, 2, pixels[:12]), (2, 1, 1, 1, b"abc")])
    files["packed/files"] = packed(0, [(0, 0, 0, 0, picture), (1, 1, 0, 0, picture[:50])])
    for name, content in files.items():
        path = FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


if __name__ == "__main__":
    main()
