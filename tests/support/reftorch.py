# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""Tensors of torch as Tensors, and back."""

import numpy as np
import torch

import reftensor as rt

KINDS = {
    "BOOL": torch.bool, "U8": torch.uint8, "I8": torch.int8, "F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2,
    "F8_E8M0": torch.float8_e8m0fnu, "I16": torch.int16, "F16": torch.float16, "BF16": torch.bfloat16, "I32": torch.int32,
    "F32": torch.float32, "I64": torch.int64,
}  # fmt: skip
NAMES = {kind: name for name, kind in KINDS.items()}


def from_torch(t):
    """A torch tensor as a Tensor."""
    flat = t.detach().clone(memory_format=torch.contiguous_format).reshape(-1).view(torch.uint8)
    return rt.raw(NAMES[t.dtype], tuple(t.shape), flat.numpy().tobytes())


def to_torch(t):
    """A Tensor as a torch tensor."""
    return torch.frombuffer(bytearray(t.data), dtype=torch.uint8).view(KINDS[t.dtype]).reshape(t.shape)


def as_bf16(t):
    """A torch result as the Tensor that mxfs shows: bfloat16, NaN canonical."""
    out = from_torch(t.detach().to(torch.bfloat16))
    bits = np.frombuffer(out.data, np.uint16)
    return rt.raw("BF16", out.shape, np.where((bits & 0x7FFF) > 0x7F80, np.uint16(0x7FC0), bits))
