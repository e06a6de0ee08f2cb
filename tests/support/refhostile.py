# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""One small valid group of every scheme, and mutants of it with something wrong."""

import numpy as np

import ref_float
import ref_int
import ref_table
import refmodels
import reftensor as rt
from ref_float import FloatModel


def one(add, *args, config=None, model=FloatModel, **kwargs):
    """A builder of a model with one group."""

    def build():
        m = model()
        m.config = config
        add(m, *args, **kwargs)
        return m

    return build


def mxfp4(add, *args, **kwargs):
    """A builder of a model with one MXFP4 group, by a function of refmodels."""
    return one(add, args[0], refmodels.random_fill(1), *args[1:], model=refmodels.Model, **kwargs)


GPTQ, MLX = ref_int.gptq_config(), ref_int.mlx_config(4, 32)
ONE = np.float32([0.5])

# name -> builder of a model whose group is called x (gpt-oss: by its own names)
GROUPS = {
    "mxfp4-gptoss": mxfp4(refmodels.add_gptoss, "x.experts.down_proj", 2, 6, 3),
    "mxfp4-blocks": mxfp4(refmodels.add_gptoss, "x.weight", 6, 3),
    "mxfp4-original": mxfp4(refmodels.add_original, "x", 2, 6, 3),
    "mxfp4-packed": mxfp4(refmodels.add_packed, "x", 6, 3),
    "mxfp4-weight": mxfp4(refmodels.add_packed, "x", 6, 3, weight="weight"),
    "mxfp4-deepseek": mxfp4(refmodels.add_packed, "x", 6, 3, weight="weight", scale="scale", kind="I8", scale_kind="F8_E8M0"),
    "mxfp6-packed": one(ref_int.add_mxfp6, "x", 1, (6, 96), config=ref_int.MXFP6_CONFIG),
    "fp8-blocks": one(ref_float.add_blocks, "x", 1, (300, 260), (128, 128)),
    "fp8-rows": one(ref_float.add_shaped, "x", 1, (6, 10), (6, 1), (6, 1), scale_name="weight_scale"),
    "fp8-tensor": one(ref_float.add_shaped, "x", 1, (6, 10), (), (), scale_name="weight_scale"),
    "fp8-comfy": one(ref_float.add_shaped, "x", 1, (6, 10), (1,), (), scale_name="scale_weight"),
    "fp8-mistral": one(ref_float.add_shaped, "x", 1, (6, 10), (), (), scale_name="qscale_weight"),
    "fp8-experts": one(ref_float.add_blocks, "x", 1, (2, 60, 70), (32, 32), scale_name="_scale_inv"),
    "fp8-deepseek-v4": one(ref_float.add_blocks, "x", 1, (60, 70), (32, 32), "F8_E8M0", scale_name="scale"),
    "mxfp8": one(ref_float.add_blocks, "x", 1, (6, 96), (1, 32), "U8", scale_name="weight_scale"),
    "nvfp4-compressed": one(ref_float.add_nvfp4, "x", 1, (6, 48), ONE, kind="ct"),
    "nvfp4-modelopt": one(ref_float.add_nvfp4, "x", 1, (6, 48), ONE),
    "nvfp4-fused": one(ref_float.add_nvfp4, "x", 1, (2, 6, 48), ONE, kind="fused"),
    "nvfp4-rows": one(ref_float.add_nvfp4_rows, "x", 1, (2, 48, 5), ONE, ONE),
    "bnb-nf4": one(ref_table.add_bnb4, "x.weight", 1, (6, 64)),
    "bnb-nested": one(ref_table.add_bnb4, "x.weight", 1, (6, 64), nested=256),
    "bnb-int8": one(ref_table.add_bnb8, "x", 1, (6, 10), mark=rt.raw("U8", (), b"\0")),
    "int-packed": one(ref_int.add_packed, "x", 1, (6, 96), 4, 32),
    "int-packed-zeros": one(ref_int.add_packed, "x", 1, (6, 96), 4, 32, zeros=True),
    "int-packed-order": one(ref_int.add_packed, "x", 1, (6, 96), 4, 32, order=True),
    "int8": one(ref_int.add_int8, "x", 1, (6, 96), (6, 3)),
    "int8-zeros": one(ref_int.add_int8, "x", 1, (6, 96), (6, 3), zeros=True),
    "int8-smooth": one(ref_int.add_int8, "x", 1, (6, 96), (6,), "F32", columns="F32"),
    "int4-pairs": one(ref_int.add_pairs, "x", 1, (6, 96), 32),
    "gptq": one(ref_int.add_gptq, "x", 1, 16, 96, 32, config=GPTQ),
    "gptq-order": one(ref_int.add_gptq, "x", 1, 16, 96, 32, order="reordered", config=GPTQ),
    "awq": one(ref_int.add_awq, "x", 1, 16, 96, 32),
    "mlx-affine": one(ref_int.add_mlx, "x", 1, (6, 96), 4, 32, config=MLX),
    "mlx-mxfp4": one(ref_int.add_mlx_float, "x", 1, (6, 96), "mxfp4", config=MLX),
    "mlx-mxfp8": one(ref_int.add_mlx_float, "x", 1, (6, 96), "mxfp8", config=MLX),
    "mlx-nvfp4": one(ref_int.add_mlx_float, "x", 1, (6, 96), "nvfp4", config=MLX),
}

