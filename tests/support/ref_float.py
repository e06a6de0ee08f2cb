# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""FP8 and NVFP4 with scales: small files in every layout, and their values.

The definition is independent of mxfs: ml_dtypes and NumPy interpret codes and scales, and the arithmetic
is NumPy's float32 (each operation rounded once), in the same order as in the libraries:

- FP8: code * scale (DeepSeek-V3 inference/kernel.py weight_dequant_kernel; transformers
  integrations/finegrained_fp8.py Fp8Dequantize). compressed-tensors computes in the type of its
  scales (quantization/lifecycle/forward_helpers.py _dequantize), so there the product is rounded to
  that type (`via`) first.
- NVFP4 of compressed-tensors: code * (scale / global scale); of ModelOpt: code * (scale *
  weight_scale_2) (modelopt/torch/quantization/qtensor/nvfp4_tensor.py).
- ModelOpt's pre_quant_scale multiplies the columns, after that.
"""

import ml_dtypes
import numpy as np

import reforacle as oracle
import reftensor as rt
from refmodels import Model

NUMPY = {"BF16": ml_dtypes.bfloat16, "F16": np.float16, "F32": np.float32}


class FloatModel(Model):
    """A Model whose dequantized values are float32, with the type that they are rounded to first."""

    def __init__(self, config=None):
        super().__init__(config=config)
        self.values = {}

    def add(self, output, values, via=None, **parts):
        """Adds a dequantized tensor; keywords are suffixes of names ("." and "_" spelled as in `name_of`)."""
        self.source.update(parts)
        self.values[output] = (np.asarray(values, np.float32), via)
        self.parts[output] = list(parts)

    def expected(self, dtype="BF16"):
        gone = self.dropped.union(*self.parts.values())
        out = {name: t for name, t in self.source.items() if name not in gone}
        out.update({name: rounded(v, dtype, via) for name, (v, via) in self.values.items()})
        return out


def rounded(values, dtype, via=None):
    """float32 values as a Tensor of `dtype`, through `via` if given, NaN made canonical."""
    with np.errstate(all="ignore"):
        if via:
            values = values.astype(NUMPY[via]).astype(np.float32)
        bits = values.astype(NUMPY[dtype]).view(oracle.BITS[dtype])
    bits = np.where(np.isnan(values), oracle.BITS[dtype](oracle.CANONICAL_NAN[dtype]), bits)
    return rt.Tensor(dtype, values.shape, bits.tobytes())


def floats(t):
    """The numbers in a Tensor as exact float32; U8 is taken as E8M0."""
    array = t.array()
    with np.errstate(all="ignore"):
        return (array.view(ml_dtypes.float8_e8m0fnu) if t.dtype == "U8" else array).astype(np.float32)


def spread(scales, shape, block):
    """Scales [.., a, c] repeated over `shape` [.., N, K], and cut where they exceed it."""
    out = np.repeat(np.repeat(scales, block[0], axis=-2), block[1], axis=-1)
    return np.broadcast_to(out[..., : shape[-2], : shape[-1]], shape)


def product(*factors):
    """float32 factors multiplied from left to right, each product rounded."""
    result = factors[0]
    with np.errstate(all="ignore"):
        for f in factors[1:]:
            result = (result * f).astype(np.float32)
    return result


def fp8_codes(seed, *shape, dtype="F8_E4M3"):
    """Random codes, including NaN and infinities."""
    return rt.raw(dtype, shape, np.random.default_rng(seed).integers(0, 256, shape, np.uint8))


def scales(seed, dtype, *shape):
    """Ordinary scales of a type."""
    rng = np.random.default_rng(seed)
    if dtype in ("U8", "F8_E8M0"):
        return rt.raw(dtype, shape, rng.integers(100, 140, shape, np.uint8))
    if dtype == "F8_E4M3":
        return rt.raw(dtype, shape, rng.integers(0x18, 0x7F, shape, np.uint8))
    return rt.tensor((0.001 + rng.random(shape, np.float32) / 64).astype(NUMPY[dtype]))


CLASSES = {  # bits of scales of every kind: ordinary, awkward to round, extreme, special
    "F32": [
        0x3F800000, 0x3C4985F0, 0x3A83126F, 0xBFC00000, 0x3EAAAAAB, 0x33333333, 0x00000000, 0x80000000, 0x00000001, 0x007FFFFF,
        0x00400000, 0x00800000, 0x7F7FFFFF, 0x7F000000, 0x7B000000, 0x7F800000, 0xFF800000, 0x7FC00000, 0xFFC12345, 0x7F800001,
        0x42A2999A, 0x477FE000, 0x38800000, 0x33000001,
    ],
    "BF16": [0x3F80, 0x3C4A, 0xBFC0, 0x3EAB, 0x3333, 0x0000, 0x8000, 0x0001, 0x007F, 0x0080, 0x7F7F, 0x7F00, 0x7B00, 0x7F80, 0xFF80, 0x7FC0, 0xFFC1, 0x7F81],
    "F16": [0x3C00, 0x2345, 0xBE00, 0x3555, 0x0000, 0x8000, 0x0001, 0x03FF, 0x0400, 0x7BFF, 0x7C00, 0xFC00, 0x7E00, 0xFE01, 0x7C01, 0x1401, 0x0801],
    "U8": list(range(256)),
    "F8_E8M0": list(range(256)),
}  # fmt: skip


def every_class(dtype):
    """A Tensor [n, 1] with scales of every class of a type."""
    kind = {"F32": np.uint32, "BF16": np.uint16, "F16": np.uint16}.get(dtype, np.uint8)
    bits = np.array(CLASSES[dtype], kind)
    return rt.raw(dtype, (len(bits), 1), bits)


def add_fp8(m, name, codes, scale, shown, scale_name="weight_scale_inv", via=None, columns=None):
    """Adds an FP8 group; `shown` is its scales as float32, spread over the shape of the codes."""
    whole = name + ".weight" if not scale_name.startswith("_") else name
    parts = {whole: codes, name + ("" if scale_name.startswith("_") else ".") + scale_name: scale}
    factors = [floats(codes), np.broadcast_to(shown, codes.shape)]
    if columns is not None:
        parts[name + ".pre_quant_scale"] = columns
        factors.append(floats(columns))
    m.add(whole, product(*factors), via, **parts)


def add_blocks(m, name, seed, shape, block, dtype="F32", **rest):
    """Adds FP8 with one scale per block of [.., N, K]."""
    counts = (*shape[:-2], -(-shape[-2] // block[0]), -(-shape[-1] // block[1]))
    codes, scale = fp8_codes(seed, *shape, dtype=rest.pop("codes", "F8_E4M3")), scales(seed, dtype, *counts)
    add_fp8(m, name, codes, scale, spread(floats(scale), shape, block), **rest)


def add_shaped(m, name, seed, shape, stored, shown, dtype="F32", **rest):
    """Adds FP8 with scales of a `stored` shape that broadcast like the `shown` one."""
    scale = scales(seed, dtype, *stored)
    add_fp8(m, name, fp8_codes(seed, *shape, dtype=rest.pop("codes", "F8_E4M3")), scale, floats(scale).reshape(shown), **rest)


def fp8_layouts(config=None):
    """Every way to spread scales over FP8 codes that is clear without a config."""
    m = FloatModel(config)
    for i, dtype in enumerate(("F32", "BF16", "F16", "U8", "F8_E8M0")):
        add_blocks(m, f"blocks.{dtype}.ragged", i, (576, 300), (128, 128), dtype)
        add_blocks(m, f"blocks.{dtype}.tail", i, (130, 257), (128, 128), dtype, codes="F8_E5M2")
        add_blocks(m, f"blocks.{dtype}.small", i, (70, 97), (32, 32), dtype)
        add_blocks(m, f"groups.{dtype}.32", i, (7, 1000), (1, 32), dtype)
        add_blocks(m, f"groups.{dtype}.128", i, (5, 20000), (1, 128), dtype)
        add_blocks(m, f"groups.{dtype}.16", i, (5, 48), (1, 16), dtype)
        add_shaped(m, f"rows.{dtype}.column", i, (37, 50), (37, 1), (37, 1), dtype)
        add_shaped(m, f"rows.{dtype}.plain", i, (37, 50), (37,), (37, 1), dtype, codes="F8_E5M2")
        add_shaped(m, f"tensor.{dtype}.scalar", i, (37, 50), (), (), dtype)
        add_shaped(m, f"tensor.{dtype}.one", i, (300, 100), (1,), (), dtype, codes="F8_E5M2")
        add_shaped(m, f"tensor.{dtype}.square", i, (3, 5), (1, 1), (), dtype)
    # ModelOpt's four dimensions
    codes, scale = fp8_codes(1, 256, 384), scales(1, "F32", 2, 1, 3, 1)
    add_fp8(m, "blocks.4d", codes, scale, spread(floats(scale).reshape(2, 3), (256, 384), (128, 128)), "weight_scale")
    # experts in one tensor
    add_shaped(m, "experts.tensor", 2, (3, 5, 40), (3, 1, 1), (3, 1, 1))
    add_shaped(m, "experts.plain", 2, (3, 5, 40), (3,), (3, 1, 1))
    add_shaped(m, "experts.flat", 2, (3, 5, 40), (3, 1), (3, 1, 1))
    add_shaped(m, "experts.rows", 2, (3, 5, 40), (3, 5, 1), (3, 5, 1))
    add_shaped(m, "experts.rows2", 2, (3, 5, 40), (3, 5), (3, 5, 1))
    add_shaped(m, "experts.columns", 2, (3, 5, 1040), (3, 1, 1040), (3, 1, 1040))
    add_shaped(m, "experts.columns2", 2, (3, 5, 40), (3, 40), (3, 1, 40))
    add_blocks(m, "experts.blocks", 3, (3, 200, 150), (128, 128))
    add_blocks(m, "experts.groups", 3, (2, 3, 4, 96), (1, 32), "F8_E8M0")
    # convolutions
    add_shaped(m, "conv.channels", 4, (6, 5, 3, 3), (6,), (6, 1, 1, 1))
    add_shaped(m, "conv.ones", 4, (6, 5, 3, 3), (6, 1, 1, 1), (6, 1, 1, 1))
    add_shaped(m, "conv.tensor", 4, (6, 5, 3, 3), (), ())
    # names
    add_blocks(m, "name.scale", 5, (60, 70), (128, 128), "F8_E8M0", scale_name="scale")
    add_shaped(m, "name.comfy", 5, (60, 70), (1,), (), scale_name="scale_weight")
    add_shaped(m, "name.weight_scale", 5, (60, 70), (60, 1), (60, 1), scale_name="weight_scale")
    add_blocks(m, "name.experts.gate_up_proj", 5, (2, 60, 70), (32, 32), scale_name="_scale_inv")
    add_shaped(m, "name.experts.down_proj", 5, (2, 60, 70), (2, 1, 1), (2, 1, 1), scale_name="_weight_scale")
    add_shaped(m, "name.experts.up_proj", 5, (2, 60, 70), (2, 1, 70), (2, 1, 70), scale_name="_scale")
    # pre_quant_scale
    for i, dtype in enumerate(("F32", "BF16", "F16")):
        columns = scales(9, dtype, 650)
        add_shaped(m, f"smooth.{dtype}.tensor", i, (7, 650), (), (), scale_name="weight_scale", columns=columns)
        add_shaped(m, f"smooth.{dtype}.rows", i, (7, 650), (7,), (7, 1), scale_name="weight_scale", columns=columns)
        add_blocks(m, f"smooth.{dtype}.blocks", i, (7, 650), (1, 128), scale_name="weight_scale", columns=columns)
        add_blocks(m, f"smooth.{dtype}.columns", i, (7, 650), (8, 1), columns=columns)
    # odd sizes
    add_shaped(m, "odd.none", 6, (0, 128), (0, 1), (0, 1))
    add_blocks(m, "odd.no_columns", 6, (128, 0), (128, 128))
    add_shaped(m, "odd.none_scalar", 6, (4, 0), (), ())
    add_shaped(m, "odd.line", 6, (77,), (1,), ())
    add_shaped(m, "odd.line_each", 6, (77,), (77,), (77,))
    add_shaped(m, "odd.single", 6, (), (), ())
    add_blocks(m, "odd.row", 6, (1, 300), (128, 128))
    add_shaped(m, "odd.column", 6, (300, 1), (300, 1), (300, 1))
    for name in ("name.comfy.scale_input", "name.weight_scale.input_scale", "scaled_fp8", "unet.scaled_fp8"):
        m.drop(name, rt.tensor(np.float32([1])))
    m.plain("norm.weight", rt.tensor(np.ones(8, ml_dtypes.bfloat16)))
    m.plain("stale.weight", rt.tensor(np.ones(8, ml_dtypes.bfloat16)))
    m.plain("stale.weight_scale_inv", rt.tensor(np.ones(1, np.float32)))
    return m


def fp8_every_code(via=False, config=None):
    """All 256 codes of both formats times every class of scale; with `via`, as compressed-tensors does."""
    m = FloatModel(config)
    for dtype in CLASSES:
        for codes in ("F8_E4M3", "F8_E5M2"):
            scale = every_class(dtype)
            grid = np.broadcast_to(np.arange(256, dtype=np.uint8), (len(scale.data) // np.dtype(rt.DTYPES[dtype][2]).itemsize, 256))
            add_fp8(
                m, f"every.{dtype}.{codes}", rt.raw(codes, grid.shape, np.ascontiguousarray(grid)), scale, floats(scale),
                "weight_scale" if via else "weight_scale_inv", dtype if via and dtype in ("BF16", "F16") else None,
            )  # fmt: skip
    return m


# --- NVFP4 --------------------------------------------------------------------------------------


def nvfp4_values(codes, block_scales, per_tensor, divides):
    """Codes [.., K/2] and E4M3 scales [.., K/16] with float32 scales that broadcast against those."""
    e2m1 = oracle.e2m1(oracle.nibbles(codes)).astype(np.float32)
    with np.errstate(all="ignore"):
        s = (block_scales / per_tensor if divides else block_scales * per_tensor).astype(np.float32)
    return product(e2m1, np.repeat(s, 16, axis=-1))


def add_nvfp4(m, name, seed, shape, glob, shown=None, kind="modelopt", columns=None, scale=None):
    """Adds an NVFP4 group of [.., N, K]. `glob` is its float32 scale; `shown` the same, shaped to broadcast against block scales."""
    rng = np.random.default_rng(seed)
    codes = rt.tensor(rng.integers(0, 256, (*shape[:-1], shape[-1] // 2), np.uint8))
    scale = scale or scales(seed, "F8_E4M3", *shape[:-1], shape[-1] // 16)
    glob = np.asarray(glob, np.float32)
    suffixes = {
        "modelopt": (".weight", ".weight_scale", ".weight_scale_2"),
        "fused": ("", "_weight_scale", "_weight_scale_2"),
        "ct": (".weight_packed", ".weight_scale", ".weight_global_scale"),
    }[kind]
    parts = {name + s: t for s, t in zip(suffixes, (codes, scale, rt.tensor(glob)))}
    values = nvfp4_values(codes.array(), floats(scale), glob if shown is None else shown, kind == "ct")
    if columns is not None:
        parts[name + ("_" if kind == "fused" else ".") + "pre_quant_scale"] = columns
        values = product(values, floats(columns))
    m.add(name + ("" if kind == "fused" else ".weight"), values, **parts)


def add_nvfp4_rows(m, name, seed, shape, glob, shown):
    """Adds experts [E, K, N] packed along K: codes [E, K/2, N], scales [E, K/16, N]."""
    e, k, n = shape
    turned = FloatModel()
    add_nvfp4(turned, "x", seed, (e, n, k), glob, shown)
    turn = lambda t: rt.raw(t.dtype, (t.shape[0], t.shape[2], t.shape[1]), np.ascontiguousarray(t.array().transpose(0, 2, 1)))
    parts = {
        name: turn(turned.source["x.weight"]),
        name + "_weight_scale": turn(turned.source["x.weight_scale"]),
        name + "_weight_scale_2": turned.source["x.weight_scale_2"],
    }
    m.add(name, turned.values["x.weight"][0].transpose(0, 2, 1), **parts)


GLOBALS = [0x3C4985F0, 0x42A2999A, 0x3F800000, 0x00000000, 0x80000000, 0x00000001, 0x00400000, 0x7F7FFFFF, 0x7F800000, 0x7FC00000, 0xFFC12345, 0xC2A2999A, 0x45280000, 0x39555555]  # fmt: skip


def nvfp4_layouts(config=None):
    """NVFP4 as compressed-tensors and ModelOpt write it, with every block scale and awkward global scales."""
    m = FloatModel(config)
    everything = rt.raw("F8_E4M3", (67, 256), np.ascontiguousarray(np.broadcast_to(np.arange(256, dtype=np.uint8), (67, 256))))
    for i, bits in enumerate(GLOBALS):
        g = np.array([bits], np.uint32).view(np.float32)
        add_nvfp4(m, f"ct.{i}", i, (67, 4096), g, kind="ct", scale=everything)
        add_nvfp4(m, f"modelopt.{i}", i, (67, 4096), g[0], scale=everything)
    each = np.array([0.0123, 0.5, 81.3], np.float32)
    for kind in ("ct", "modelopt", "fused"):
        add_nvfp4(m, f"one.{kind}", 3, (5, 16), each[:1], kind=kind)
        add_nvfp4(m, f"experts.{kind}.all", 3, (3, 5, 48), each[:1], kind=kind)
        add_nvfp4(m, f"experts.{kind}.each", 3, (3, 5, 48), each, each.reshape(3, 1, 1), kind=kind)
        add_nvfp4(m, f"experts.{kind}.ones", 3, (3, 5, 4112), each.reshape(3, 1, 1), kind=kind)
        add_nvfp4(m, f"empty.{kind}", 3, (0, 48), each[:1], kind=kind)
    add_nvfp4_rows(m, "rows.experts.gate_up_proj", 4, (3, 48, 67), each, each.reshape(3, 1, 1))
    add_nvfp4_rows(m, "rows.experts.down_proj", 4, (3, 32, 1000), each[:1], each[:1])
    add_nvfp4_rows(m, "rows.experts.wide", 4, (1, 16, 5), each[0], each[0])
    for i, dtype in enumerate(("F32", "BF16", "F16")):
        add_nvfp4(m, f"smooth.{dtype}", i, (7, 1040), each[0], columns=scales(9, dtype, 1040))
        add_nvfp4(m, f"smooth.{dtype}.fused", i, (3, 7, 80), each, each.reshape(3, 1, 1), kind="fused", columns=scales(9, dtype, 80))
    for name in ("ct.0.input_global_scale", "modelopt.0.input_scale", "rows.experts.gate_up_proj_input_scale"):
        m.drop(name, rt.tensor(np.float32([1])))
    m.plain("norm.weight", rt.tensor(np.ones(8, ml_dtypes.bfloat16)))
    return m


def nvfp4_scalar_global():
    """The divisor of compressed-tensors as a scalar, for which torch computes in bfloat16."""
    m = FloatModel()
    everything = rt.raw("F8_E4M3", (3, 256), np.ascontiguousarray(np.broadcast_to(np.arange(256, dtype=np.uint8), (3, 256))))
    for i, bits in enumerate(GLOBALS):
        g = np.array([bits], np.uint32).view(np.float32)[0]
        packed = rt.tensor(np.random.default_rng(i).integers(0, 256, (3, 2048), np.uint8))
        with np.errstate(all="ignore"):
            s = (floats(everything) / g).astype(ml_dtypes.bfloat16).astype(np.float32)
        values = product(oracle.e2m1(oracle.nibbles(packed.array())).astype(np.float32), np.repeat(s, 16, axis=-1))
        parts = {f"x{i}.weight_packed": packed, f"x{i}.weight_scale": everything, f"x{i}.weight_global_scale": rt.tensor(g)}
        m.add(f"x{i}.weight", values, "BF16", **parts)
    return m
