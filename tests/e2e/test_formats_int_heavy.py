# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""Integer formats against the library that writes them, on the CPU."""

import numpy as np
import pytest

import ref_int as ref
import reftensor as rt
from helpers import assert_file
from test_formats_float_heavy import as_bf16, show

pytestmark = pytest.mark.heavy


def from_torch(t):
    """A torch tensor of any dtype as a Tensor."""
    import torch

    names = {
        torch.int32: "I32", torch.int64: "I64", torch.int8: "I8", torch.uint8: "U8",
        torch.bfloat16: "BF16", torch.float16: "F16", torch.float32: "F32",
    }  # fmt: skip
    flat = t.detach().clone(memory_format=torch.contiguous_format).reshape(-1).view(torch.uint8)
    return rt.raw(names[t.dtype], tuple(t.shape), flat.numpy().tobytes())


def quantizer(weight, scheme):
    """Scales and zero points of a weight: those of its largest and smallest values."""
    import torch
    from compressed_tensors.quantization.utils import calculate_qparams

    args = scheme.weights
    grouped = weight.unflatten(-1, (-1, args.group_size)) if args.group_size else weight.unsqueeze(-2)
    scale, zero = calculate_qparams(grouped.amin(-1), grouped.amax(-1), args)
    return {"weight_scale": scale.to(weight.dtype), "weight_zero_point": zero.to(torch.int8)}


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
@pytest.mark.parametrize("preset", ["W2A16", "W3A16", "W4A16", "W5A16", "W6A16", "W7A16", "W8A16", "W4A16_ASYM", "W8A8"])
def test_compressed_tensors(preset, dtype, mount, place):
    torch = pytest.importorskip("torch")
    pytest.importorskip("compressed_tensors")
    import compressed_tensors.compressors as compressors
    from compressed_tensors.quantization.quant_scheme import preset_name_to_scheme

    kind = compressors.IntQuantizationCompressor if preset == "W8A8" else compressors.PackedQuantizationCompressor
    scheme = preset_name_to_scheme(preset, ["Linear"])
    source, want = {}, {}
    for i, (n, k) in enumerate([(67, 256), (32, 1024), (1, 128)]):
        weight = torch.randn(n, k, generator=torch.manual_seed(i)).to(getattr(torch, dtype))
        packed = kind.compress({"weight": weight, **quantizer(weight, scheme)}, scheme)
        source.update({f"layers.{i}.{name}": from_torch(t) for name, t in packed.items()})
        want[f"layers.{i}.weight"] = as_bf16(kind.decompress(packed, scheme)["weight"])
    weights = {"num_bits": scheme.weights.num_bits, "type": "int"}
    show(mount, place, source, want, {"quantization_config": {**ref.CT, "config_groups": {"group_0": {"weights": weights}}}})


def test_mxfp6(mount, place):
    """Every code under ordinary scales; the library rounds to bfloat16, where they are exact."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("compressed_tensors")
    import compressed_tensors.compressors as compressors
    from compressed_tensors.quantization.quant_scheme import preset_name_to_scheme

    kind = compressors.MXFP6PackedCompressor
    scheme = preset_name_to_scheme("MXFP6A16", ["Linear"])
    model = ref.FloatModel(ref.MXFP6_CONFIG)
    ref.add_mxfp6(model, "x", 1, (80, 96), scales=range(3, 243))
    packed = {n.removeprefix("x."): torch.from_numpy(t.array().copy()) for n, t in model.source.items()}
    show(mount, place, model.source, {"x.weight": as_bf16(kind.decompress(packed, scheme)["weight"])}, model.config)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
def test_mlx(dtype, mount, place):
    """Its backend on the CPU; that of Metal may fuse the product and the sum."""
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
