# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""A sparse file in the shape of gpt-oss-120b mounts at once and is read in bounded memory."""

import json
import mmap
import os
import random
import struct
import time

import numpy as np
import pytest

import reforacle as oracle
from helpers import assert_same

MIB = 1 << 20
LAYERS, EXPERTS, HIDDEN = 36, 128, 2880
BLOCKS = {"gate_up_proj": (EXPERTS, 2 * HIDDEN, HIDDEN // 32, 16), "down_proj": (EXPERTS, HIDDEN, HIDDEN // 32, 16)}


def write_sparse(path):
    """A header and holes for the data: 65 GB that take no space. Returns name -> offset of its data."""
    entries, at = {}, 0

    def add(name, dtype, *shape):
        nonlocal at
        size = int(np.prod(shape, dtype=np.int64)) * (2 if dtype == "BF16" else 1)
        entries[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
        at += size

    add("model.embed_tokens.weight", "BF16", 201088, HIDDEN)
    add("lm_head.weight", "BF16", 201088, HIDDEN)
    for layer in range(LAYERS):
        prefix = f"model.layers.{layer}."
        for name, shape in BLOCKS.items():
            add(f"{prefix}mlp.experts.{name}_bias", "BF16", *shape[:2])
            add(f"{prefix}mlp.experts.{name}_blocks", "U8", *shape)
            add(f"{prefix}mlp.experts.{name}_scales", "U8", *shape[:3])
        add(f"{prefix}mlp.router.weight", "BF16", EXPERTS, HIDDEN)
        add(f"{prefix}mlp.router.bias", "BF16", EXPERTS)
        for name, rows, cols in (("q", 4096, HIDDEN), ("k", 512, HIDDEN), ("v", 512, HIDDEN), ("o", HIDDEN, 4096)):
            add(f"{prefix}self_attn.{name}_proj.weight", "BF16", rows, cols)
            add(f"{prefix}self_attn.{name}_proj.bias", "BF16", rows)
        add(f"{prefix}self_attn.sinks", "BF16", 64)
        add(f"{prefix}input_layernorm.weight", "BF16", HIDDEN)
        add(f"{prefix}post_attention_layernorm.weight", "BF16", HIDDEN)
    header = json.dumps(entries, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(header)) + header)
        f.truncate(8 + len(header) + at)
    return {n: 8 + len(header) + e["data_offsets"][0] for n, e in entries.items()}


@pytest.fixture(scope="module")
def sparse(tmp_path_factory):
    path = tmp_path_factory.mktemp("sparse") / "model.safetensors"
    offsets = write_sparse(path)
    yield path, offsets
    path.unlink()


def test_120b(sparse, mount, sanitized):
    """The file mounts in a moment; 1.5 GiB of scattered reads stay within the promised memory."""
    path, offsets = sparse
    assert path.stat().st_size > 60e9 and path.stat().st_blocks < 1000
    start = time.monotonic()
    made = mount(path)
    took = time.monotonic() - start
    resting = made.memory("VmRSS")
    tensors = len(os.listdir(made / "tensors"))
    print(f"mounted {path.stat().st_size / 1e9:.1f} GB in {took * 1000:.0f} ms, RSS {resting / MIB:.1f} MiB, {tensors} tensors")
    assert took < 5
    assert tensors == len(offsets) - 2 * LAYERS

    # A known stripe in the last layer: the last byte of the last expert's last row, far beyond 4 GiB.
    expert, rows, (n, groups) = EXPERTS - 1, 4, (BLOCKS["down_proj"][1], BLOCKS["down_proj"][2])
    rng = np.random.default_rng(1)
    packed, scales = rng.integers(0, 256, (rows, groups * 16), np.uint8), rng.integers(0, 255, (rows, groups), np.uint8)
    name = f"model.layers.{LAYERS - 1}.mlp.experts.down_proj"
    stamp = path.stat().st_mtime_ns
    with open(path, "r+b") as f:
        f.seek(offsets[name + "_blocks"] + (expert * n + n - rows) * groups * 16)
        f.write(packed.tobytes())
        f.seek(offsets[name + "_scales"] + (expert * n + n - rows) * groups)
        f.write(scales.tobytes())
    os.utime(path, ns=(stamp, stamp))  # before the first read, so mxfs sees no change
    want = np.frombuffer(oracle.rounded(oracle.mxfp4(packed, scales).T, "BF16").data, np.uint16).reshape(-1, rows)
    with open(made / "tensors" / name, "rb") as f:
        for k in (0, 1, 31, 32, 1000, want.shape[0] - 1):
            f.seek(((expert * want.shape[0] + k) * n + n - rows) * 2)
            assert_same(f.read(rows * 2), want[k].tobytes(), f"column {k}")

    seed = int(os.environ.get("MXFS_TEST_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"MXFS_TEST_SEED={seed}")
    spots = random.Random(seed)
    size, piece, total = made.file.stat().st_size, 12 * MIB, 0
    start = time.monotonic()
    fd = os.open(made.file, os.O_RDONLY)
    with mmap.mmap(-1, piece) as buffer:
        for _ in range(128):
            total += os.preadv(fd, [buffer], spots.randrange(size - piece))
    os.close(fd)
    took = time.monotonic() - start
    bound = 96 * MIB + 400 * tensors
    rss, peak = made.memory("VmRSS"), made.memory("VmHWM")
    print(f"read {total / 1e9:.2f} GB in {took:.1f} s, RSS {rss / MIB:.1f} MiB, peak {peak / MIB:.1f} of {bound / MIB:.1f} MiB")
    if not sanitized:
        assert peak <= bound


def test_smaller_cache_smaller_memory(sparse, mount, sanitized):
    """--cache-size bounds the cache."""
    made = mount(sparse[0], "--cache-size=24M")
    size, piece = made.file.stat().st_size, 4 * MIB
    with open(made.file, "rb", buffering=0) as f:
        for i in range(40):
            f.seek(size // 40 * i)
            f.read(piece)
    tensors = len(os.listdir(made / "tensors"))
    if not sanitized:
        assert made.memory("VmHWM") <= (24 + 32) * MIB + 400 * tensors
