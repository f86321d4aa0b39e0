#!/usr/bin/env python3
"""Writes the corpus of the fuzz targets into tests/fuzz/corpus; that of pictures is tests/golden/pictures.

Usage: tests/fuzz/make_corpus.py
"""

import gzip
import io
import json
import pathlib
import struct
import tarfile
import zlib

FOLDER = pathlib.Path(__file__).parent / "corpus"
ROOT = FOLDER.parents[2]

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


def safetensors(tensors, metadata=None):
    """A file of (name, type, shape, bytes)."""
    header, data = {}, b""
    if metadata:
        header["__metadata__"] = metadata
    for name, dtype, shape, content in tensors:
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def checkpoint():
    tally = {"loss_sum": 1.5, "correct": 3, "images": 16, "macs": [1, 2, 3], "seconds": 0.5}
    state = {"step": 3, "epoch": 1, "batch": 1, "best_accuracy": 0.5, "best_epoch": 1, "epochs_since_best": 0, "evaluated": 2,
             "loss_scale": {"value": 65536, "good_steps": 3, "skipped": 0}, "interval": tally, "running": tally, "total": tally}
    metadata = {"satsuma_checkpoint": "1", "recipe": "model = 'resnet9'\n", "weights": "dense masters", "method": "bdwp",
                "nm": "2:8", "model": json.dumps({"input": [3, 16, 16], "classes": 2}), "state": json.dumps(state),
                "optimizer": json.dumps({"name": "sgd", "steps": 3}), "class_names": '["cat","dog"]', "generators": "[1,2]",
                "validation_accuracy": "0.5"}
    tensors = [("fc.weight", "F32", [2, 2], bytes(16)), ("optimizer.momentum_buffer.fc.weight", "F32", [2, 2], bytes(16)),
               ("ema.fc.weight", "BF16", [2, 2], bytes(8)), ("mask.fc.ff", "U8", [2, 1], bytes(2)),
               ("epoch_mask.fc", "U8", [2, 1], bytes(2)), ("steps", "I64", [], bytes(8)), ("other", "F8_E4M3", [3], bytes(3))]
    return safetensors(tensors, metadata)


def plugin_table():
    """Numbers of satsuma_plugin as include/satsuma/plugin.h has it, pointers as yes or no; and a name."""
    return struct.pack("<I", 1) + bytes(range(1, 200)) + b"card\0"


def bitstream(config):
    def run(content):
        return struct.pack("<Q", len(content)) + content

    body = struct.pack("<II", 2, 16) + run(b"platform") + run(b"device") + run(config) + run(b"\x7fELF")
    sum_of_body = 0xCBF29CE484222325
    for byte in body:
        sum_of_body = (sum_of_body ^ byte) * 0x100000001B3 % 2**64
    return b"SATBITS\0" + struct.pack("<Q", sum_of_body) + body


def archive(mode, names):
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode=mode, format=tarfile.USTAR_FORMAT) as file:
        for name in names:
            entry = tarfile.TarInfo(name)
            entry.size = 5
            file.addfile(entry, io.BytesIO(b"words"))
    # Archives end in blocks of nothing; two are enough.
    return content.getvalue()[:-7168] if mode == "w:" else content.getvalue()


REQUESTS = {
    "page": b"GET / HTTP/1.1\r\nHost: localhost:8734\r\nAccept: */*\r\n\r\n",
    "head": b"HEAD / HTTP/1.0\r\nHost: 127.0.0.1\r\nConnection: keep-alive\r\n\r\n",
    "other": b"GET /../x?a=%00&b HTTP/1.1\r\nHost: [::1]:1\r\n\r\n",
    "range": b"GET / HTTP/1.1\r\nHost: localhost\r\nRange: bytes=0-1,5-,-3\r\nAccept-Encoding: gzip\r\n\r\n",
    "body": b"POST / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
    "continued": b"GET / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n\r\n",
    "parts": b"PUT / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "stranger": b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n",
    "long": b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n",
    "cut": b"GET / HT",
}

