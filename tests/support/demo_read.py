# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""Reads the demo's mount with Python safetensors and NumPy, and compares every bit with the expected values.

Usage: demo_read.py MOUNTPOINT EXPECTED_FILE. The expected values are read from their file with plain
Python, so that the library does not check itself.
"""

import json
import struct
import sys
from pathlib import Path

import ml_dtypes  # noqa: F401 registers bfloat16 with NumPy, where safetensors looks it up
import numpy as np
from safetensors import safe_open


def tensors(path):
    """name → (shape, bytes) of a safetensors file."""
    content = path.read_bytes()
    (size,) = struct.unpack_from("<Q", content)
    header = json.loads(content[8 : 8 + size])
    header.pop("__metadata__", None)
    data = memoryview(content)[8 + size :]
    return {name: (entry["shape"], data[slice(*entry["data_offsets"])]) for name, entry in header.items()}


def check(name, what, good):
    if not good:
        sys.exit(f"{name}: {what} differs from the expected values")


def main(mountpoint, expected_file):
    expected = tensors(expected_file)
    with safe_open(mountpoint / "model.safetensors", framework="numpy") as model:
        check("model.safetensors", "the list of tensors", sorted(model.keys()) == sorted(expected))
        for name, (shape, content) in expected.items():
            tensor = model.get_tensor(name)
            check(name, "the shape", list(tensor.shape) == shape)
            check(name, "safe_open", tensor.tobytes() == content)
            if ".0.mlp.experts" in name and not name.endswith("bias"):
                print(f"  {name:<40} {tensor.dtype} {str(shape):<14} {tensor.reshape(-1)[:3]} …")

    for name, (shape, content) in expected.items():
        check(name, "tensors/", (mountpoint / "tensors" / name).read_bytes() == content)
        array = np.load(mountpoint / "npy" / (name + ".npy"), mmap_mode="r")
        # bfloat16 is the upper half of a float32.
        wide = np.frombuffer(content, "<u2").astype("<u4") << 16
        check(name, "npy/", list(array.shape) == shape and array.tobytes() == wide.tobytes())
    values = sum(len(content) // 2 for _, content in expected.values())
    print(f"  {len(expected)} tensors, {values:,} values: safe_open, tensors/ and npy/ agree in every bit")


main(Path(sys.argv[1]), Path(sys.argv[2]))
