# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""Sources for the benchmark: files as large as those of real models, in which only the quantized bytes have contents."""

import json
import os
import random
import struct

MIB = 1 << 20
ITEM = {"U8": 1, "BF16": 2}
# One expert of gpt-oss: rows, and blocks of 32 in a row.
GATE_UP, DOWN, BLOCKS = 5760, 2880, 90


def count(shape):
    """Number of elements in a shape."""
    n = 1
    for d in shape:
        n *= d
    return n


def write(path, tensors, fill=True):
    """Writes a safetensors file of (name, dtype, shape). Without `fill` it is sparse: its zeros take no space."""
    header, at = {}, 0
    for name, dtype, shape in tensors:
        size = ITEM[dtype] * count(shape)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        if fill:
            fill_tensors(f, tensors)
        f.truncate(8 + len(text) + at)
    return path


def fill_tensors(f, tensors):
    """Random codes, and scales like those of trained weights: a dozen values around 2^-8."""
    rng = random.Random(1)
    codes = rng.randbytes(8 * MIB)
    scales = bytes(114 + b % 12 for b in rng.randbytes(MIB + 7))
    for name, dtype, shape in tensors:
        left, chunk = ITEM[dtype] * count(shape), scales if "scales" in name else codes
        while left > 0:
            left -= f.write(chunk[: min(left, len(chunk))])


def experts(prefix, number, rows, blocks, first):
    """The two parts of one quantized tensor, under names by which the layout is recognised."""
    return [(f"{prefix}{first}", "U8", [number, rows, blocks, 16]), (f"{prefix}{first.replace('blocks', 'scales')}", "U8", [number, rows, blocks])]


def transposed(path, number=16):
    """gpt-oss as Hugging Face stores it: [E, N, K/32, 16], shown as [E, K, N]; 33 MB of output per expert."""
    return write(path, experts("model.layers.0.mlp.experts.gate_up_proj", number, GATE_UP, BLOCKS, "_blocks"))


def contiguous(path, number=16):
    """The same bytes under OpenAI's names: shown in the order in which they are stored."""
    return write(path, experts("block.0.mlp.mlp1_weight", number, GATE_UP, BLOCKS, ".blocks"))


def gptoss(path, layers, number):
    """All tensors of a gpt-oss model (20b: 24 layers of 32 experts; 120b: 36 of 128) in one sparse file."""
    tensors = [("model.embed_tokens.weight", "BF16", [201088, 2880]), ("lm_head.weight", "BF16", [201088, 2880])]
    tensors.append(("model.norm.weight", "BF16", [2880]))
    for i in range(layers):
        p = f"model.layers.{i}."
        for norm in ("input_layernorm", "post_attention_layernorm"):
            tensors.append((f"{p}{norm}.weight", "BF16", [2880]))
        tensors += [(f"{p}mlp.router.weight", "BF16", [number, 2880]), (f"{p}mlp.router.bias", "BF16", [number])]
        tensors.append((f"{p}self_attn.sinks", "BF16", [64]))
        for name, rows, cols in (("q", 4096, 2880), ("k", 512, 2880), ("v", 512, 2880), ("o", 2880, 4096)):
            tensors += [(f"{p}self_attn.{name}_proj.weight", "BF16", [rows, cols]), (f"{p}self_attn.{name}_proj.bias", "BF16", [rows])]
        for name, rows in (("gate_up_proj", GATE_UP), ("down_proj", DOWN)):
            tensors += experts(f"{p}mlp.experts.{name}", number, rows, BLOCKS, "_blocks")
            tensors.append((f"{p}mlp.experts.{name}_bias", "BF16", [number, rows]))
    return write(path, tensors, fill=False), len(tensors)


def tiny(path, number):
    """Many small quantized tensors."""
    tensors = []
    for i in range(number):
        tensors += experts(f"t{i:07}", 1, 4, 1, ".blocks")
    return write(path, tensors)


def sparse(path, size):
    """Writes a file of zeros without a header."""
    with open(path, "wb") as f:
        os.truncate(f.fileno(), size)
    return path