SETTINGS = ["constant", "0.2,5ep,500", "dense@0,4:8@0.2,2:8@0.5", "2:8x4", "random-resized-crop,flip,rand-augment:2,9,mixup:.2",
            "1h30m", "8GiB", "lr=0.1,0.2"]
SCHEDULE = """workload = 'name'
workload_fingerprint = '01234567'
config_fingerprint = '89abcdef'

[[layer]]
name = 'fc'
pregenerate_ff = true
pregenerate_bp = true
[layer.ff]
dataflow = "OS"
order = ["pixels", "out_channels", "in_channels"]
interleave = 1
tile = { images = 1, rows = 32, in_channels = 16, out_channels = 8 }
buffer_kib = { activations = 32, weights = 32, output = 32 }
"""
STUDY = """methods = ['dense', 'bdwp']
nm = ['2:8', '2:4']
seeds = 3
[recipe]
epochs = 10
[axes]
lr = [0.1, 0.2]
"""
NAMED_STUDY = """seeds = [1, 2]
[[variant]]
name = 'a'
lr = 0.1
[[variant]]
name = 'b'
method = 'bdwp'
"""
MACHINE = {"cpu": "a", "isa": "avx2", "cores": 2, "threads": 2}
RESULT = {"machine": MACHINE, "model": "resnet9", "input": "3x32x32", "width": 1, "batch_size": 128, "device": "cpu"}
STEP = {"bench": "step", **RESULT, "nm": "2:8",
        "results": [{"method": "bdwp", "precision": "fp32", "seconds_median": 0.5, "seconds_quartiles": [0.4, 0.6]}]}
KERNELS = {"bench": "kernels", **RESULT, "method": "bdwp",
           "layers": [{"layer": "fc", "pass": "FF", "pruned": True, "nm": "2:8", "own_dense_time": {"median": 1, "quartiles": [1, 1]},
                       "nm_time": {"median": 0.5, "quartiles": [0.4, 0.6]}}]}
LOG = [{"kind": "step", "step": 1, "epoch": 1, "loss": 1.5, "lr": 0.1, "nm": "2:8", "macs": 10, "seconds": 0.1,
        "time": {"data": 0.1, "forward": 0.1}},
       {"kind": "epoch", "step": 2, "epoch": 1, "loss": 1.5, "accuracy": 0.5, "val_loss": 1.4, "val_accuracy": 0.6, "macs": 20,
        "mask_changes": {"fc": 0.1}, "seconds": 0.2},
       {"kind": "test", "step": 2, "epoch": 1, "test_loss": 1.3, "test_accuracy": 0.7}]
ABOUT = {"started": "2026-01-01 00:00:00 UTC", "machine": MACHINE, "device": "cpu", "parameters": 10, "input": [3, 16, 16],
         "classes": 2, "train_images": 32, "batches_per_epoch": 2,
         "layers": [{"name": "fc", "geometry": "linear", "weight": [2, 16], "macs": {"FF": 1, "BP": 2, "WU": 3}}]}
EVALUATION = {"set": "test", "weights": "best.safetensors", "epoch": 1, "loss": 1.4, "top1": 0.5, "top5": 1, "count": 4,
              "calibration_error": 0.1, "class_names": ["cat", "dog"],
              "calibration": [{"low": 0, "high": 0.5, "count": 0, "confidence": None, "accuracy": None},
                              {"low": 0.5, "high": 1, "count": 4, "confidence": 0.7, "accuracy": 0.5}],
              "per_class": [{"name": "cat", "count": 2, "correct": 1, "accuracy": 0.5}], "confusion": [[1, 1], [1, 1]],
              "mistakes": [{"index": 1, "file": "a.png", "label": 0, "predicted": 1, "probability": 0.9, "picture": "iVBORw0K"}]}
CONVOLUTIONS = (b"Layer,IFMAP Height,IFMAP Width,Filter Height,Filter Width,Channels,Num Filter,Strides,Sparsity\n"
                b"conv1,8,8,3,3,4,8,1,2:4\nconv2,8,8,1,1,8,8,2,1:1\n")
PRODUCTS = b"Layer,M,N,K\nfc,4,8,16\n"


