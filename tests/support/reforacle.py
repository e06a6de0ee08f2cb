# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""The values of quantized formats, computed independently of mxfs: exact in float64, rounded once at the end.

ml_dtypes interprets the codes (float4_e2m1fn, float8_e8m0fnu, float8_e4m3fn). A product
of an E2M1 or E4M3 value with a power of two has at most four significant bits, so float64 holds it
exactly; the one rounding happens in `rounded`.
"""

import ml_dtypes
import numpy as np

from reftensor import Tensor

CANONICAL_NAN = {"BF16": 0x7FC0, "F16": 0x7E00, "F32": 0x7FC00000}
BITS = {"BF16": np.uint16, "F16": np.uint16, "F32": np.uint32}


def e2m1(codes):
    """FP4 codes 0..15 (one in a byte) as float64; code 8 is -0."""
    return np.asarray(codes, np.uint8).view(ml_dtypes.float4_e2m1fn).astype(np.float64)


def e8m0(octets):
    """Scales as float64: 2^(x-127), 255 is NaN."""
    return np.asarray(octets, np.uint8).view(ml_dtypes.float8_e8m0fnu).astype(np.float64)


def e4m3(octets):
    """FP8 E4M3 ("FN") bytes as float64."""
    return np.asarray(octets, np.uint8).view(ml_dtypes.float8_e4m3fn).astype(np.float64)


def nibbles(packed):
    """[..., n] bytes -> [..., 2n] codes, the low half first."""
    packed = np.asarray(packed, np.uint8)
    return np.stack([packed & 15, packed >> 4], -1).reshape(*packed.shape[:-1], 2 * packed.shape[-1])


def pack(codes):
    """The inverse of `nibbles`."""
    codes = np.asarray(codes, np.uint8)
    return np.ascontiguousarray(codes[..., 0::2] | codes[..., 1::2] << 4)


def mxfp4(packed, scales):
    """[..., K/2] bytes and [..., K/32] E8M0 scales -> [..., K] exact values."""
    return e2m1(nibbles(packed)) * np.repeat(e8m0(scales), 32, axis=-1)


def tiled(weight, scales, tile):
    """[N, K] FP8 bytes and [ceil(N/tile), ceil(K/tile)] E8M0 scales -> [N, K] exact values."""
    n, k = weight.shape
    spread = np.repeat(np.repeat(e8m0(scales), tile, axis=0)[:n], tile, axis=1)[:, :k]
    return e4m3(weight) * spread


def rounded(values, dtype):
    """Exact float64 values as a Tensor of `dtype`: one rounding to nearest even, NaN made canonical."""
    values = np.ascontiguousarray(values, np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        if dtype == "F16":
            bits = values.astype(np.float16).view(np.uint16)
        else:
            single = values.astype(np.float32)
            exact = (single.astype(np.float64) == values) | np.isnan(values) | np.isinf(single)
            assert exact.all(), "going through float32 would round twice"
            bits = single.view(np.uint32) if dtype == "F32" else single.astype(ml_dtypes.bfloat16).view(np.uint16)
    bits = np.where(np.isnan(values), BITS[dtype](CANONICAL_NAN[dtype]), bits).astype(BITS[dtype])
    return Tensor(dtype, values.shape, bits.tobytes())
