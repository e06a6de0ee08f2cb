# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""MLX against itself, on the CPU (compressed-tensors: test_formats_compressed_heavy.py)."""

import numpy as np
import pytest

import ref_int as ref
import reftensor as rt
from helpers import assert_file

pytestmark = pytest.mark.heavy


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
def test_mlx(dtype, mount, place):
    """Uses MLX's CPU backend; the Metal backend may fuse the product and the sum."""
    mx = pytest.importorskip("mlx.core")
    kind = {"bfloat16": "BF16", "float16": "F16", "float32": "F32"}[dtype]

    def tensor(a):
        octets = np.array(a.view(mx.uint8) if a.dtype != mx.uint8 else a)
        return rt.raw({mx.uint32: "U32", mx.uint8: "U8"}.get(a.dtype, kind), a.shape, octets)

    for bits, group in ref.MLX_WIDTHS:
        model = ref.FloatModel(ref.mlx_config(bits, group))
        weight = mx.random.normal((33, 384), key=mx.random.key(bits)).astype(getattr(mx, dtype))
        q, scales, biases = mx.quantize(weight, group, bits, stream=mx.cpu)
        shown = mx.dequantize(q, scales, biases, group, bits, stream=mx.cpu)
        model.source = {"x.weight": tensor(q), "x.scales": tensor(scales), "x.biases": tensor(biases)}
        (place / f"{bits}.{group}").mkdir()
        made = mount(model.write(place / f"{bits}.{group}" / "m.safetensors"), f"--dtype={kind.lower()}")
        assert_file(made.file, rt.serialize({"x.weight": tensor(shown)}, {"format": "pt"}))
