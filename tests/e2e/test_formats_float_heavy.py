# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""FP8 and NVFP4 against the libraries that write them, on the CPU."""

import numpy as np
import pytest

import ref_float as ref
import reftensor as rt
from helpers import assert_file

pytestmark = pytest.mark.heavy

torch = pytest.importorskip("torch")

from reftorch import as_bf16, from_torch, to_torch


def show(mount, place, source, want, config=None):
    """Mounts `source` (name -> Tensor) and compares the file with the one that holds `want`."""
    model = ref.FloatModel(config)
    model.source = source
    made = mount(model.write(place / "m.safetensors"))
    assert_file(made.file, rt.serialize(want, {"format": "pt"}))


@pytest.mark.parametrize("divisor", [[1], []], ids=["vector", "scalar"])
def test_compressed_tensors_nvfp4_every_scale(divisor, mount, place):
    """All block scales with all codes, and the global scale stored in either form."""
    pytest.importorskip("compressed_tensors")
    import refct

    preset = refct.Preset("NVFP4A16")
    source, want = {}, {}
    for i, value in enumerate((81.3, 1234.5, 1e-30, 3e38, 0.0, float("nan"), -7.77)):
        scale = torch.arange(256, dtype=torch.uint8).view(torch.float8_e4m3fn).repeat(3, 1)
        codes = torch.randint(0, 256, (3, 2048), generator=torch.Generator().manual_seed(i), dtype=torch.uint8)
        state = {"weight_packed": codes, "weight_scale": scale, "weight_global_scale": torch.full(divisor, value)}
        want[f"x{i}.weight"] = as_bf16(preset.decompress(state))
        source.update({f"x{i}.{part}": from_torch(t) for part, t in state.items()})
    show(mount, place, source, want, {"quantization_config": preset.config()})


@pytest.fixture(scope="module")
def transformers():
    """Runs transformers' dequantizer, which needs blocks that divide the weight, on Tensors."""
    dequantizer = pytest.importorskip("transformers.integrations.finegrained_fp8").Fp8Dequantize(None)
    return lambda codes, scales: as_bf16(dequantizer._dequantize_one(to_torch(codes), to_torch(scales), torch.bfloat16))


@pytest.mark.parametrize("scale", ["F32", "BF16", "U8", "F8_E8M0"])
def test_transformers(scale, transformers, mount, place):
    source, want = {}, {}
    shapes = {"a": ((256, 384), (2, 3)), "b": ((64, 96), (2, 3)), "c": ((6, 256), (6, 8)), "d": ((7, 50), (1, 1)), "e": ((3, 256, 128), (3, 2, 1)), "f": ((9, 32), (9, 1))}
    for seed, (stem, (shape, table)) in enumerate(shapes.items()):
        codes, scales = ref.fp8_codes(seed, *shape), ref.scales(seed, scale, *table)
        source.update({f"{stem}.weight": codes, f"{stem}.weight_scale_inv": scales})
        want[f"{stem}.weight"] = transformers(codes, scales)
    show(mount, place, source, want, {"quantization_config": {"quant_method": "fp8"}})


@pytest.mark.parametrize("codes", ["F8_E4M3", "F8_E5M2"])
@pytest.mark.parametrize("scale", ref.CLASSES)
def test_transformers_every_code(scale, codes, transformers, mount, place):
    """All codes times every class of scale, except U8 255, for which transformers gives no NaN."""
    scales = ref.every_class(scale)
    n = scales.shape[0] - (scale == "U8")
    scales = rt.raw(scale, (n, 1), scales.data[: n * len(scales.data) // scales.shape[0]])
    grid = rt.raw(codes, (n, 256), bytes(range(256)) * n)
    source = {"x.weight": grid, "x.weight_scale_inv": scales}
    show(mount, place, source, {"x.weight": transformers(grid, scales)}, {"quantization_config": {"quant_method": "fp8"}})


@pytest.mark.parametrize("scale", ["F32", "BF16"])
def test_mistral(scale, mount, place):
    """transformers renames qscale_weight to weight_scale_inv: one float32 product, rounded once, whatever the scale's type."""
    source, want = {}, {}
    for i, bits in enumerate(ref.CLASSES[scale]):
        codes, factor = rt.raw("F8_E4M3", (2, 256), bytes(range(256)) * 2), rt.raw(scale, () if i % 2 else (1,), np.array([bits], {"F32": np.uint32, "BF16": np.uint16}[scale]))
        source.update({f"l{i}.weight": codes, f"l{i}.qscale_weight": factor, f"l{i}.qscale_act": factor})
        want[f"l{i}.weight"] = as_bf16((to_torch(codes).to(torch.float32) * to_torch(factor).to(torch.float32)).to(torch.bfloat16))
    show(mount, place, source, want)


def test_transformers_fp4(transformers, mount, place):
    """DeepSeek V4's experts."""
    codes = rt.raw("I8", (64, 96), bytes(range(256)) * 24)
    scales = rt.raw("F8_E8M0", (64, 6), bytes(i % 253 for i in range(384)))
    show(mount, place, {"x.weight": codes, "x.scale": scales}, {"x.weight": transformers(codes, scales)})
