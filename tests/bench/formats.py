# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""Sources for the benchmark in every format except MXFP4: one large weight each, with plausible scales.

    formats.py FOLDER [PATTERN ...]     writes those whose names match, for inspection
"""

import fnmatch
import json
import pathlib
import random
import struct
import sys

N = K = 8192  # 134 MB of BF16
ITEM = {"U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E8M0": 1, "BF16": 2, "F16": 2, "I32": 4, "U32": 4, "F32": 4, "I64": 8}
RNG = random.Random(1)
CODES = RNG.randbytes((8 << 20) + 8)


def cycle(pack, *values):
    """Bytes of a few hundred new random values. No power of two divides their number, so they do not repeat with the rows."""
    return b"".join(pack(RNG.choice(values)) for _ in range(509))


def scales(dtype):
    """Like those of trained weights: around 2^-8."""
    floats = [0.001 + 0.0001 * i for i in range(90)]
    if dtype == "F32":
        return cycle(lambda f: struct.pack("<f", f), *floats)
    if dtype == "BF16":
        return cycle(lambda f: struct.pack("<f", f)[2:], *floats)
    if dtype == "F16":
        return cycle(lambda f: struct.pack("<e", f), *floats)
    return cycle(lambda b: bytes([b]), *(range(0x30, 0x60) if dtype == "F8_E4M3" else range(114, 126)))


def tensor(dtype, *shape, data=None):
    """Type, shape and bytes, which are repeated until they fill it."""
    return dtype, list(shape), data or CODES


def scale(dtype, *shape):
    """A tensor of scales."""
    return tensor(dtype, *shape, data=scales(dtype if dtype != "U8" else "F8_E8M0"))


def group_order(k, group):
    """g_idx of reordered columns, as from act-order."""
    order = [i // group for i in range(k)]
    RNG.shuffle(order)
    return tensor("I32", k, data=struct.pack(f"<{k}i", *order))


def quantized(method, **more):
    """A config.json with this quantization_config."""
    return {"quantization_config": {"quant_method": method, **more}}


def ct(bits):
    """compressed-tensors' config for integers."""
    return quantized("compressed-tensors", config_groups={"group_0": {"targets": ["Linear"], "weights": {"num_bits": bits, "type": "int"}}})


