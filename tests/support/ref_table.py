# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""Formats whose codes are looked up in a table in the file, or scaled per row: small files and their values.

The definition is independent of mxfs: NumPy float32, each operation rounded once, in the same order
as in the libraries:

- bitsandbytes 4 bits: map[code] * absmax, the high half of a byte first, rounded to the type that
  the state names (`via`); nested: absmax = nested_map[a] * nested_absmax, then + nested_offset
  (bitsandbytes functional.py dequantize_4bit, dequantize_blockwise).
- bitsandbytes 8 bits: code * SCB, then * 1/127 (_ops.py int8_vectorwise_dequant).
"""

import json

import ml_dtypes
import numpy as np

import reftensor as rt
from ref_float import CLASSES, FloatModel

NF4 = np.float32([
    -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
    -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
    0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0,
])  # fmt: skip
FP4 = np.float32([0, 0.0052083333, 0.66666667, 1, 0.33333333, 0.5, 0.16666667, 0.25])
FP4 = np.concatenate([FP4, -FP4])
TORCH = {"BF16": "bfloat16", "F16": "float16", "F32": "float32"}


# --- bitsandbytes -------------------------------------------------------------------------------


def high_first(codes):
    """Packs 4-bit codes in bytes, even elements in the high half, including a single last one."""
    flat = np.concatenate([codes.reshape(-1), np.zeros(codes.size % 2, np.uint8)])
    return (flat[0::2] << 4 | flat[1::2]).astype(np.uint8)


def times(a, b):
    with np.errstate(all="ignore"):
        return (a * b).astype(np.float32)


def spread_flat(scales, shape, block):
    """Scales repeated, one for every `block` elements of the flat tensor."""
    return np.repeat(scales, block)[: int(np.prod(shape))].reshape(shape)


def add_bnb4(m, name, seed, shape, absmax=None, block=64, kind="nf4", table=None, state="BF16", nested=None, storage=None, absmax_type=np.float32):
    """Adds a 4-bit group. `nested`: the block size with which absmax itself is quantized."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 16, shape, np.uint8)
    table = (NF4 if kind == "nf4" else FP4) if table is None else table
    blocks = -(-codes.size // block)
    described = {"quant_type": kind, "blocksize": block, "dtype": TORCH[state], "shape": list(shape)}
    parts = {}
    if nested:
        stored = rng.integers(0, 256, blocks, np.uint8)
        inner = (0.01 + rng.random(-(-blocks // nested), np.float32)).astype(np.float32)
        inner_map = np.sort(rng.random(256, np.float32) * 2 - 1).astype(np.float32)
        offset = np.float32(0.2568473815917969)
        described |= {"nested_blocksize": nested, "nested_dtype": "float32", "nested_offset": float(offset)}
        parts[".nested_absmax"], parts[".nested_quant_map"] = rt.tensor(inner), rt.tensor(inner_map)
        absmax = times(inner_map[stored], np.repeat(inner, nested)[:blocks]) + offset
    elif absmax is None:
        stored = (0.001 + rng.random(blocks, np.float32)).astype(absmax_type)
        absmax = stored.astype(np.float32)
    else:
        stored = absmax
    octets = high_first(codes)
    whole = rt.raw("U8", (octets.size, 1), octets) if storage is None else storage(octets)
    parts = {"": whole, ".absmax": rt.tensor(stored), ".quant_map": rt.tensor(table), **parts}
    text = json.dumps(described).encode()
    parts[f".quant_state.bitsandbytes__{kind}"] = rt.raw("U8", (len(text),), text)
    values = times(table[codes], spread_flat(absmax, shape, block))
    m.add(name, values, state, **{name + suffix: t for suffix, t in parts.items()})


def add_bnb8(m, name, seed, shape, scb=None, mark=None):
    """Adds an 8-bit group; `mark` is the stored weight_format."""
    codes = np.random.default_rng(seed).integers(-128, 128, shape).astype(np.int8)
    if scb is None:
        scb = (np.random.default_rng(seed + 1).random(shape[0], np.float32) * 3).astype(np.float32)
    parts = {name + ".weight": rt.tensor(codes), name + ".SCB": rt.tensor(scb)}
    if mark is not None:
        parts[name + ".weight_format"] = mark
    values = times(times(codes.astype(np.float32), scb[:, None]), np.float32(7.874015718698502e-3))
    m.add(name + ".weight", values, **parts)


def awkward():
    """Float32 scales of every kind."""
    return np.array(CLASSES["F32"], np.uint32).view(np.float32)


def bnb_layouts(state="BF16"):
    """4 bits in every layout that the library writes, with every kind of scale."""
    m = FloatModel({"quantization_config": {"quant_method": "bitsandbytes"}})
    for kind in ("nf4", "fp4"):
        add_bnb4(m, f"{kind}.plain.weight", 1, (96, 64), kind=kind, state=state)
        add_bnb4(m, f"{kind}.nested.weight", 2, (300, 256), kind=kind, nested=256, state=state)
        add_bnb4(m, f"{kind}.scales.weight", 3, (awkward().size, 64), awkward(), kind=kind, state=state)
    for block in (32, 128, 512, 4096):
        add_bnb4(m, f"block{block}.weight", 4, (37, 250), block=block, state=state)
        add_bnb4(m, f"block{block}.nested.weight", 4, (370, 26), block=block, nested=256, state=state)
    add_bnb4(m, "small.nested.weight", 5, (50, 130), block=32, nested=64, state=state)
    add_bnb4(m, "large.nested.weight", 5, (700, 1000), nested=256, state=state)
    add_bnb4(m, "odd.weight", 6, (3, 33), state=state)
    add_bnb4(m, "line.weight", 6, (131,), state=state)
    add_bnb4(m, "single.weight", 6, (1, 1), state=state)
    add_bnb4(m, "none.weight", 6, (0, 64), state=state)
    add_bnb4(m, "experts.gate_up_proj", 7, (3, 40, 96), state=state)  # a parameter with another name than weight
    add_bnb4(m, "map.weight", 8, (40, 64), table=np.float32(np.arange(16) * -1.37 + 3), state=state)
    add_bnb4(m, "half.weight", 8, (40, 64), absmax_type=ml_dtypes.bfloat16, state=state)
    add_bnb4(m, "stored.bf16.weight", 9, (40, 64), storage=lambda o: rt.raw("BF16", (o.size // 2, 1), o), state=state)
    add_bnb4(m, "stored.f32.weight", 9, (40, 64), storage=lambda o: rt.raw("F32", (o.size // 4, 1), o), state=state)
    add_bnb4(m, "turned.weight", 9, (40, 64), storage=lambda o: rt.raw("U8", (1, o.size), o), state=state)
    m.plain("norm.weight", rt.tensor(np.ones(8, np.float32)))
    return m


def bnb8_layouts():
    m = FloatModel({"quantization_config": {"quant_method": "bitsandbytes"}})
    add_bnb8(m, "plain", 1, (70, 1031))
    add_bnb8(m, "marked", 2, (5, 64), mark=rt.raw("U8", (), b"\0"))
    add_bnb8(m, "scales", 3, (awkward().size, 40), awkward())
    add_bnb8(m, "narrow", 4, (300, 1))
    add_bnb8(m, "none", 5, (0, 8))
    add_bnb8(m, "empty", 5, (8, 0))
    m.plain("plain.bias", rt.tensor(np.ones(70, np.float32)))
    return m
