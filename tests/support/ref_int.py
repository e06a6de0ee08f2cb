# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""Integer formats: small files in every layout, and their values.

The definition is independent of mxfs: codes are packed in Python's long integers, and values computed in
NumPy float32, each operation rounded once, in the same order as in the libraries:

- compressed-tensors: (q - zero) * scale in the type of the scales (`via`); pack-quantized holds
  q + 2^(bits - 1) as a stream of bits, older versions 32 // bits of them in a word
  (compressors/pack_quantized/helpers.py).
- GPTQ: scale[group, n] * (code - zero), zero stored less 1 in version 1 (GPTQModel
  nn_modules/qlinear/torch.py dequantize_weight); AWQ: (code - zero) * scale, columns of a word in the
  order 0 2 4 6 1 3 5 7 (AutoAWQ utils/packing_utils.py). Both in float16, and transposed.
- ModelOpt: code * scale * pre_quant_scale in float32; two rows in a byte
  (export/quant_utils.py pack_int4_in_uint8).
- MXFP6 of compressed-tensors: E2M3 codes, four in three bytes (compressors/mxfp6/helpers.py).
"""

import numpy as np

import reforacle as oracle
import reftensor as rt
from ref_float import NUMPY, FloatModel, floats, product

CT = {"quant_method": "compressed-tensors", "format": "pack-quantized"}


def ct_config(*bits, **more):
    """A config with one group of weights per number of bits."""
    groups = {f"group_{i}": {"targets": ["Linear"], "weights": {"num_bits": b, "type": "int", **more}} for i, b in enumerate(bits)}
    return {"quantization_config": {**CT, "config_groups": groups}}


def pack(codes, bits, gaps=False):
    """Packs unsigned codes [.., n] in words [.., w], as a stream of bits or, with gaps, 32 // bits per word."""
    codes = np.asarray(codes)
    flat, per = codes.reshape(-1, codes.shape[-1]), 32 // bits
    if 32 % bits == 0:
        whole = np.pad(codes.astype(np.uint32), [(0, 0)] * (codes.ndim - 1) + [(0, -codes.shape[-1] % per)])
        words = whole.reshape(*codes.shape[:-1], -(-codes.shape[-1] // per), per) << (np.arange(per, dtype=np.uint32) * bits)
        return words.sum(-1, dtype=np.uint32).view(np.int32)
    rows = []
    for row in flat.tolist():
        if gaps:
            rows.append([sum(c << (bits * i) for i, c in enumerate(row[at : at + per])) for at in range(0, len(row), per)])
        else:
            stream = sum(c << (bits * i) for i, c in enumerate(row))
            rows.append([stream >> (32 * i) & 0xFFFFFFFF for i in range(-(-len(row) * bits // 32))])
    words = np.array(rows, np.uint32).reshape(*codes.shape[:-1], -(-codes.shape[-1] // per) if gaps else -(-codes.shape[-1] * bits // 32))
    return np.ascontiguousarray(words).view(np.int32)


def draw_scales(rng, dtype, *shape):
    """Scales of a type, including a zero and a large one."""
    values = (rng.standard_normal(shape) * 0.02).astype(np.float32).reshape(-1)
    values[:: max(1, values.size // 3)] = (0.0, 300.0, -1e-6, 7.0)[rng.integers(0, 4)]
    return rt.tensor(values.reshape(shape).astype(NUMPY[dtype]))


def affine(codes, zeros, scales, via, groups=None):
    """(codes - zeros) * scales by group of columns, rounded to `via`."""
    k, g = codes.shape[-1], scales.shape[-1]
    groups = np.arange(k) // max(1, k // g) if groups is None else groups
    difference = codes.astype(np.float32) - (0 if zeros is None else zeros.astype(np.float32)[..., groups])
    with np.errstate(all="ignore"):
        return product(difference, scales[..., groups]).astype(NUMPY[via]).astype(np.float32)


def add_packed(m, stem, seed, shape, bits, group=None, scale="BF16", zeros=False, order=False, gaps=False):
    """X.weight_packed + X.weight_scale + X.weight_shape (+ zero points, + g_idx) -> X.weight."""
    rng = np.random.default_rng(seed)
    *lead, n, k = shape
    g = 1 if group is None else k // group
    low, high = -(1 << (bits - 1)), 1 << (bits - 1)
    codes = rng.integers(low, high, shape)
    scales = draw_scales(rng, scale, *lead, n, g)
    parts = {
        f"{stem}.weight_packed": rt.tensor(pack(codes - low, bits, gaps)),
        f"{stem}.weight_scale": scales,
        f"{stem}.weight_shape": rt.tensor(np.array(shape, np.int64 if seed % 2 else np.int32)),
    }
    zero = groups = None
    if zeros:
        zero = rng.integers(low, high, (*lead, n, g))
        down = pack(np.swapaxes(zero - low, -1, -2), bits, gaps)
        parts[f"{stem}.weight_zero_point"] = rt.tensor(np.ascontiguousarray(np.swapaxes(down, -1, -2)))
    if order:
        groups = rng.permutation(k) // group
        parts[f"{stem}.weight_g_idx"] = rt.tensor(groups.astype(np.int32))
    m.add(f"{stem}.weight", affine(codes, zero, floats(scales), scale, groups), scale, **parts)


def add_int8(m, stem, seed, shape, scale_shape, scale="BF16", zeros=False, order=False, columns=None, via=None):
    """X.weight I8 + X.weight_scale (+ zero points, + g_idx, + pre_quant_scale)."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(-128, 128, shape).astype(np.int8)
    scales = draw_scales(rng, scale, *scale_shape)
    parts = {f"{stem}.weight": rt.tensor(codes), f"{stem}.weight_scale": scales}
    table = floats(scales)
    table = table[:, None] if table.ndim == 1 and table.size == shape[0] and len(shape) == 2 else table.reshape((1,) * (len(shape) - table.ndim) + table.shape)
    zero = groups = None
    if zeros:
        stored = rng.integers(-128, 128, scale_shape).astype(np.int8)
        parts[f"{stem}.weight_zero_point"] = rt.tensor(stored)
        zero = stored.reshape(table.shape)
    if order:
        groups = rng.permutation(shape[-1]) // (shape[-1] // table.shape[-1])
        parts[f"{stem}.weight_g_idx"] = rt.tensor(groups.astype(np.int32))
    via = via or scale
    values = affine(codes, zero, table, "F32" if columns else via, groups)
    if columns:
        factor = draw_scales(rng, columns, shape[-1])
        parts[f"{stem}.pre_quant_scale"] = factor
        values = product(values, floats(factor))
    m.add(f"{stem}.weight", values, via, **parts)


# 7 bits with gaps are as wide as 8 bits, so they need different configs.
WIDTHS = (1, 2, 3, 4, 5, 6, 8)


def packed_layouts(widths=WIDTHS, gaps=False):
    """Every number of bits: symmetric or not, by row or group, reordered, rank 3, ragged."""
    m = FloatModel(ct_config(*widths))
    for bits in widths:
        for i, scale in enumerate(("BF16", "F16", "F32")):
            for zeros in (False, True):
                at = f"layers.{bits}.{scale}.{'asym' if zeros else 'sym'}"
                add_packed(m, at + ".rows", bits, (37, 200), bits, None, scale, zeros, gaps=gaps)
                add_packed(m, at + ".groups", bits + 1, (9, 256), bits, 32, scale, zeros, gaps=gaps)
                if i == 0:
                    add_packed(m, at + ".order", bits + 2, (5, 1536), bits, 64, scale, zeros, True, gaps=gaps)
                    add_packed(m, at + ".small", bits + 3, (33, 96), bits, 3, scale, zeros, gaps=gaps)
                    add_packed(m, at + ".experts", bits + 4, (3, 13, 192), bits, 16, scale, zeros, gaps=gaps)
    return m


def int8_layouts():
    m = FloatModel({"quantization_config": {**CT, "format": "int-quantized"}})
    for scale in ("BF16", "F16", "F32"):
        for zeros in (False, True):
            at = f"layers.{scale}.{'asym' if zeros else 'sym'}"
            add_int8(m, at + ".rows", 1, (37, 200), (37, 1), scale, zeros)
            add_int8(m, at + ".flat", 2, (37, 201), (37,), scale, zeros)
            add_int8(m, at + ".tensor", 3, (7, 33), (1,), scale, zeros)
            add_int8(m, at + ".groups", 4, (9, 256), (9, 4), scale, zeros)
            add_int8(m, at + ".order", 5, (9, 768), (9, 6), scale, zeros, True)
            add_int8(m, at + ".experts", 6, (3, 9, 64), (3, 9, 1), scale, zeros)
    return m


def modelopt_int8():
    m = FloatModel({"quantization_config": {"quant_method": "modelopt", "quant_algo": "INT8_SQ"}})
    add_int8(m, "a", 1, (37, 600), (37,), "F32")
    add_int8(m, "b", 2, (37, 600), (37,), "F32", columns="F32")
    add_int8(m, "c", 3, (5, 64), (5,), "BF16", columns="BF16", via="F32")
    return m


# --- stored by columns ------------------------------------------------------------------------

AWQ_ORDER = (0, 2, 4, 6, 1, 3, 5, 7)  # the column in each nibble of a word, lowest nibble first


def gptq_config(**more):
    return {"quantization_config": {"quant_method": "gptq", "bits": 4, **more}}


def transposed(codes, zeros, scales, via, groups):
    """codes [N, K], zeros [N, G], scales Tensor [G, N] -> values [N, K]."""
    return affine(codes, zeros, floats(scales).T, via, groups)


def add_gptq(m, stem, seed, n, k, group, bits=4, version=1, scale="F16", order=None):
    """X.qweight [K bits / 32, N] + X.qzeros [G, N bits / 32] + X.scales [G, N] (+ X.g_idx); `order`: natural or reordered."""
    rng = np.random.default_rng(seed)
    g = k // group
    codes = rng.integers(0, 1 << bits, (n, k))
    stored = rng.integers(0, 1 << bits, (n, g))  # version 1 adds 1 without a mask: up to 1 << bits
    scales = draw_scales(rng, scale, g, n)
    parts = {
        f"{stem}.qweight": rt.tensor(np.ascontiguousarray(pack(codes, bits).T)),
        f"{stem}.qzeros": rt.tensor(pack(stored.T, bits)),
        f"{stem}.scales": scales,
    }
    groups = np.arange(k) // group
    if order == "reordered":
        groups = rng.permutation(groups)
    if order == "uneven":  # groups may differ in size
        groups = rng.integers(0, g, k)
    if order:
        parts[f"{stem}.g_idx"] = rt.tensor(groups.astype(np.int32))
    m.add(f"{stem}.weight", transposed(codes, stored + (version == 1), scales, scale, groups), scale, **parts)


def add_awq(m, stem, seed, n, k, group, scale="F16"):
    """X.qweight [K, N / 8] + X.qzeros [G, N / 8] + X.scales [G, N]."""
    rng = np.random.default_rng(seed)
    g = k // group
    codes = rng.integers(0, 16, (n, k))
    zeros = rng.integers(0, 16, (n, g))
    scales = draw_scales(rng, scale, g, n)
    mix = lambda a: pack(a.T.reshape(a.shape[1], n // 8, 8)[:, :, AWQ_ORDER].reshape(a.shape[1], n), 4)
    parts = {f"{stem}.qweight": rt.tensor(mix(codes)), f"{stem}.qzeros": rt.tensor(mix(zeros)), f"{stem}.scales": scales}
    m.add(f"{stem}.weight", transposed(codes, zeros, scales, scale, np.arange(k) // group), scale, **parts)


def gptq_layouts(version=1):
    """All widths, sizes around those of tiles and units, and orders of columns."""
    dynamic = {"+:layers.2": {"bits": 2}, "+:layers.8": {"bits": 8}, "+:f32": {"bits": 8}}  # layers with their own widths
    m = FloatModel(gptq_config(dynamic=dynamic, **({"checkpoint_format": "gptq_v2"} if version == 2 else {})))
    for bits in (2, 4, 8):
        for i, (n, k, group) in enumerate([(16, 128, 32), (144, 256, 256), (48, 1056, 96), (400, 64, 16), (1040, 96, 32)]):
            add_gptq(m, f"layers.{bits}.{i}", i, n, k, group, bits, version, order=(None, "natural", "reordered", "uneven")[i % 4])
    add_gptq(m, "bf16", 7, 32, 128, 64, 4, version, "BF16")
    add_gptq(m, "f32", 8, 32, 128, 64, 8, version, "F32", "reordered")
    for k in (4, 60, 68, 132, 196):  # 8-bit columns that do not fill 8 bytes, around and after cache lines
        add_gptq(m, f"layers.8.short.{k}", k, 132, k, 4, 8, version)
    m.plain("layers.4.0.bias", rt.tensor(np.ones(16, np.float16)))
    return m


def awq_layouts():
    m = FloatModel({"quantization_config": {"quant_method": "awq", "bits": 4, "group_size": 128, "version": "gemm"}})
    for i, (n, k, group) in enumerate([(8, 128, 32), (136, 256, 256), (48, 1057, 151), (400, 64, 16), (1040, 96, 32)]):
        add_awq(m, f"layers.{i}", i, n, k, group)
    add_awq(m, "bf16", 9, 16, 64, 32, "BF16")
    return m


# --- ModelOpt's pairs of rows; MXFP6 -----------------------------------------------------------


def add_pairs(m, stem, seed, shape, group, columns=None, second=False):
    """X.weight U8 [.., N/2, K] + X.weight_scale F32 [.., N, K/g] (+ pre_quant_scale, + weight_scale_2)."""
    rng = np.random.default_rng(seed)
    *lead, n, k = shape
    codes = rng.integers(-8, 8, shape)
    scales = draw_scales(rng, "F32", *lead, n, k // group)
    unsigned = (codes & 15).astype(np.uint8)
    parts = {
        f"{stem}.weight": rt.tensor(unsigned[..., 0::2, :] | unsigned[..., 1::2, :] << 4),
        f"{stem}.weight_scale": scales,
    }
    values = affine(codes, None, floats(scales), "F32")
    if columns:
        factor = draw_scales(rng, columns, k)
        parts[f"{stem}.pre_quant_scale"] = factor
        values = product(values, floats(factor))
    if second:
        parts[f"{stem}.weight_scale_2"] = rt.tensor(np.float32([3.0]))
    m.add(f"{stem}.weight", values, **parts)


def pairs_layouts():
    m = FloatModel({"quantization_config": {"quant_method": "modelopt", "quant_algo": "W4A16_AWQ"}})
    add_pairs(m, "a", 1, (38, 256), 128)
    add_pairs(m, "b", 2, (6, 600), 3, "F32")
    add_pairs(m, "c", 3, (2, 128), 128, "BF16", True)
    add_pairs(m, "experts", 4, (3, 10, 96), 32)
    add_pairs(m, "odd", 5, (4, 33), 33, "F16")
    return m


# Magnitudes of E2M3: OCP MX 1.0 (bias 1, three bits of mantissa).
E2M3 = np.float64([m / 8 for m in range(8)] + [(1 + m / 8) * 2.0**e for e in range(3) for m in range(8)])


def add_mxfp6(m, stem, seed, shape, scale_kind="U8", scales=None):
    """X.weight_packed U8 [.., K*3/4] + X.weight_scale [.., K/32] -> exact values."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 64, shape)
    codes[..., : min(64, shape[-1])] = np.arange(min(64, shape[-1]))
    exponents = rng.integers(0, 256, (*shape[:-1], shape[-1] // 32)).astype(np.uint8)
    if scales is not None:
        exponents[...] = np.resize(np.asarray(scales, np.uint8), exponents.shape)
    packed = np.ascontiguousarray(pack(codes, 6).view(np.uint8))
    values = np.where(codes & 32, -1.0, 1.0) * E2M3[codes & 31] * np.repeat(oracle.e8m0(exponents), 32, axis=-1)
    with np.errstate(all="ignore"):
        values = values.astype(np.float32)
    m.add(f"{stem}.weight", values, **{f"{stem}.weight_packed": rt.tensor(packed), f"{stem}.weight_scale": rt.raw(scale_kind, exponents.shape, exponents)})


MXFP6_CONFIG = {"quantization_config": {**CT, "format": "mxfp6-pack-quantized"}}


def mxfp6_layouts():
    m = FloatModel(MXFP6_CONFIG)
    add_mxfp6(m, "a", 1, (37, 96))
    add_mxfp6(m, "every", 2, (256, 64), "F8_E8M0", np.repeat(np.arange(256), 2))
    add_mxfp6(m, "experts", 3, (3, 5, 64))
    return m


# --- MLX ----------------------------------------------------------------------------------------
# affine: code * scale rounded to the type of the scales, + bias rounded again (mlx/ops.cpp
# affine_dequantize; its backend on the CPU does the same). The others are exact.


def mlx_config(bits, group, mode="affine", **layers):
    """The config that mlx-lm writes, under both of its names."""
    q = {"group_size": group, "bits": bits, "mode": mode, **layers}
    return {"quantization": q, "quantization_config": q}


def add_mlx(m, stem, seed, shape, bits, group, scale="BF16"):
    """X.weight U32 [.., K b / 32] + X.scales + X.biases [.., K / g]."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 1 << bits, shape)
    table = (*shape[:-1], shape[-1] // group)
    scales, biases = draw_scales(rng, scale, *table), draw_scales(rng, scale, *table)
    groups = np.arange(shape[-1]) // group
    with np.errstate(all="ignore"):
        values = affine(codes, None, floats(scales), scale, groups) + floats(biases)[..., groups]
    m.add(
        f"{stem}.weight", values.astype(np.float32), scale,
        **{f"{stem}.weight": rt.tensor(pack(codes, bits).view(np.uint32)), f"{stem}.scales": scales, f"{stem}.biases": biases},
    )  # fmt: skip


def add_mlx_float(m, stem, seed, shape, mode):
    """X.weight U32 + X.scales U8: mxfp4, mxfp8 or nvfp4."""
    rng = np.random.default_rng(seed)
    group, octets = (16 if mode == "nvfp4" else 32), (1 if mode == "mxfp8" else 2)
    codes = rng.integers(0, 256, (*shape[:-1], shape[-1] // octets)).astype(np.uint8)
    stored = np.resize(rng.permutation(256).astype(np.uint8), (*shape[:-1], shape[-1] // group))
    scales = oracle.e4m3(stored) if mode == "nvfp4" else oracle.e8m0(stored)
    with np.errstate(all="ignore"):
        values = (oracle.e4m3(codes) if mode == "mxfp8" else oracle.e2m1(oracle.nibbles(codes))) * np.repeat(scales, group, axis=-1)
        values = values.astype(np.float32)
    m.add(f"{stem}.weight", values, **{f"{stem}.weight": rt.tensor(codes.view(np.uint32)), f"{stem}.scales": rt.tensor(stored)})


MLX_WIDTHS = [(b, g) for b in (2, 3, 4, 5, 6, 8) for g in (32, 64, 128)]


def mlx_layouts(bits, group):
    m = FloatModel(mlx_config(bits, group))
    for i, scale in enumerate(("BF16", "F16", "F32")):
        add_mlx(m, f"layers.{scale}", i, (37, 384), bits, group, scale)
    add_mlx(m, "switch_mlp", 4, (3, 5, 128), bits, group)
    m.plain("layers.BF16.bias", rt.tensor(np.ones(37, np.float16)))
    return m


def mlx_float_layouts():
    m = FloatModel(mlx_config(4, 32, "mxfp4"))
    for mode in ("mxfp4", "mxfp8", "nvfp4"):
        add_mlx_float(m, mode, 1, (41, 224), mode)
        add_mlx_float(m, mode + ".experts", 2, (3, 7, 64), mode)
    return m
