# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""FP8 and NVFP4 against the libraries that write them, on the CPU."""

import numpy as np
import pytest

import ref_float as ref
import reftensor as rt
from helpers import assert_file

pytestmark = pytest.mark.heavy

CT_CONFIG = {"quantization_config": {"quant_method": "compressed-tensors"}}


def from_torch(t):
    """A torch tensor of any dtype as a Tensor."""
    import torch

    names = {
        torch.float8_e4m3fn: "F8_E4M3", torch.float8_e5m2: "F8_E5M2", torch.float8_e8m0fnu: "F8_E8M0", torch.uint8: "U8",
        torch.bfloat16: "BF16", torch.float16: "F16", torch.float32: "F32",
    }  # fmt: skip
    flat = t.detach().contiguous().reshape(-1).view(torch.uint8)
    return rt.raw(names[t.dtype], tuple(t.shape), flat.numpy().tobytes())


def to_torch(t):
    """A Tensor as a torch tensor (the other way round)."""
    import torch

    kinds = {
        "F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2, "F8_E8M0": torch.float8_e8m0fnu, "U8": torch.uint8,
        "BF16": torch.bfloat16, "F16": torch.float16, "F32": torch.float32,
    }  # fmt: skip
    return torch.frombuffer(bytearray(t.data), dtype=torch.uint8).view(kinds[t.dtype]).reshape(t.shape)


def as_bf16(t):
    """A torch result as the Tensor that mxfs shows: bfloat16, NaN canonical."""
    import torch

    values = t.detach().to(torch.bfloat16)
    values = torch.where(values.isnan(), torch.tensor(float("nan"), dtype=torch.bfloat16), values)
    out = from_torch(values)
    bits = np.frombuffer(out.data, np.uint16)
    return rt.raw("BF16", out.shape, np.where((bits & 0x7FFF) > 0x7F80, np.uint16(0x7FC0), bits))


def show(mount, place, source, want, config=None):
    """Mounts `source` (name -> Tensor) and compares the file with the one that holds `want`."""
    model = ref.FloatModel(config)
    model.source = source
    made = mount(model.write(place / "m.safetensors"))
    assert_file(made.file, rt.serialize(want, {"format": "pt"}))


@pytest.fixture(scope="module")
def ct():
    pytest.importorskip("torch")
    pytest.importorskip("compressed_tensors")
    import compressed_tensors.compressors as compressors
    from compressed_tensors.quantization.quant_scheme import preset_name_to_scheme

    kinds = {"NVFP4A16": "NVFP4PackedCompressor", "NVFP4": "NVFP4PackedCompressor", "MXFP8A16": "MXFP8QuantizationCompressor"}

    def get(preset):
        kind = kinds.get(preset, "FloatQuantizationCompressor")
        return getattr(compressors, kind), preset_name_to_scheme(preset, ["Linear"])

    return get