int8_order = one(ref_int.add_int8, "x", 1, (6, 96), (6, 3), order=True)


def resized(t, shape):
    """A tensor with another shape, its bytes repeated or cut."""
    bits = rt.DTYPES[t.dtype][1] * int(np.prod(shape, dtype=np.int64))
    return rt.raw(t.dtype, shape, np.resize(np.frombuffer(t.data or b"\1", np.uint8), bits // 8))


def shapes(shape):
    """Wrong shapes that are close to the right one."""
    for axis, n in enumerate(shape):
        for other in (n + 1, n - 1, 2 * n, 0):
            if other >= 0 and other != n:
                yield (*shape[:axis], other, *shape[axis + 1 :])
    if shape:
        yield shape[1:]
    yield (*shape, 2)


SAME_SIZE = [
    ("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"),
    ("I16", "U16", "F16", "BF16"),
    ("I32", "U32", "F32"),
    ("C64", "F64", "I64", "U64"),
]  # fmt: skip


def dtypes(dtype):
    """Other types with the same size."""
    return [other for family in SAME_SIZE if dtype in family for other in family if other != dtype]


def f32(*shape):
    return rt.tensor(np.full(shape, 2, np.float32))


# Names of companions. Each may change the meaning of a group's codes if it appears next to them.
EXTRA = {
    ".weight_scale": f32(6, 1), ".weight_scale_inv": f32(6, 1), ".scale": rt.raw("F8_E8M0", (6, 1), bytes(6)), ".scale_weight": f32(1), ".qscale_weight": f32(1),
    ".weight_zero_point": rt.tensor(np.ones((6, 3), np.int8)), ".weight_g_idx": rt.tensor(np.arange(96, dtype=np.int32) % 3), ".weight_global_scale": f32(1),
    ".weight_scale_2": f32(1), ".pre_quant_scale": f32(96), ".svdquant_lora_a": f32(2, 96), ".comfy_quant": rt.raw("U8", (2,), b"{}"), ".SCB": f32(6),
    ".weight.absmax": f32(6), ".scales": f32(6, 3), ".qzeros": rt.tensor(np.zeros((3, 2), np.int32)), ".g_idx": rt.tensor(np.arange(96, dtype=np.int32) % 3),
    ".weight_packed": rt.raw("U8", (6, 48), bytes(288)), ".qweight": rt.tensor(np.zeros((12, 16), np.int32)), ".meta": rt.tensor(np.zeros((6, 6), np.int16)),
    "_weight_scale": f32(2, 6, 1), "_weight_scale_2": f32(1), "_scale_inv": f32(2, 6, 1), "_pre_quant_scale": f32(96),
}  # fmt: skip


def stem_of(output):
    """X of X.weight and P of P, with the marks that begin the names of their companions."""
    return (output.removesuffix(".weight"), (".",)) if output.endswith(".weight") else (output, ("_",))


def mutants(model):
    """(change, tensors) for every part left out, with another shape or another type, and for every stray companion."""
    source, (output,) = model.source, model.parts
    for name, t in source.items():
        yield f"-{name}", {n: p for n, p in source.items() if n != name}
        for shape in shapes(t.shape):
            yield f"{name} {list(shape)}", {**source, name: resized(t, shape)}
        for dtype in dtypes(t.dtype):
            yield f"{name} {dtype}", {**source, name: rt.raw(dtype, t.shape, t.data)}
    stem, marks = stem_of(output)
    for suffix, t in EXTRA.items():
        if stem + suffix not in source and suffix.startswith(marks):
            yield f"+{stem}{suffix}", {**source, stem + suffix: t}


# Mutants that are themselves valid, with another meaning than the group, by their change in mutants().
ANY_SHAPE = r".* \[.*\]"  # shapes define blocks and groups
AS_FP8 = r"x\.weight F8_E(4M3|5M2)"
AS_INT8 = r"x\.weight I8"
BF16_OR_F16 = r".*scales? (BF16|F16)"
LONE_CODES = r"-x(\.weight|)[._](scale|weight_scale|scale_inv|weight_scale_inv|scale_weight|qscale_weight|scales|SCB)"  # nothing is left to recognise it by

SOUND = {
    "mxfp4-weight": [LONE_CODES, AS_FP8],
    "mxfp4-deepseek": [LONE_CODES, AS_FP8],
    "fp8-blocks": [ANY_SHAPE, AS_FP8, LONE_CODES],
    "fp8-rows": [ANY_SHAPE, AS_FP8, AS_INT8, LONE_CODES],
    "fp8-tensor": [ANY_SHAPE, AS_FP8, AS_INT8, LONE_CODES],
    "fp8-comfy": [ANY_SHAPE, AS_FP8, LONE_CODES],
    "fp8-mistral": [ANY_SHAPE, AS_FP8, LONE_CODES],
    "fp8-experts": [ANY_SHAPE, r"x F8_E5M2", LONE_CODES],
    "fp8-deepseek-v4": [ANY_SHAPE, AS_FP8, LONE_CODES],
    "mxfp8": [ANY_SHAPE, AS_FP8, LONE_CODES, r"\+x\.pre_quant_scale"],
    "bnb-int8": [ANY_SHAPE, LONE_CODES],
    "int-packed": [ANY_SHAPE, BF16_OR_F16, r"\+x\.weight_(zero_point|g_idx)"],
    "int-packed-zeros": [BF16_OR_F16, r"\+x\.weight_g_idx", r"-x\.weight_zero_point"],
    "int-packed-order": [ANY_SHAPE, BF16_OR_F16, r"\+x\.weight_zero_point", r"-x\.weight_g_idx"],
    "int8": [ANY_SHAPE, BF16_OR_F16, AS_FP8, LONE_CODES, r"\+x\.(weight_(zero_point|g_idx)|pre_quant_scale)"],
    "int8-zeros": [ANY_SHAPE, BF16_OR_F16, LONE_CODES, r"\+x\.(weight_g_idx|pre_quant_scale)", r"-x\.weight_zero_point"],
    "int8-smooth": [ANY_SHAPE, AS_FP8, LONE_CODES, r"-x\.pre_quant_scale"],
    "int4-pairs": [ANY_SHAPE, LONE_CODES, r"\+x\.pre_quant_scale"],
    "gptq": [ANY_SHAPE, BF16_OR_F16, r"\+x\.g_idx"],
    "gptq-order": [BF16_OR_F16, r"-x\.g_idx"],
    "awq": [ANY_SHAPE, BF16_OR_F16, r"\+x\.g_idx"],
    "mlx-affine": [r"x\.weight F32"],
    "mlx-mxfp4": [ANY_SHAPE, LONE_CODES],
    "mlx-mxfp8": [ANY_SHAPE, LONE_CODES],
    "mlx-nvfp4": [ANY_SHAPE, LONE_CODES],
}
