"""Reads what Satsuma writes for others, from the formats' descriptions alone: protobuf messages and TensorBoard's event files."""

import struct


def fields(message):
    """Fields of a protobuf message: number to the list of its values. Whole numbers, and bytes of all others."""
    result = {}
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(message):
        key = varint()
        number, kind = key >> 3, key & 7
        if kind == 0:
            value = varint()
        else:
            size = {1: 8, 5: 4}.get(kind) or varint()
            if kind not in (1, 2, 5) or at + size > len(message):
                raise ValueError(f"field {number} of kind {kind} at byte {at}")
            value = message[at : at + size]
            at += size
        result.setdefault(number, []).append(value)
    return result


def one(message, *path):
    """The only value at a path of field numbers."""
    for number in path:
        (message,) = fields(message)[number]
    return message


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(path):
    """Data of the TFRecords of a file; raises ValueError where framing or a sum is wrong."""
    content = path.read_bytes()
    result = []
    at = 0
    while at < len(content):
        if len(content) < at + 16:
            raise ValueError(f"{len(content) - at} bytes are left")
        length, check = struct.unpack_from("<QI", content, at)
        data = content[at + 12 : at + 12 + length]
        (end,) = struct.unpack_from("<I", content, at + 12 + length)
        if check != masked(content[at : at + 8]) or end != masked(data):
            raise ValueError(f"a wrong sum in the record at {at}")
        result.append(data)
        at += 16 + length
    return result


class Events:
    """An event file: its version, what it tells to forget, and by tag the values with their steps."""

    def __init__(self, path):
        self.version = None
        self.purge_from = None
        self.scalars = {}
        self.histograms = {}
        self.pictures = {}
        self.plugins = {}
        for data in records(path):
            event = fields(data)
            (step,) = event.get(2, [0])
            if 3 in event:
                self.version = event[3][0].decode()
            if 7 in event:
                self.purge_from = step
            for summary in event.get(5, []):
                for value in fields(summary)[1]:
                    self.add(step, fields(value))

    def add(self, step, value):
        tag = value[1][0].decode()
        if 2 in value:
            self.scalars.setdefault(tag, []).append((step, struct.unpack("<f", value[2][0])[0]))
        if 4 in value:
            self.pictures.setdefault(tag, []).append((step, one(value[4][0], 4)))
        if 5 in value:
            histogram = fields(value[5][0])
            counts = struct.unpack(f"<{len(histogram[7][0]) // 8}d", histogram[7][0])
            self.histograms.setdefault(tag, []).append((step, counts))
        if 9 in value:
            self.plugins.setdefault(tag, []).append(one(value[9][0], 1, 2))
