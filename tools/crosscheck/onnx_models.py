#!/usr/bin/env python3
"""Exported models in onnxruntime: onnx.checker accepts each file, and the logits are Satsuma's.

    ninja -C build tests/export/make_onnx_files
    tools/crosscheck/onnx_models.py [BUILD FOLDER]

Needs onnx, onnxruntime, numpy and safetensors. The models and images are those of tests/export/models.hpp; each file is run with
the whole batch of five and with its first image alone. The error is stated beside the largest logit of the batch, not beside
each logit: a logit is a sum that may cancel to nearly nothing, and then has no digits of its own. Fails above 1e-5.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
import onnx
import onnxruntime
from safetensors.numpy import load_file

TOLERANCE = 1e-5


def share(file):
    """Largest difference of a logit, as a share of the largest logit."""
    onnx.checker.check_model(str(file), full_check=True)
    data = load_file(file.with_suffix(".safetensors"))
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    worst = 0.0
    for count in (len(data["images"]), 1):
        (logits,) = session.run(["logits"], {"input": data["images"][:count]})
        expected = data["logits"][:count]
        assert logits.shape == expected.shape, (logits.shape, expected.shape)
        worst = max(worst, float(numpy.abs(logits - expected).max() / numpy.abs(expected).max()))
    return worst


def main():
    build = Path(sys.argv[1] if len(sys.argv) > 1 else "build")
    with tempfile.TemporaryDirectory(prefix="satsuma-onnx-") as folder:
        subprocess.run([build / "tests" / "export" / "make_onnx_files", folder], check=True)
        files = sorted(Path(folder).glob("*.onnx"))
        shares = {file.stem: share(file) for file in files}
    print(f"onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}")
    for name, value in shares.items():
        print(f"{name:32} {value:.1e}{'' if value < TOLERANCE else '  TOO FAR'}")
    return 0 if shares and max(shares.values()) < TOLERANCE else 1


if __name__ == "__main__":
    sys.exit(main())
