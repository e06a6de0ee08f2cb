# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""Writes known.h: a small input for each kernel operation and its output, computed with torch, numpy and ml_dtypes.

    python known.py >known.h && clang-format -i known.h
"""

import ml_dtypes
import numpy as np
import torch

CODES = np.array([(i * 91 + 7) % 256 for i in range(32)], dtype=np.uint8)
CODES[3], CODES[9], CODES[17] = 0x7F, 0xFF, 0x80
EXPONENTS = np.array([127, 0, 1, 112, 254, 255, 118, 140] * 4, dtype=np.uint8)
FLOATS = np.array([0.0123, -1.5, 3e-6, 700.25, 0.0, 1.0, 1e-3, 5e4] * 4, dtype=np.float32)
ZEROS = np.array([8, 7, 0, -3, 15, 1, 2, 9] * 4, dtype=np.float32)
BIASES = np.array([0.5, -2.25, 1e-3, 0, 33, 4, -0.125, 7] * 4, dtype=np.float32)
VALUES = np.array([-1, -0.7, -0.53, -0.39, -0.28, -0.18, -0.09, 0, 0.08, 0.16, 0.25, 0.34, 0.44, 0.56, 0.72, 1], dtype=np.float32)
GROUP_OF = np.array([(i * 5 + 1) % 7 for i in range(64)], dtype=np.uint16)
E2M1 = np.arange(16, dtype=np.uint8).view(ml_dtypes.float4_e2m1fn).astype(np.float32)
OUTS = {"BF16": (torch.bfloat16, torch.int16, 0x7FC0), "F16": (torch.float16, torch.int16, 0x7E00), "F32": (torch.float32, torch.int32, 0x7FC00000)}


def array(kind, name, values):
    """Prints a C array."""
    suffix = "f" if kind == "float" else ""
    text = ", ".join(f"{np.float32(v)!s}{suffix}" if kind == "float" else f"{int(v):#x}" for v in values)
    print(f"static const {kind} {name}[] = {{{text}}};")


def outs(name, values):
    """Prints float32 values in every output type, NaN canonical."""
    values = torch.as_tensor(np.asarray(values, dtype=np.float32))
    print(f"static const uint32_t {name}[MXFS_OUT_COUNT][{len(values)}] = {{")
    for out, (dtype, integer, nan) in OUTS.items():
        bits = values.to(dtype).view(integer).numpy().astype(np.int64) & (0xFFFFFFFF if out == "F32" else 0xFFFF)
        bits[torch.isnan(values).numpy()] = nan
        print(f"[MXFS_OUT_{out}] = {{{', '.join(hex(b) for b in bits)}}},")
    print("};")


def through(values, dtype):
    """Float32 values rounded to a type and converted back."""
    return torch.as_tensor(values).to(dtype).float().numpy()


def nibbles(codes):
    """The nibbles of each byte, the low one first."""
    return np.stack([codes & 15, codes >> 4], axis=1).reshape(-1)


def affine(v, group, dtype, biased):
    """Maps values as struct mxfs_affine says."""
    v = through((v - ZEROS[group]) * FLOATS[group], dtype)
    return through(v + BIASES[group], dtype) if biased else v


def fp8(codes, dtype=torch.float8_e4m3fn):
    """The values of FP8 codes."""
    return torch.from_numpy(codes.copy()).view(dtype).float().numpy()


print("/* SPDX-License-Identifier: MIT */\n/* Copyright (c) 2026 the mxfs authors */\n\n/* Made by known.py. */")
print("#ifndef MXFS_TEST_KERNEL_KNOWN_H\n#define MXFS_TEST_KERNEL_KNOWN_H\n")
print('#include "mxfs/kernel.h"\n')
np.seterr(all="ignore")
e8m0 = EXPONENTS.view(ml_dtypes.float8_e8m0fnu).astype(np.float32)
array("uint8_t", "known_codes", CODES)
array("uint8_t", "known_exponents", EXPONENTS)
array("float", "known_floats", FLOATS)
array("float", "known_zeros", ZEROS)
array("float", "known_biases", BIASES)
array("float", "known_values", VALUES)
array("uint16_t", "known_group_of", GROUP_OF)
both = nibbles(CODES)
# A product of an E2M1 code and a power of two is rounded only once: in float64 it is exact.
exact = {s: E2M1.astype(np.float64) * (np.nan if s == 255 else 2.0 ** (int(s) - 127)) for s in EXPONENTS}
outs("known_mxfp4_blocks", [exact[EXPONENTS[2 + i // 32]][c] for i, c in enumerate(both)])
outs("known_mxfp4_lanes", [exact[s][c >> 4] for s, c in zip(EXPONENTS, CODES)])
outs("known_fp8_run", fp8(CODES) * np.float32(0.0123))
outs("known_fp8_blocks", fp8(CODES, torch.float8_e5m2) * FLOATS[np.arange(32) // 12])
outs("known_mxfp8_blocks", fp8(CODES) * e8m0[3])
outs("known_nvfp4_blocks", E2M1[both] * FLOATS[np.arange(64) // 16])
outs("known_nvfp4_lanes", E2M1[CODES >> 4] * FLOATS)
outs("known_code4_run", affine(VALUES[both[1:61]], (np.arange(60) + 5) // 12, torch.bfloat16, True))
outs("known_code4_pick", affine(VALUES[both[1:61]], GROUP_OF[:60], torch.float16, False))
outs("known_code8_run", affine(CODES.astype(np.float32) - 128, (np.arange(32) + 3) // 7, torch.float16, True))
outs("known_narrow", through(FLOATS * ZEROS, torch.bfloat16))
bits = np.unpackbits(CODES, bitorder="little")
array("uint8_t", "known_unpack", [(int(np.packbits(bits[5 * i : 5 * i + 5], bitorder="little")[0]) - 3) % 256 for i in range(51)])
six = np.array([np.packbits(bits[6 * i : 6 * i + 6], bitorder="little")[0] for i in range(42)], dtype=np.uint8)
array("uint8_t", "known_e2m3", six.view(ml_dtypes.float6_e2m3fn).astype(np.float32).astype(ml_dtypes.float8_e4m3fn).view(np.uint8))
array("uint8_t", "known_transpose", CODES.reshape(4, 8).T.reshape(-1))
array("uint8_t", "known_transpose_words", CODES.view(np.uint32).reshape(2, 4).T.copy().view(np.uint8).reshape(-1))
array("uint8_t", "known_widen_bf16", CODES.view(ml_dtypes.bfloat16).astype(np.float32).view(np.uint8))
print("\n#endif")