def scale_shape(preset, n, k):
    return {
        "FP8": (1,), "FP8_DYNAMIC": (n, 1), "FP8_BLOCK": (-(-n // 128), -(-k // 128)), "NVFP4A16": (n, k // 16), "NVFP4": (n, k // 16),
        "MXFP8A16": (n, k // 32),
    }[preset]  # fmt: skip


@pytest.mark.parametrize("scale_dtype", ["bfloat16", "float16", "float32"])
@pytest.mark.parametrize("preset", ["FP8", "FP8_DYNAMIC", "FP8_BLOCK", "NVFP4A16", "NVFP4", "MXFP8A16"])
def test_compressed_tensors(preset, scale_dtype, ct, mount, place):
    """What `compress` makes of weights, and any codes at all, as `decompress` reads them."""
    import torch

    compressor, scheme = ct(preset)
    generator = torch.Generator().manual_seed(3)
    source, want = {}, {}
    for stem, (n, k) in {"a.up": (256, 384), "b.down": (128, 1024)}.items():
        weight = torch.randn(n, k, generator=generator) * 0.05
        scale = torch.rand(scale_shape(preset, n, k), generator=generator) * 0.001 + 0.0003
        state = {"weight": weight.to(torch.bfloat16)}
        if preset.startswith("NVFP4"):
            state["weight_global_scale"] = torch.tensor([1234.5])
            scale = scale * 1234.5 * 60
        elif preset == "MXFP8A16":
            scale = torch.exp2(torch.floor(torch.log2(scale)))
        state["weight_scale"] = scale.to(getattr(torch, scale_dtype))
        packed = compressor.compress(state, scheme)
        wild = {**packed}
        main = "weight" if "weight" in packed else "weight_packed"
        octets = torch.randint(0, 256, packed[main].shape, generator=generator, dtype=torch.uint8)
        wild[main] = octets.view(packed[main].dtype)
        for tag, stored in (("real", packed), ("wild", wild)):
            plain = compressor.decompress(dict(stored), scheme)["weight"]
            source.update({f"{stem}.{tag}.{part}": from_torch(t) for part, t in stored.items()})
            want[f"{stem}.{tag}.weight"] = as_bf16(plain)
    show(mount, place, source, want, CT_CONFIG)


@pytest.mark.parametrize("divisor", [[1], []], ids=["vector", "scalar"])
def test_compressed_tensors_nvfp4_every_scale(divisor, ct, mount, place):
    """All block scales with all codes, and a divisor that is stored either way."""
    import torch

    compressor, scheme = ct("NVFP4A16")
    source, want = {}, {}
    for i, value in enumerate((81.3, 1234.5, 1e-30, 3e38, 0.0, float("nan"), -7.77)):
        scale = torch.arange(256, dtype=torch.uint8).view(torch.float8_e4m3fn).repeat(3, 1)
        octets = torch.randint(0, 256, (3, 2048), generator=torch.Generator().manual_seed(i), dtype=torch.uint8)
        state = {"weight_packed": octets, "weight_scale": scale, "weight_global_scale": torch.full(divisor, value)}
        want[f"x{i}.weight"] = as_bf16(compressor.decompress(dict(state), scheme)["weight"])
        source.update({f"x{i}.{part}": from_torch(t) for part, t in state.items()})
    show(mount, place, source, want, CT_CONFIG)


@pytest.mark.parametrize("scale", ["F32", "BF16", "U8", "F8_E8M0"])
def test_transformers(scale, mount, place):
    """transformers' dequantizer, which takes blocks that divide the weight."""
    torch = pytest.importorskip("torch")
    finegrained = pytest.importorskip("transformers.integrations.finegrained_fp8")

    dequantizer = finegrained.Fp8Dequantize(None)
    source, want = {}, {}
    shapes = {"a": ((256, 384), (2, 3)), "b": ((64, 96), (2, 3)), "c": ((6, 256), (6, 8)), "d": ((7, 50), (1, 1)), "e": ((3, 256, 128), (3, 2, 1)), "f": ((9, 32), (9, 1))}
    for seed, (stem, (shape, table)) in enumerate(shapes.items()):
        codes, scales = ref.fp8_codes(seed, *shape), ref.scales(seed, scale, *table)
        source.update({f"{stem}.weight": codes, f"{stem}.weight_scale_inv": scales})
        want[f"{stem}.weight"] = as_bf16(dequantizer._dequantize_one(to_torch(codes), to_torch(scales), torch.bfloat16))
    show(mount, place, source, want, {"quantization_config": {"quant_method": "fp8"}})


def test_modelopt_nvfp4(mount, place):
    """ModelOpt's own tensors, where it is installed. Its table gives code 8 no sign: here it is -0, as E2M1 has it."""
    torch = pytest.importorskip("torch")
    qtensor = pytest.importorskip("modelopt.torch.quantization.qtensor")

    source, want = {}, {}
    generator = torch.Generator().manual_seed(5)
    for stem, (n, k) in {"a": (64, 96), "b": (128, 1024)}.items():
        weight = torch.randn(n, k, generator=generator).to(torch.bfloat16)
        quantized, scale, double_scale = qtensor.NVFP4QTensor.quantize(weight, 16)
        plain = quantized.dequantize(dtype=torch.bfloat16, scale=scale, double_scale=double_scale, block_sizes={-1: 16})
        octets = quantized._quantized_data
        codes = torch.stack([octets & 15, octets >> 4], -1).reshape(plain.shape)
        plain = torch.where(codes == 8, torch.tensor(-0.0, dtype=torch.bfloat16), plain)
        parts = {"weight": octets, "weight_scale": scale, "weight_scale_2": double_scale}
        source.update({f"{stem}.{part}": from_torch(t) for part, t in parts.items()})
        want[f"{stem}.weight"] = as_bf16(plain)
    show(mount, place, source, want, {"quantization_config": {"quant_method": "modelopt", "quant_algo": "NVFP4"}})
