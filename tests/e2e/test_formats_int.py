# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""Integer formats in every layout that people download, bit for bit."""

import json
import pathlib

import numpy as np
import pytest

import ref_int as ref
import reftensor as rt
from helpers import DTYPES, KERNELS, assert_any_range, assert_file, assert_no_mount, assert_refused, assert_same, assert_shows
from ref_float import FloatModel

VECTORS = pathlib.Path(__file__).resolve().parents[1] / "data" / "vectors"

LAYOUTS = {
    "packed": ref.packed_layouts, "int8": ref.int8_layouts, "gptq": ref.gptq_layouts, "awq": ref.awq_layouts, "pairs": ref.pairs_layouts,
    "mxfp6": ref.mxfp6_layouts, "mlx": ref.mlx_float_layouts,
}  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts(name, kernel, dtype, mount, place):
    assert_shows(mount, place, LAYOUTS[name](), dtype, kernel)


@pytest.mark.parametrize("name", LAYOUTS)
def test_any_range(name, mount, place):
    model = LAYOUTS[name]()
    assert_any_range(assert_shows(mount, place, model), model, 1)


class TestPacked:
    @pytest.mark.parametrize(("widths", "gaps"), [((7,), False), (ref.WIDTHS, True), ((7,), True)])
    def test_other_packings(self, widths, gaps, mount, place):
        """Older writers left gaps in words if the number of bits does not divide 32."""
        assert_shows(mount, place, ref.packed_layouts(widths, gaps))

    @pytest.mark.parametrize("bits", [1, 2, 3, 4, 5, 6, 8])
    def test_bits_from_the_width(self, bits, mount, place):
        """No config is needed, except for 7 bits: their older packing is as wide as 8 bits."""
        model = FloatModel()
        ref.add_packed(model, "x", 1, (5, 256), bits, 64)
        assert_shows(mount, place, model)

    def test_ragged_rows(self, mount, place):
        """Rows of every length, most of them not whole words, with one scale per row."""
        model = FloatModel(ref.ct_config(4))
        for k in range(1, 70):
            ref.add_packed(model, f"layers.{k}", k, (3, k), 4, None, zeros=k % 3 == 0)
        assert_any_range(assert_shows(mount, place, model), model, 2)

    @pytest.mark.parametrize("bits", [3, 5, 6, 7])
    def test_packing_that_nothing_tells(self, bits, run, place):
        """Both packings take two words per row, with different codes in them."""
        model = FloatModel(ref.ct_config(bits))
        ref.add_packed(model, "x", 1, (3, 32 // bits + 1), bits, None)
        (place / "mnt").mkdir()
        assert_no_mount(run(model.write(place / "m.safetensors"), place / "mnt"), place / "mnt", 4, "x.weight_packed")

    def test_empty(self, mount, place):
        model = FloatModel(ref.ct_config(4))
        ref.add_packed(model, "x", 1, (0, 64), 4, None)
        ref.add_packed(model, "y", 1, (3, 64), 4, None)
        assert_shows(mount, place, model)

    def test_unused_g_idx(self, mount, place):
        """A g_idx with -1 anywhere means that columns are in their natural order."""
        model = FloatModel(ref.ct_config(4))
        ref.add_packed(model, "x", 1, (5, 256), 4, 64)
        name = "x.weight_g_idx"
        model.source[name] = rt.tensor(np.full(256, -1, np.int32))
        model.parts["x.weight"].append(name)
        assert_shows(mount, place, model)

    @pytest.mark.parametrize("bits", range(1, 9))
    def test_group_size_of_the_config(self, bits, mount, place):
        """Among very many matrices of one shape, the weight_shape of the last is not read."""
        model = FloatModel(ref.ct_config(bits, group_size=32))
        for i in range(0, 1200, 2):
            ref.add_packed(model, f"x.{i:04}", i, (3, 5, 320) if i > 1100 else (1, 1, 32), bits, 32, zeros=True)
        model.source["x.1198.weight_shape"] = rt.tensor(np.array([3, 5, 99], np.int32))
        assert_shows(mount, place, model)

    @pytest.mark.parametrize("kind", [np.int32, np.int64])
    @pytest.mark.parametrize("shape", [(5, 255), (5, 249), (5, 264), (5, 0), (4, 256), (5, -256)])
    def test_shape_that_contradicts(self, shape, kind, run, place):
        """The shape comes from config.json, scales and codes together, even if another would fill the same words."""
        model = FloatModel(ref.ct_config(4, group_size=32))
        ref.add_packed(model, "x", 1, (5, 256), 4, 32)
        model.source["x.weight_shape"] = rt.tensor(np.array(shape, kind))
        assert_refused(run, place, model.source, model.config, "x.weight_packed", "shape", "1, first")

    @pytest.mark.parametrize("group", [16, 64, 128])
    def test_group_size_that_is_another(self, group, mount, place):
        """weight_shape reveals tensors of another layer."""
        model = FloatModel(ref.ct_config(4, group_size=group))
        ref.add_packed(model, "x", 1, (5, 256), 4, 32)
        assert_shows(mount, place, model)

    def test_vector(self, mount):
        """compressed-tensors 0.20, W4A16_ASYM."""
        made = mount(VECTORS / "ct_w4a16_asym" / "src" / "model.safetensors")
        assert_file(made.file, (VECTORS / "ct_w4a16_asym" / "want" / "model.safetensors").read_bytes())


class TestInt8:
    @pytest.mark.parametrize("dtype", DTYPES)
    def test_modelopt(self, dtype, mount, place):
        assert_shows(mount, place, ref.modelopt_int8(), dtype)


class TestGptq:
    def test_version_2(self, mount, place):
        """Zero points are stored as they are."""
        assert_shows(mount, place, ref.gptq_layouts(2))

    def test_float16_model(self, mount, place):
        """Without --dtype the output has the type in the config."""
        model = ref.gptq_layouts()
        model.config["torch_dtype"] = "float16"
        assert_file(mount(model.write(place / "m.safetensors")).file, model.expected_bytes("F16"))

    @pytest.mark.parametrize("name", ["quantize_config.json", "config.json"])
    def test_configs(self, name, mount, place):
        """Older models have the quantization config in a separate file."""
        model = ref.gptq_layouts(2)
        config = model.config["quantization_config"] if name == "quantize_config.json" else model.config
        model.config = None
        source = model.write(place / "m.safetensors")
        (place / name).write_text(json.dumps(config))
        assert_file(mount(source).file, model.expected_bytes())

    def test_autoround(self, mount, place):
        model = ref.gptq_layouts()
        model.config = {"quantization_config": {"quant_method": "auto-round", "packing_format": "auto_round:auto_gptq", "data_type": "int"}}
        assert_shows(mount, place, model)

    def test_many_units(self, mount, place):
        """A matrix of several units, in a small cache."""
        model = FloatModel(ref.gptq_config())
        ref.add_gptq(model, "x", 1, 4100 // 8 * 8, 2048, 128, order="reordered")
        made = mount(model.write(place / "m.safetensors"), "--cache-size=8M", "--threads=2")
        assert_file(made.file, model.expected_bytes())
        assert_any_range(made, model, 5)


class TestAwq:
    @pytest.mark.parametrize("add", [ref.add_gptq, ref.add_awq])
    def test_few_long_rows(self, add, run, place):
        """Rows longer than what is read of them at once, in units of two megabytes."""
        model = FloatModel(ref.gptq_config() if add is ref.add_gptq else ref.awq_layouts().config)
        add(model, "x", 1, 40_000, 128, 128)
        run("export", "--cache-size=256M", model.write(place / "m" / "m.safetensors"), place / "out")
        assert_same((place / "out").read_bytes(), model.expected_bytes())

    @pytest.mark.parametrize("config", [None, {"quantization_config": {"quant_method": "auto-round", "packing_format": "auto_round:auto_awq"}}])
    def test_configs(self, config, mount, place):
        model = ref.awq_layouts()
        model.config = config
        assert_shows(mount, place, model)

    def test_older_config(self, mount, place):
        model = ref.awq_layouts()
        model.config = None
        source = model.write(place / "m.safetensors")
        (place / "quant_config.json").write_text(json.dumps({"zero_point": True, "q_group_size": 128, "w_bit": 4, "version": "GEMM"}))
        assert_file(mount(source).file, model.expected_bytes())

    def test_golden(self):
        """Word 0x76543210 holds the columns 0 4 1 5 2 6 3 7: checks the oracle with known answers."""
        model = FloatModel()
        ref.add_awq(model, "x", 1, 8, 1, 1)
        (word,) = model.source["x.qweight"].array().view(np.uint32).reshape(-1)
        columns = [int(word) >> (4 * p) & 15 for p in (0, 4, 1, 5, 2, 6, 3, 7)]
        assert columns == np.random.default_rng(1).integers(0, 16, (8, 1)).reshape(-1).tolist()


class TestMlx:
    @pytest.mark.parametrize(("bits", "group"), ref.MLX_WIDTHS)
    def test_affine(self, bits, group, mount, place):
        assert_shows(mount, place, ref.mlx_layouts(bits, group))

    @pytest.mark.parametrize("dtype", DTYPES)
    @pytest.mark.parametrize("kernel", KERNELS)
    @pytest.mark.parametrize("bits", [4, 5, 8])
    def test_kernels(self, bits, kernel, dtype, mount, place):
        assert_shows(mount, place, ref.mlx_layouts(bits, 64), dtype, kernel)

    def test_widths_of_layers(self, mount, place):
        """Some layers have their own widths."""
        model = FloatModel(ref.mlx_config(4, 64, **{"model.lm_head": {"group_size": 64, "bits": 8}, "model.norm": False}))
        ref.add_mlx(model, "model.up_proj", 1, (9, 256), 4, 64)
        ref.add_mlx(model, "model.lm_head", 2, (9, 256), 8, 64)
        assert_shows(mount, place, model)


def mlx(**changed):
    parts = {"weight": u32(4, 32), "scales": ones("BF16", 4, 4), "biases": ones("BF16", 4, 4), **changed}
    return {"x." + k: t for k, t in parts.items() if t is not None}


def i32(*shape):
    return rt.tensor(np.zeros(shape, np.int32))


def ones(dtype, *shape):
    return rt.tensor(np.ones(shape, ref.NUMPY[dtype]))


def packed(**changed):
    """A valid 4-bit group with some parts changed or (None) left out."""
    parts = {
        "packed": i32(4, 8), "scale": ones("BF16", 4, 2), "shape": rt.tensor(np.array([4, 64], np.int64)), **changed,
    }  # fmt: skip
    return {"x.weight_" + k: t for k, t in parts.items() if t is not None}


u32 = lambda *shape: rt.tensor(np.zeros(shape, np.uint32))
u8 = lambda *shape: rt.tensor(np.zeros(shape, np.uint8))
int8 = lambda *shape: rt.tensor(np.zeros(shape, np.int8))

GPTQ = ref.gptq_config()


def gptq(**changed):
    parts = {"qweight": i32(8, 32), "qzeros": i32(2, 4), "scales": ones("F16", 2, 32), **changed}
    return {"x." + k: t for k, t in parts.items() if t is not None}


def awq(**changed):
    parts = {"qweight": i32(64, 4), "qzeros": i32(2, 4), "scales": ones("F16", 2, 32), **changed}
    return {"x." + k: t for k, t in parts.items() if t is not None}


# Transforms of compressed-tensors: the weights must be rotated back with another matrix.
ROTATED = {**ref.CT, "transform_config": {"config_groups": {"u": {"type": "hadamard"}}}}

# name -> (tensors, config)
REFUSED = {
    "packed-without-scales": (packed(scale=None), None),
    "packed-without-shape": (packed(shape=None), None),
    "packed-shape-rows": (packed(shape=rt.tensor(np.array([5, 64], np.int64))), None),
    "packed-shape-columns": (packed(shape=rt.tensor(np.array([4, 100], np.int64))), None),
    "packed-shape-negative": (packed(shape=rt.tensor(np.array([4, -64], np.int64))), None),
    "packed-shape-huge": (packed(shape=rt.tensor(np.array([4, 1 << 62], np.int64))), None),
    "packed-shape-rank": (packed(shape=rt.tensor(np.array([64], np.int64))), None),
    "packed-shape-dtype": (packed(shape=ones("F32", 2)), None),
    "packed-scale-rows": (packed(scale=ones("BF16", 3, 2)), None),
    "packed-scale-groups": (packed(scale=ones("BF16", 4, 3)), None),
    "packed-scale-dtype": (packed(scale=int8(4, 2)), None),
    "packed-without-zeros": (packed(), ref.ct_config(4, symmetric=False)),
    "int8-without-zeros": ({"x.weight": int8(4, 6), "x.weight_scale": ones("F32", 4, 1)}, ref.ct_config(8, symmetric=False)),
    "packed-zero-rows": (packed(zero_point=i32(2, 2)), None),
    "packed-zero-groups": (packed(zero_point=i32(1, 3)), None),
    "packed-zero-dtype": (packed(zero_point=ones("F32", 1, 2)), None),
    "packed-g-idx-length": (packed(g_idx=i32(63)), None),
    "packed-g-idx-range": (packed(g_idx=rt.tensor(np.full(64, 2, np.int32))), None),
    "packed-g-idx-uneven": (packed(g_idx=i32(64)), None),
    "packed-global-scale": (packed(global_scale=ones("F32", 1)), None),
    "packed-bits": (packed(), ref.ct_config(8)),
    "packed-rotated": (packed(), {"quantization_config": ROTATED}),
    "int8-rotated": ({"x.weight": int8(4, 6), "x.weight_scale": ones("F32", 4, 1)}, {"quantization_config": ROTATED}),
    "pairs-rotated": ({"x.weight": u8(4, 64), "x.weight_scale": ones("F32", 8, 2)}, {"quantization_config": ROTATED}),
    "mxfp6-rotated": ({"x.weight_packed": u8(4, 48), "x.weight_scale": u8(4, 2)}, {"quantization_config": {**ROTATED, "format": "mxfp6-pack-quantized"}}),
    "int8-svd": ({"x.weight": int8(4, 6), "x.weight_scale": ones("F32", 4, 1), "x.svdquant_lora_a": ones("F32", 2, 6)}, None),
    "sparse-24": ({**packed(), "x.meta": rt.tensor(np.zeros((4, 4), np.int16))}, None),
    "int8-rows": ({"x.weight": int8(4, 6), "x.weight_scale": ones("F32", 3, 1)}, None),
    "int8-groups": ({"x.weight": int8(4, 6), "x.weight_scale": ones("F32", 4, 4)}, None),
    "int8-rank": ({"x.weight": int8(4, 6), "x.weight_scale": ones("F32", 1, 4, 1)}, None),
    "int8-scale-dtype": ({"x.weight": int8(4, 6), "x.weight_scale": int8(4, 1)}, None),
    "int8-zero-dtype": ({"x.weight": int8(4, 6), "x.weight_scale": ones("F32", 4, 1), "x.weight_zero_point": ones("F32", 4, 1)}, None),
    "int8-columns": ({"x.weight": int8(4, 6), "x.weight_scale": ones("F32", 4), "x.pre_quant_scale": ones("F32", 5)}, None),
    "pairs-rows": ({"x.weight": u8(4, 64), "x.weight_scale": ones("F32", 4, 2)}, None),
    "pairs-groups": ({"x.weight": u8(4, 64), "x.weight_scale": ones("F32", 8, 3)}, None),
    "pairs-columns": ({"x.weight": u8(4, 64), "x.weight_scale": ones("F32", 8, 2), "x.pre_quant_scale": ones("F32", 63)}, None),
    "bitnet": ({"x.weight": u8(4, 64), "x.weight_scale": ones("BF16", 1)}, {"quantization_config": {"quant_method": "bitnet"}}),
    "mxfp6-no-config": ({"x.weight_packed": u8(4, 48), "x.weight_scale": u8(4, 2)}, None),
    "mxfp6-autoround": ({"x.weight_packed": u8(4, 48), "x.weight_scale": u8(4, 2)}, {"quantization_config": {"quant_method": "auto-round", "data_type": "mx_fp"}}),
    "mxfp6-zero": ({"x.weight_packed": u8(4, 48), "x.weight_scale": u8(4, 2), "x.weight_zero_point": u8(4, 2)}, ref.MXFP6_CONFIG),
    "mxfp6-dimensions": ({"x.weight_packed": u8(*[1] * 12, 48), "x.weight_scale": u8(*[1] * 12, 2)}, ref.MXFP6_CONFIG),
    "mxfp6-groups": ({"x.weight_packed": u8(4, 48), "x.weight_scale": u8(4, 1)}, ref.MXFP6_CONFIG),
    "mlx-no-config": (mlx(), None),
    "mlx-other-width": (mlx(), ref.mlx_config(4, 32)),
    "mlx-two-widths": (mlx(), ref.mlx_config(4, 64, x={"bits": 8, "group_size": 32})),
    "mlx-no-biases": (mlx(biases=None), ref.mlx_config(4, 64)),
    "mlx-biases": (mlx(biases=ones("BF16", 4, 3)), ref.mlx_config(4, 64)),
    "mlx-types": (mlx(biases=ones("F16", 4, 4)), ref.mlx_config(4, 64)),
    "mlx-rows": (mlx(scales=ones("BF16", 3, 4)), ref.mlx_config(4, 64)),
    "mlx-float-width": (mlx(scales=u8(4, 2), biases=None), ref.mlx_config(4, 64, "mxfp4")),
    "mlx-global-scale": (mlx(scales=u8(4, 16), biases=None, global_scale=ones("F32", 1)), ref.mlx_config(4, 16, "nvfp4")),
    "gptq-no-config": (gptq(), None),
    "gptq-3-bits": (gptq(qweight=i32(6, 32), qzeros=i32(2, 3)), GPTQ),
    "gptq-5-bits": (gptq(qweight=i32(10, 32), qzeros=i32(2, 5)), GPTQ),
    "gptq-marlin": (gptq(), ref.gptq_config(checkpoint_format="marlin")),
    "gptq-bitblas": (gptq(), ref.gptq_config(checkpoint_format="bitblas")),
    "gptq-groups": (gptq(qzeros=i32(3, 4)), GPTQ),
    "gptq-columns": (gptq(scales=ones("F16", 2, 31)), GPTQ),
    "gptq-uneven": (gptq(qzeros=i32(3, 4), scales=ones("F16", 3, 32)), GPTQ),
    "gptq-g-idx-length": (gptq(g_idx=i32(63)), GPTQ),
    "gptq-g-idx-range": (gptq(g_idx=rt.tensor(np.full(64, 2, np.int32))), GPTQ),
    "gptq-g-idx-negative": (gptq(g_idx=rt.tensor(np.full(64, -1, np.int32))), GPTQ),
    "gptq-scale-dtype": (gptq(scales=i32(2, 32)), GPTQ),
    "gptq-no-zeros": (gptq(qzeros=None), GPTQ),
    "gptq-no-scales": (gptq(scales=None), GPTQ),
    "gptq-octets": (gptq(qweight=int8(8, 32)), GPTQ),
    "autoround-packing": (gptq(), {"quantization_config": {"quant_method": "auto-round", "packing_format": "auto_round"}}),
    "awq-gemv": (awq(), {"quantization_config": {"quant_method": "awq", "version": "gemv"}}),
    "awq-gemv-shapes": (
        {"x.qweight": i32(32, 8), "x.qzeros": i32(32, 1), "x.scales": ones("F16", 32, 8)},
        {"quantization_config": {"quant_method": "awq", "version": "gemv"}},
    ),
    "awq-gemv-fast": (
        {"x.qweight": rt.tensor(np.zeros((8, 64), np.int16)), "x.qzeros": ones("F16", 8, 32), "x.scales": ones("F16", 8, 32)},
        {"quantization_config": {"quant_method": "awq", "version": "gemv_fast"}},
    ),
    "awq-uneven": (awq(qzeros=i32(3, 4), scales=ones("F16", 3, 32)), None),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case, run, place):
    tensors, config = REFUSED[case]
    assert_refused(run, place, tensors, config, "x.qweight" if "x.qweight" in tensors else "x.weight")


def test_cache_too_small_for_a_strip(run, place):
    """The narrowest strip of a matrix with many rows does not fit the smallest cache."""
    rt.save(place / "m.safetensors", gptq(qweight=i32(8192, 64), qzeros=i32(512, 8), scales=ones("F16", 512, 64)), {"format": "pt"})
    (place / "config.json").write_text(json.dumps(GPTQ))
    run("cat", "--cache-size=1M", place / "m.safetensors", "x.weight").fails(2, "--cache-size=1048576: too small for tensor", "x.weight")
    assert run("cat", "--cache-size=64M", place / "m.safetensors", "x.weight").rc == 0


# Other formats, recognised by their tensors alone: name -> tensors.
FOREIGN = {
    "sparse-bitmask": {"x.compressed": ones("BF16", 9), "x.bitmask": u8(4, 1), "x.row_offsets": i32(4)},
    "marlin": {"x.B": i32(4, 64), "x.s": ones("F16", 1, 32)},
    "hqq": {"x.W_q": u8(4, 64), "x.scale": ones("F16", 4, 1), "x.zero": ones("F16", 4, 1)},
    "aqlm": {"x.codes": int8(4, 8, 1), "x.codebooks": ones("F16", 1, 256, 1, 8), "x.scales": ones("F16", 4, 1, 1, 1)},
    "exl2": {"x.q_weight": i32(8, 64), "x.q_scale": i32(2, 8), "x.q_scale_max": ones("F16", 2)},
    "exl3": {"x.trellis": rt.tensor(np.zeros((4, 4, 48), np.int16)), "x.suh": ones("F16", 64), "x.svh": ones("F16", 64)},
    "quip": {"x.Qidxs": rt.tensor(np.zeros((4, 8), np.int16)), "x.SU": ones("F16", 64)},
    "vptq": {"x.indices": i32(1, 4, 8), "x.centroids.weight": ones("BF16", 1, 2048)},
    "torchao": {"x.weight_qdata": int8(4, 64), "x.weight_scale": ones("BF16", 4, 1)},
    "sparse-24": {**packed(), "x.meta": rt.tensor(np.zeros((4, 4), np.int16))},
    "svdquant": {
        "x.qweight": int8(8, 32), "x.wscales": ones("BF16", 1, 8), "x.smooth_factor": ones("BF16", 64), "x.proj_down": ones("BF16", 64, 2), "x.proj_up": ones("BF16", 8, 2),
    },
    "qweight": {"x.qweight": u8(8, 32), "x.wscale": ones("BF16", 8)},
    "nvfp4-svd": {"x.weight": u8(8, 32), "x.weight_scale": rt.raw("F8_E4M3", (8, 4), bytes(32)), "x.weight_scale_2": ones("F32"), "x.svdquant_lora_a": ones("BF16", 2, 64)},
    "comfyui": {"x.weight": int8(8, 32), "x.weight_scale": ones("F32"), "x.comfy_quant": rt.tensor(np.frombuffer(b'{"format": "int8_tensorwise", "convrot": true}', np.uint8))},
    "mxfp6": {"x.weight": u8(4, 48), "x.weight_scale": u8(4, 2)},
    "mxint4": {"x.weight_packed": u8(4, 32), "x.weight_scale": u8(4, 2)},
}  # fmt: skip


@pytest.mark.parametrize("scheme", FOREIGN)
def test_foreign(scheme, run, place):
    """A format is refused by name, by its config only if nothing else identifies it. Raw, it is shown unchanged."""
    mx_int = {"quantization_config": {"quant_method": "auto-round", "data_type": "mx_int", "bits": 4, "group_size": 32}}
    assert_refused(run, place, FOREIGN[scheme], mx_int if scheme == "mxint4" else None, scheme, '"x.')