def parsers():
    """Corpora of the parsers that have no example files of their own."""
    card = (ROOT / "configs" / "sat-vcu1525.toml").read_bytes()
    small = b"[array]\nrows = 8\ncolumns = 8\n[clock]\nmhz = 100\n"
    recipe = b"model = 'resnet20'\ndata = 'synthetic'\nmethod = 'bdwp'\nnm = '2:8'\nepochs = 3\nlr = 0.1\nweight-decay = 5e-4\n" \
             b"warmup = 0.1\nplace = ['fc=reference']\nnm-for = ['fc=4:8']\n"
    idx = struct.pack(">HBB3I", 0, 8, 3, 2, 2, 3) + bytes(12)
    lines = "\n".join(map(json.dumps, LOG)).encode() + b"\n"
    result = {"checkpoint/whole": checkpoint(), "checkpoint/tensors": safetensors([("a", "F32", [2], bytes(8))]),
              "checkpoint/none": safetensors([]),
              "idx/pictures": idx, "idx/labels": struct.pack(">HBBI", 0, 8, 1, 3) + b"\0\1\2", "idx/packed": gzip.compress(idx, mtime=0),
              "recipe/recipe": recipe, "recipe/study": STUDY.encode(), "recipe/named": NAMED_STUDY.encode(),
              "recipe/deep": b"a = " + b"[" * 300, "recipe/long_key": b"[a" + b".a" * 20000 + b"]",
              "sat/config": b"\0" + small, "sat/card": b"\0" + card, "sat/schedule": b"\1" + SCHEDULE.encode(),
              "sat/convolutions": b"\2" + CONVOLUTIONS, "sat/products": b"\2" + PRODUCTS,
              "plugin/table": plugin_table(), "bitstream/card": bitstream(small), "bitstream/none": bitstream(b""),
              "bench_result/step": json.dumps(STEP).encode(), "bench_result/kernels": json.dumps(KERNELS).encode(),
              "bench_result/deep": json.dumps({**STEP, "machine": {}, "model": "deep"}).replace('"deep"', "[" * 20000 + "]" * 20000).encode(),
              "run/log": b"\0" + lines, "run/about": b"\1" + json.dumps(ABOUT).encode(),
              "run/evaluation": b"\2" + json.dumps(EVALUATION).encode(), "run/config": b"\3" + recipe,
              "run/deep": b'\0{"step":0,"x":' + b"[" * 20000 + b"]" * 20000 + b"}\n",
              "run/kinds": b'\0{"kind":7,"step":0,"epoch":"x"}\n{"kind":"epoch","step":1,"epoch":1e300,"macs":1e308}\n',
              "tar/plain": archive("w:", ["a/b.txt", "c"]), "tar/outside": archive("w:", ["../a"]), "tar/absolute": archive("w:", ["/a"])}
    result |= {f"serve/{name}": request for name, request in REQUESTS.items()}
    box = b"\t0\t32\t44\t62\n"
    result["annotations/two"] = b"val_0.JPEG\tn01443537" + box + b"val_1.JPEG\tn01641577" + box
    result["annotations/plain"] = b"\r\nval_0.JPEG\tn01629819\r\nval_1.JPEG\tn01443537"
    result["annotations/unknown"] = b"val_0.JPEG\tn00000000\n"
    return result | {f"settings/{number}": text.encode() for number, text in enumerate(SETTINGS)}


def main():
    pixels = bytes(range(60))
    picture = (FOLDER.parent.parent / "golden" / "pictures" / "palette.png").read_bytes()
    files = {f"csv/{name}": content for name, content in CSV.items()}
    files["cifar/ten"] = b"\0" + (b"\3" + bytes(3072)) * 2
    files["cifar/hundred"] = b"\1" + b"\7\x63" + bytes(3072)
    files["packed/decoded"] = packed(1, [(0, 0, 4, 5, pixels), (0, 1, 2, 2, pixels[:12]), (2, 1, 1, 1, b"abc")])
    files["packed/files"] = packed(0, [(0, 0, 0, 0, picture), (1, 1, 0, 0, picture[:50])])
    files |= parsers()
    for name, content in files.items():
        path = FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


if __name__ == "__main__":
    main()
