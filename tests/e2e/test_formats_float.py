# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""FP8 and NVFP4 with scales, in every layout that people download, bit for bit."""

import hashlib
import json
import pathlib

import numpy as np
import pytest

import ref_float as ref
import reftensor as rt
from helpers import DTYPES, KERNELS, assert_any_range, assert_file, assert_refused, assert_same, assert_shows

VECTORS = pathlib.Path(__file__).resolve().parents[1] / "data" / "vectors"
COMPRESSED = {"quantization_config": {"quant_method": "compressed-tensors", "format": "float-quantized"}}
FP8 = {"quantization_config": {"quant_method": "fp8"}}


class TestFp8:
    @pytest.mark.parametrize("dtype", DTYPES)
    def test_layouts(self, dtype, mount, place):
        assert_shows(mount, place, ref.fp8_layouts(), dtype)

    @pytest.mark.parametrize("dtype", DTYPES)
    @pytest.mark.parametrize("kernel", KERNELS)
    def test_every_code_and_scale(self, kernel, dtype, mount, place):
        assert_shows(mount, place, ref.fp8_every_code(), dtype, kernel)

    @pytest.mark.parametrize("dtype", DTYPES)
    @pytest.mark.parametrize("config", [None, COMPRESSED], ids=["no-config", "compressed-tensors"])
    def test_two_roundings(self, config, dtype, mount, place):
        """compressed-tensors multiplies in the type of the scales."""
        model = ref.fp8_every_code(True, config)
        assert_shows(mount, place, model, dtype)

    def test_one_rounding(self, mount, place):
        """Other methods multiply in float32, whatever the type of their scales."""
        model = ref.FloatModel(FP8)
        scale = ref.every_class("F16")
        codes = ref.fp8_codes(1, *(len(ref.CLASSES["F16"]), 300))
        ref.add_fp8(model, "x", codes, scale, ref.floats(scale), "weight_scale")
        assert_file(mount(model.write(place / "m.safetensors")).file, model.expected_bytes())

    @pytest.mark.parametrize(
        ("config", "shape", "block"),
        [
            ({"quantization_config": {"quant_method": "fp8", "weight_block_size": [96, 48]}}, (192, 96), (96, 48)),
            ({"text_config": {"quantization_config": {"quant_method": "fp8", "weight_block_size": [64, 96]}}}, (100, 200), (64, 96)),
            ({"quantization_config": {"quant_method": "compressed-tensors", "config_groups": {"g": {"weights": {"block_structure": [96, 48]}}}}}, (192, 96), (96, 48)),
            ({"quantization_config": {"quant_method": "compressed-tensors", "config_groups": {"g": {"weights": {"group_size": 96}}}}}, (5, 192), (1, 96)),
            ({"quantization_config": {"quant_method": "fp8", "weight_block_size": [32, 32]}}, (64, 1024), (1, 32)),
            ({"quantization_config": {"quant_method": "mxfp8", "weight_block_size": [1, 32]}}, (64, 1024), (1, 32)),
            ({"quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]}}, (64, 1024), (32, 64)),
            ({"quantization_config": {"quant_method": "fp8", "weight_block_size": None}}, (64, 1024), (128, 128)),
            ({"quantization_config": {"quant_method": "fp8", "weight_block_size": [0, "x"]}}, (576, 300), (128, 128)),
            ({"quantization_config": {"quant_method": "fp8"}}, (300, 30), (50, 10)),
        ],
        ids=str,
    )  # fmt: skip
    def test_block_size(self, config, shape, block, mount, place):
        """The block size is the config's if that fits, else the only power of two that fits, else the ratio."""
        model = ref.FloatModel(config)
        ref.add_blocks(model, "x", 1, shape, block)
        assert_file(mount(model.write(place / "m.safetensors")).file, model.expected_bytes())

    def test_unscaled(self, mount, place):
        """FP8 without scales passes through, with one notice."""
        tensors = {f"layers.{i}.weight": ref.fp8_codes(i, 4, 8) for i in range(3)}
        source = place / "m.safetensors"
        rt.save(source, tensors, {"format": "pt"})
        made = mount(source)
        assert_file(made.file, source.read_bytes())
        (said,) = [line for line in made.stderr.splitlines() if "FP8" in line]
        assert "layers.0.weight" in said and "3" in said

    def test_any_range(self, mount, place):
        model = ref.fp8_layouts()
        assert_any_range(assert_shows(mount, place, model), model, 7)


class TestNvfp4:
    @pytest.mark.parametrize("dtype", DTYPES)
    @pytest.mark.parametrize("kernel", KERNELS)
    def test_layouts(self, kernel, dtype, mount, place):
        assert_shows(mount, place, ref.nvfp4_layouts(), dtype, kernel)

    @pytest.mark.parametrize("dtype", DTYPES)
    def test_scalar_divisor(self, dtype, mount, place):
        model = ref.nvfp4_scalar_global()
        assert_shows(mount, place, model, dtype)

    def test_golden(self):
        """Checks the oracle with known values: codes 0..7 with block scale 1.25."""
        codes = np.array([[0x10, 0x32, 0x54, 0x76, 0, 0, 0, 0]], np.uint8)
        want = np.array([0x0000, 0x3BFC, 0x3C7C, 0x3CBD, 0x3CFC, 0x3D3D, 0x3D7C, 0x3DBD], np.uint16)
        block = ref.floats(rt.raw("F8_E4M3", (1, 1), bytes([0x3A])))
        for bits, divides in ((0x3C4985F0, False), (0x42A2999A, True)):
            values = ref.nvfp4_values(codes, block, np.array([bits], np.uint32).view(np.float32), divides)
            assert_same(ref.rounded(values[:, :8], "BF16").data, want.tobytes())

    def test_config_tells_from_comfy(self, mount, place):
        """With a config.json, shapes that need no padding are ModelOpt's."""
        model = ref.FloatModel({"quantization_config": {"quant_method": "modelopt", "quant_algo": "NVFP4"}})
        ref.add_nvfp4(model, "x", 1, (128, 64), np.float32(0.5))
        assert_file(mount(model.write(place / "m.safetensors")).file, model.expected_bytes())

    def test_any_range(self, mount, place):
        model = ref.nvfp4_layouts()
        assert_any_range(assert_shows(mount, place, model), model, 8, within="rows.experts.down_proj")


class TestVectors:
    """Files written by other software (tests/data/vectors/README.md says which)."""

    @pytest.mark.parametrize("name", ["ct_fp8_dynamic", "ct_mxfp8", "ct_nvfp4", "modelopt_nvfp4"])
    def test_model(self, name, mount):
        made = mount(VECTORS / name / "src" / "model.safetensors")
        assert_file(made.file, (VECTORS / name / "want" / "model.safetensors").read_bytes())

    def test_deepseek(self, mount):
        """Blocks with ragged edges, compared with a digest of each tensor."""
        made = mount(VECTORS / "deepseek_fp8" / "src" / "model.safetensors")
        tensors, metadata = rt.read(made.file.read_bytes())
        assert metadata == {"format": "pt"}
        want = json.loads((VECTORS / "deepseek_fp8" / "want.json").read_text())
        assert {n: {"dtype": t.dtype, "shape": list(t.shape), "sha256": hashlib.sha256(t.data).hexdigest()} for n, t in tensors.items()} == want


E4M3 = ref.fp8_codes
ONE = lambda *shape: rt.tensor(np.ones(shape, np.float32))
U8 = lambda *shape: rt.raw("U8", shape, bytes(int(np.prod(shape))))
EXP = lambda *shape: rt.raw("F8_E8M0", shape, bytes(int(np.prod(shape))))
FP8_SCALE = lambda *shape: ref.scales(1, "F8_E4M3", *shape)
TRANSFORM = {"quantization_config": {"quant_method": "compressed-tensors", "transform_config": {"config_groups": {"u": {"type": "hadamard"}}}}}

# name -> (tensors, config, words in the error)
REFUSED = {
    "fp8-block": ({"x.weight": E4M3(1, 200, 100), "x.weight_scale_inv": ONE(7, 3)}, None, ["x.weight"]),
    "fp8-scales-of-columns": ({"x.weight": E4M3(1, 20, 10), "x.weight_scale": ONE(10)}, None, ["x.weight"]),
    "fp8-more-scales-than-rows": ({"x.weight": E4M3(1, 20, 10), "x.weight_scale": ONE(40, 1)}, None, ["x.weight"]),
    "fp8-no-scales": ({"x.weight": E4M3(1, 20, 10), "x.weight_scale": ONE(0, 1)}, None, ["x.weight"]),
    "fp8-rank": ({"x.weight": E4M3(1, 20, 10), "x.weight_scale": ONE(2, 20, 1)}, None, ["x.weight"]),
    "fp8-experts": ({"x.weight": E4M3(1, 2, 20, 10), "x.weight_scale": ONE(3, 20, 1)}, None, ["x.weight"]),
    "fp8-experts-square": ({"x.weight": E4M3(1, 2, 20, 20), "x.weight_scale": ONE(2, 20)}, None, ["x.weight", "axis"]),
    "fp8-scale-type": ({"x.weight": E4M3(1, 20, 10), "x.weight_scale": rt.tensor(np.ones((20, 1), np.float64))}, None, ["x.weight"]),
    "fp8-scale-fp8": ({"x.weight": E4M3(1, 20, 16), "x.weight_scale": FP8_SCALE(20, 1)}, None, ["x.weight"]),
    "fp8-two-scales": ({"x.weight": E4M3(1, 20, 10), "x.weight_scale": ONE(1), "x.weight_scale_inv": ONE(1)}, None, ["x.weight"]),
    "fp8-zero-point": ({"x.weight": E4M3(1, 20, 10), "x.weight_scale": ONE(1), "x.weight_zero_point": ONE(1)}, None, ["x.weight"]),
    "fp8-g-idx": ({"x.weight": E4M3(1, 2, 64), "x.weight_scale": ONE(2, 2), "x.weight_g_idx": rt.tensor(np.zeros(64, np.int32))}, None, ["x.weight"]),
    "fp8-smooth": ({"x.weight": E4M3(1, 20, 10), "x.weight_scale": ONE(1), "x.pre_quant_scale": ONE(20)}, None, ["x.weight"]),
    "fp8-rotated": ({"x.weight": E4M3(1, 20, 10), "x.weight_scale": ONE(1)}, TRANSFORM, ["x.weight", "transform_config"]),
    "fp8-svd": ({"x.weight": E4M3(1, 8, 16), "x.weight_scale": ONE(1), "x.svdquant_lora_a": ONE(2, 16), "x.svdquant_lora_b": ONE(8, 2)}, None, ["x.weight"]),
    "fp8-rank-9": ({"x.weight": E4M3(1, *(1,) * 9), "x.weight_scale": ONE(1)}, None, ["x.weight"]),
    "fp8-fnuz": ({"x.weight": rt.raw("F8_E4M3FNUZ", (4, 8), bytes(32)), "x.weight_scale": ONE(1)}, None, ["x.weight"]),
    "fp8-fnuz-block": ({"x.weight": rt.raw("F8_E5M2FNUZ", (4, 8), bytes(32)), "x.weight_scale_inv": ONE(1, 1)}, None, ["x.weight"]),
    "fp8-comfy-marked": ({"x.weight": E4M3(1, 8, 16), "x.weight_scale": ONE(), "x.comfy_quant": U8(20)}, None, ["x.weight"]),
    "mxfp8-comfy-padded": ({"x.weight": E4M3(1, 100, 96), "x.weight_scale": U8(128, 4)}, None, ["x.weight"]),
    "mxfp8-comfy-unmarked": ({"x.weight": E4M3(1, 128, 128), "x.weight_scale": EXP(128, 4)}, None, ["x.weight", "swizzled"]),
    "nvfp4-no-global": ({"x.weight_packed": U8(4, 32), "x.weight_scale": FP8_SCALE(4, 4)}, None, ["x.weight_packed"]),
    "nvfp4-no-scale-2": ({"x.weight": U8(4, 32), "x.weight_scale": FP8_SCALE(4, 4)}, None, ["x.weight"]),
    "nvfp4-no-scales": ({"x.weight_packed": U8(4, 32), "x.weight_global_scale": ONE(1)}, None, ["x.weight_packed"]),
    "nvfp4-global-type": (
        {"x.weight_packed": U8(4, 32), "x.weight_scale": FP8_SCALE(4, 4), "x.weight_global_scale": rt.tensor(np.ones(1, np.float16))}, None, ["x.weight_packed"],
    ),
    "nvfp4-global-shape": ({"x.weight_packed": U8(4, 32), "x.weight_scale": FP8_SCALE(4, 4), "x.weight_global_scale": ONE(4)}, None, ["x.weight_packed"]),
    "nvfp4-ratio": ({"x.weight_packed": U8(4, 32), "x.weight_scale": FP8_SCALE(4, 2), "x.weight_global_scale": ONE(1)}, None, ["x.weight_packed"]),
    "nvfp4-columns": ({"x.weight_packed": U8(4, 30), "x.weight_scale": FP8_SCALE(4, 4), "x.weight_global_scale": ONE(1)}, None, ["x.weight_packed"]),
    "nvfp4-rows": ({"x.weight": U8(4, 32), "x.weight_scale": FP8_SCALE(5, 4), "x.weight_scale_2": ONE()}, None, ["x.weight"]),
    "nvfp4-experts": ({"x.weight": U8(2, 4, 32), "x.weight_scale": FP8_SCALE(2, 4, 4), "x.weight_scale_2": ONE(4)}, None, ["x.weight"]),
    "nvfp4-fused-shape": ({"p": U8(2, 32, 4), "p_weight_scale": FP8_SCALE(2, 8, 4), "p_weight_scale_2": ONE()}, None, ["p"]),
    "nvfp4-fused-smooth": (
        {"p": U8(2, 32, 4), "p_weight_scale": FP8_SCALE(2, 4, 4), "p_weight_scale_2": ONE(), "p_pre_quant_scale": ONE(64)}, None, ["p"],
    ),
    "nvfp4-smooth": (
        {"x.weight": U8(4, 32), "x.weight_scale": FP8_SCALE(4, 4), "x.weight_scale_2": ONE(), "x.pre_quant_scale": ONE(32)}, None, ["x.weight"],
    ),
    "nvfp4-rotated": ({"x.weight_packed": U8(4, 32), "x.weight_scale": FP8_SCALE(4, 4), "x.weight_global_scale": ONE(1)}, TRANSFORM, ["x.weight_packed"]),
    "nvfp4-zero-point": (
        {"x.weight_packed": U8(4, 32), "x.weight_scale": FP8_SCALE(4, 4), "x.weight_global_scale": ONE(1), "x.weight_zero_point": U8(4, 4)}, None, ["x.weight_packed"],
    ),
    "nvfp4-svd": (
        {"x.weight": U8(8, 32), "x.weight_scale": FP8_SCALE(8, 4), "x.weight_scale_2": ONE(), "x.svdquant_lora_a": ONE(2, 64)}, None, ["x.weight", "svd"],
    ),
    "nvfp4-e5m3-scales": ({"x.weight_packed": U8(4, 32), "x.weight_scale": U8(4, 4), "x.weight_global_scale": ONE(1)}, None, ["x.weight_packed"]),
    "nvfp4-e5m2-scales": (
        {"x.weight_packed": U8(4, 32), "x.weight_scale": rt.raw("F8_E5M2", (4, 4), bytes(16)), "x.weight_global_scale": ONE(1)}, None, ["x.weight_packed"],
    ),
    "nvfp4-comfy-padded": ({"x.weight": U8(100, 48), "x.weight_scale": FP8_SCALE(128, 8), "x.weight_scale_2": ONE()}, None, ["x.weight"]),
    "nvfp4-comfy-unmarked": ({"x.weight": U8(128, 32), "x.weight_scale": FP8_SCALE(128, 4), "x.weight_scale_2": ONE()}, None, ["x.weight", "swizzled"]),
    "nvfp4-comfy-marked": (
        {"x.weight": U8(100, 32), "x.weight_scale": FP8_SCALE(100, 4), "x.weight_scale_2": ONE(), "x.comfy_quant": U8(20)}, {}, ["x.weight", "ComfyUI"],
    ),
    "fp8-scale-alone": ({"x.weight_scale_inv": ONE(2, 2)}, None, ["x.weight_scale_inv"]),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case, run, place):
    tensors, config, words = REFUSED[case]
    assert_refused(run, place, tensors, config, *words)


def test_config_tells_from_comfy(mount, place):
    """With a config.json, the same shapes are not ComfyUI's."""
    model = ref.FloatModel({"quantization_config": {"quant_method": "compressed-tensors", "format": "mxfp8-quantized"}})
    ref.add_blocks(model, "x", 1, (128, 128), (1, 32), "U8", scale_name="weight_scale")
    assert_file(mount(model.write(place / "m.safetensors")).file, model.expected_bytes())