def packed(bits, group, zeros=False, order=False):
    """compressed-tensors pack-quantized; group None for one group per row."""
    groups = K // (group or K)
    parts = {
        "w.weight_packed": tensor("I32", N, K * bits // 32),
        "w.weight_scale": scale("BF16", N, groups),
        "w.weight_shape": tensor("I64", 2, data=struct.pack("<2q", N, K)),
    }
    if zeros:
        parts["w.weight_zero_point"] = tensor("I32", N * bits // 32, groups)
    if order:
        parts["w.weight_g_idx"] = group_order(K, group)
    return ct(bits), parts


def gptq(bits, group=128, order=False, n=N, k=K):
    """GPTQ v1; `order` for act-order."""
    parts = {
        "w.qweight": tensor("I32", k * bits // 32, n),
        "w.qzeros": tensor("I32", k // group, n * bits // 32),
        "w.scales": scale("F16", k // group, n),
        "w.g_idx": group_order(k, group) if order else tensor("I32", k, data=struct.pack(f"<{k}i", *(i // group for i in range(k)))),
    }
    return quantized("gptq", bits=bits, group_size=group, checkpoint_format="gptq"), parts


def awq(group=128):
    """AWQ gemm."""
    parts = {
        "w.qweight": tensor("I32", K, N // 8),
        "w.qzeros": tensor("I32", K // group, N // 8),
        "w.scales": scale("F16", K // group, N),
    }
    return quantized("awq", bits=4, group_size=group, version="gemm"), parts


def nf4(nested):
    """bitsandbytes in blocks of 64; if nested, scales are bytes in blocks of 256."""
    blocks = N * K // 64
    state = {"quant_type": "nf4", "blocksize": 64, "dtype": "bfloat16", "shape": [N, K]}
    parts = {"w.weight": tensor("U8", N * K // 2, 1), "w.weight.quant_map": tensor("F32", 16, data=struct.pack("<16f", *(i / 8 - 1 for i in range(16))))}
    if nested:
        state |= {"nested_blocksize": 256, "nested_dtype": "float32", "nested_offset": 0.0625}
        parts["w.weight.absmax"] = tensor("U8", blocks)
        parts["w.weight.nested_absmax"] = scale("F32", blocks // 256)
        parts["w.weight.nested_quant_map"] = tensor("F32", 256, data=struct.pack("<256f", *(i / 128 - 1 for i in range(256))))
    else:
        parts["w.weight.absmax"] = scale("F32", blocks)
    text = json.dumps(state).encode()
    parts["w.weight.quant_state.bitsandbytes__nf4"] = tensor("U8", len(text), data=text)
    return {}, parts


def mlx(bits, group=64):
    """MLX affine."""
    parts = {"w.weight": tensor("U32", N, K * bits // 32), "w.scales": scale("BF16", N, K // group), "w.biases": scale("BF16", N, K // group)}
    return {"quantization": {"group_size": group, "bits": bits}}, parts


def fp8(name, dtype, *shape, **config):
    """FP8 codes and their scales."""
    return config, {"w.weight": tensor("F8_E4M3", N, K), f"w.{name}": scale(dtype, *shape)}


CT = quantized("compressed-tensors")
# Name: config and parts. Those in TRANSPOSED are stored in another order than they are shown.
FORMATS = {
    "fp8 blocks": lambda: fp8("weight_scale_inv", "F32", N // 128, K // 128),
    "fp8 channel": lambda: fp8("weight_scale", "BF16", N, 1, **CT),
    "mxfp8": lambda: fp8("weight_scale", "U8", N, K // 32, **CT),
    "nvfp4": lambda: (CT, {"w.weight_packed": tensor("U8", N, K // 2), "w.weight_scale": scale("F8_E4M3", N, K // 16), "w.weight_global_scale": scale("F32", 1)}),
    "nvfp4 modelopt": lambda: (quantized("modelopt"), {"w.weight": tensor("U8", N, K // 2), "w.weight_scale": scale("F8_E4M3", N, K // 16), "w.weight_scale_2": scale("F32")}),
    "int4 g128": lambda: packed(4, 128),
    "int4 g32": lambda: packed(4, 32),
    "int4 g128 asymmetric": lambda: packed(4, 128, zeros=True),
    "int4 g128 reordered": lambda: packed(4, 128, order=True),
    "int4 pairs": lambda: (quantized("modelopt"), {"w.weight": tensor("U8", N // 2, K), "w.weight_scale": scale("F32", N, K // 128)}),
    "int2 g128": lambda: packed(2, 128),
    "int3 g128": lambda: packed(3, 128),
    "int6 g128": lambda: packed(6, 128),
    "int8 packed channel": lambda: packed(8, None),
    "int8 packed g128": lambda: packed(8, 128),
    "int8 channel": lambda: (CT, {"w.weight": tensor("I8", N, K), "w.weight_scale": scale("BF16", N, 1)}),
    "nf4": lambda: nf4(False),
    "nf4 nested": lambda: nf4(True),
    "bitsandbytes int8": lambda: ({}, {"w.weight": tensor("I8", N, K), "w.SCB": scale("F32", N)}),
    "mxfp6": lambda: (CT, {"w.weight_packed": tensor("U8", N, K * 3 // 4), "w.weight_scale": scale("U8", N, K // 32)}),
    "mlx 4 bits": lambda: mlx(4),
    "mlx 8 bits": lambda: mlx(8),
    "mlx 6 bits": lambda: mlx(6),
    "mlx 3 bits": lambda: mlx(3),
    "gptq 4 bits": lambda: gptq(4),
    "gptq 4 bits act-order": lambda: gptq(4, order=True),
    "gptq 8 bits": lambda: gptq(8),
    "awq": awq,
    # The down_proj of a 70B model: 117 MB packed, more than a cache of the default size holds.
    "gptq 4 bits 117 MB": lambda: gptq(4, n=8192, k=28672),
}
TRANSPOSED = ("gptq*", "awq")


def target(name):
    """Target for the speed of reading it, relative to the null filesystem."""
    return 0.5 if any(fnmatch.fnmatchcase(name, p) for p in TRANSPOSED) else 0.85


def write(folder, name):
    """Writes model.safetensors and config.json to a folder; returns the path of the model."""
    config, parts = FORMATS[name]()
    folder.mkdir()
    header, at = {}, 0
    for part, (dtype, shape, _) in parts.items():
        size = ITEM[dtype]
        for dim in shape:
            size *= dim
        header[part] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(folder / "model.safetensors", "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for part, (_, _, data) in parts.items():
            begin, end = header[part]["data_offsets"]
            data = data * max(1, (1 << 20) // len(data))
            while begin < end:
                begin += f.write(data[: end - begin])
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder / "model.safetensors"


if __name__ == "__main__":
    for wanted in FORMATS:
        if any(fnmatch.fnmatchcase(wanted, p) for p in sys.argv[2:] or ["*"]):
            print(write(pathlib.Path(sys.argv[1]) / wanted.replace(" ", "-"), wanted))
