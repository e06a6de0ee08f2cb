# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""ModelOpt and AutoRound, on the CPU: tensors that they write, and arbitrary codes, as they read them.

Comments say where the two differ from mxfs, and why.
"""

import pytest

import ref_int
import reftensor as rt
from helpers import assert_file
from ref_float import FloatModel

pytestmark = pytest.mark.heavy

torch = pytest.importorskip("torch")

from reftorch import as_bf16, from_torch, to_torch

MODELOPT = {"quantization_config": {"quant_method": "modelopt", "quant_algo": "NVFP4"}}


@pytest.fixture
def show(mount, place):
    """show(source, want, config, *options): mounts and compares the whole file."""

    def go(source, want, config, *options):
        model = FloatModel(config)
        model.source = source
        assert_file(mount(model.write(place / "m.safetensors"), *options).file, rt.serialize(want, {"format": "pt"}))

    return go


@pytest.fixture(scope="module")
def modelopt():
    return pytest.importorskip("modelopt.torch.quantization.qtensor")


def random_bytes(*shape, high=256, seed=1):
    return torch.randint(0, high, shape, generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)


def test_modelopt_nvfp4(modelopt, show):
    """ModelOpt's table has no sign for code 8: here it is -0, as E2M1 defines."""
    source, want = {}, {}
    generator = torch.Generator().manual_seed(5)
    for stem, (n, k) in {"a": (64, 96), "b": (128, 1024)}.items():
        weight = torch.randn(n, k, generator=generator).to(torch.bfloat16)
        quantized, scale, double_scale = modelopt.NVFP4QTensor.quantize(weight, 16)
        for tag, codes in (("real", quantized._quantized_data), ("wild", random_bytes(n, k // 2))):
            held = modelopt.NVFP4QTensor(weight.shape, torch.bfloat16, codes)
            plain = held.dequantize(dtype=torch.bfloat16, scale=scale, double_scale=double_scale, block_sizes={-1: 16})
            nibbles = torch.stack([codes & 15, codes >> 4], -1).reshape(plain.shape)
            plain = torch.where(nibbles == 8, torch.tensor(-0.0, dtype=torch.bfloat16), plain)
            parts = {"weight": codes, "weight_scale": scale, "weight_scale_2": double_scale}
            source.update({f"{stem}.{tag}.{part}": from_torch(t) for part, t in parts.items()})
            want[f"{stem}.{tag}.weight"] = as_bf16(plain)
    show(source, want, MODELOPT)


@pytest.mark.parametrize("kind", ["MXFP4QTensor", "MXFP8QTensor"])
def test_modelopt_mx(kind, modelopt, show):
    """Every scale except 255, for which ModelOpt gives no NaN."""
    n, k = 255, 320
    codes = random_bytes(n, k // 2) if kind == "MXFP4QTensor" else random_bytes(n, k).view(torch.float8_e4m3fn)
    scale = random_bytes(n, k // 32, high=255, seed=2)
    plain = getattr(modelopt, kind)((n, k), torch.bfloat16, codes).dequantize(dtype=torch.bfloat16, scale=scale, block_sizes={-1: 32})
    show({"x.weight": from_torch(codes), "x.weight_scale": from_torch(scale)}, {"x.weight": as_bf16(plain.reshape(n, k))}, MODELOPT)


@pytest.mark.parametrize(("shape", "blocks"), [((), None), ((256, 1), None), ((2, 3), {-2: 128, -1: 128})], ids=["tensor", "rows", "blocks"])
def test_modelopt_fp8(shape, blocks, modelopt, show):
    """In float32, because ModelOpt rounds the scales to the output type and mxfs does not."""
    codes = random_bytes(256, 384).view(torch.float8_e4m3fn)
    scale = torch.rand(shape, generator=torch.Generator().manual_seed(3)) * 0.01
    plain = modelopt.FP8QTensor(codes.shape, torch.float32, codes).dequantize(dtype=torch.float32, scale=scale, block_sizes=blocks)
    plain = torch.where(plain.isnan(), torch.tensor(float("nan")), plain)
    show({"x.weight": from_torch(codes), "x.weight_scale": from_torch(scale)}, {"x.weight": from_torch(plain)}, MODELOPT, "--dtype=f32")


def test_modelopt_int4(show):
    """W4A16_AWQ: two rows per byte, packed by ModelOpt."""
    export = pytest.importorskip("modelopt.torch.export.quant_utils")
    codes = torch.randint(-8, 8, (38, 256), generator=torch.Generator().manual_seed(4)).float()
    scale = torch.rand(38, 2, generator=torch.Generator().manual_seed(5)) * 0.02 + 0.001
    spread = scale.repeat_interleave(128, 1)
    packed = export.pack_int4_in_uint8(codes * spread, scale, 128)
    config = {"quantization_config": {"quant_method": "modelopt", "quant_algo": "W4A16_AWQ"}}
    show({"x.weight": from_torch(packed), "x.weight_scale": from_torch(scale)}, {"x.weight": as_bf16(codes * spread)}, config)


def test_awq(show):
    """Dequantized by AutoRound's copy of AutoAWQ's function."""
    awq = pytest.importorskip("auto_round.export.export_to_awq.utils")
    model = FloatModel({"quantization_config": {"quant_method": "awq", "bits": 4, "group_size": 32, "version": "gemm"}})
    ref_int.add_awq(model, "x", 1, 48, 96, 32)
    qweight, qzeros, scales = (to_torch(model.source[f"x.{part}"]) for part in ("qweight", "qzeros", "scales"))
    plain = awq.dequantize_gemm(qweight, qzeros, scales, 4, 32).T
    show(model.source, {"x.weight": as_bf16(plain)}, model.config)


@pytest.mark.parametrize("order", [None, "reordered"])
@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("bits", [2, 4, 8])
def test_gptq(bits, version, order, show, monkeypatch):
    """Dequantized by AutoRound's layers: the weights that they would multiply by."""
    name = "qlinear_torch_zp" if version == 1 else "qlinear_torch"
    layers = pytest.importorskip(f"auto_round_extension.torch.{name}")
    more = {"checkpoint_format": "gptq_v2"} if version == 2 else {}
    model = FloatModel({"quantization_config": {"quant_method": "gptq", "bits": bits, "group_size": 32, **more}})
    ref_int.add_gptq(model, "x", 1, 64, 96, 32, bits, version, order=order)
    layer = layers.QuantLinear(bits, 32, 96, 64, False, g_idx=order is not None)
    layer.load_state_dict({name.removeprefix("x."): to_torch(t) for name, t in model.source.items()})
    monkeypatch.setattr(torch, "matmul", lambda x, weights: weights)  # a product with the identity would lose -0, because -0 + 0 is 0
    plain = layer(torch.zeros(96, 96, dtype=torch.float16)).T
    show(model.source, {"x.weight": as_bf16(plain)}, model.config)
