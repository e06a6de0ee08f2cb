# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""Every bit of the dequantized file, in every layout and output type, against an independent reference."""

import numpy as np
import pytest

import refmodels as models
import reforacle as oracle
import reftensor as rt
from helpers import FORCED_KERNELS, assert_file, assert_same

DTYPES = ["bf16", "f16", "f32"]
EVERY = {**models.EVERY_CODE, "deepseek-v4-fp8": lambda: models.every_tile()}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", EVERY)
def test_every_scale_and_code(layout, dtype, mount, place):
    model = EVERY[layout]()
    source = model.write(place / "model.safetensors")
    assert_file(mount(source, f"--dtype={dtype}").file, model.expected_bytes(dtype.upper()))


def test_the_reference_itself():
    """Checks the oracle with known values of OCP MX."""
    codes = np.arange(8, dtype=np.uint8)
    golden = {
        127: "0000 3F00 3F80 3FC0 4000 4040 4080 40C0",
        0: "0000 0020 0040 0060 0080 00C0 0100 0140",
        1: "0000 0040 0080 00C0 0100 0140 0180 01C0",
        252: "0000 7D80 7E00 7E40 7E80 7EC0 7F00 7F40",
        253: "0000 7E00 7E80 7EC0 7F00 7F40 7F80 7F80",
        254: "0000 7E80 7F00 7F40 7F80 7F80 7F80 7F80",
        255: "7FC0 " * 8,
    }
    for scale, row in golden.items():
        want = np.array([int(w, 16) for w in row.split()], np.uint16)
        for sign in (0, 8):
            got = oracle.rounded(oracle.e2m1(codes | sign) * oracle.e8m0([scale]), "BF16")
            signed = want if scale == 255 else want | (sign << 12)
            assert_same(got.data, signed.astype(np.uint16).tobytes(), f"scale {scale}")


@pytest.mark.parametrize("by_hand", [False, True], ids=["library", "by-hand"])
@pytest.mark.parametrize("name", models.MODELS)
def test_file(name, by_hand, mount, place):
    """The mounted file is what save_file writes, for any writer of the source and any order."""
    model = models.MODELS[name]()
    if by_hand:  # pairs are far apart: scales first, in reverse order
        order = sorted(model.source, key=lambda n: ("scale" not in n, n), reverse=True)
        model.source = {n: model.source[n] for n in order}
    source = model.write(place / "some.name.safetensors", by_hand)
    assert_file(mount(source).file, model.expected_bytes())


@pytest.mark.parametrize("name", models.MODELS)
def test_tensor_files(name, mount, place):
    model = models.MODELS[name]()
    made = mount(model.write(place / "model.safetensors"))
    expected = model.expected()
    assert sorted(p.name for p in (made / "tensors").iterdir()) == sorted(expected)
    for tensor, want in expected.items():
        assert_same((made / "tensors" / tensor).read_bytes(), want.data, tensor)


@pytest.mark.parametrize("tile", [32, 128])
def test_deepseek_tiles(tile, mount, place):
    """The tile size comes from the config, or else from the shapes."""
    model = models.deepseek_v4(tile=tile)
    assert_file(mount(model.write(place / "with" / "m.safetensors")).file, model.expected_bytes())
    model.config = None
    assert_file(mount(model.write(place / "without" / "m.safetensors")).file, model.expected_bytes())


@pytest.mark.parametrize("dtype", ["F16", "F32"])
def test_other_output_types(dtype, mount, place):
    """--dtype affects only dequantized tensors: other BF16 and F16 tensors stay."""
    model = models.gptoss_hf()
    made = mount(model.write(place / "model.safetensors"), f"--dtype={dtype.lower()}")
    assert_file(made.file, model.expected_bytes(dtype))


@pytest.mark.parametrize(
    ("config", "dtype"),
    [
        (None, "BF16"),
        ({}, "BF16"),
        ({"torch_dtype": "bfloat16"}, "BF16"),
        ({"torch_dtype": "float32"}, "F32"),
        ({"dtype": "float32"}, "F32"),
        ({"text_config": {"torch_dtype": "float32"}}, "F32"),
        ({"text_config": {"dtype": "float32"}}, "F32"),
        ({"text_config": {"model_type": "x"}, "dtype": "float32"}, "F32"),
        ({"torch_dtype": "float16"}, "BF16"),
        ({"dtype": "auto"}, "BF16"),
        ({"dtype": None}, "BF16"),
    ],
    ids=str,
)
@pytest.mark.parametrize("option", [[], ["--dtype=auto"]], ids=["default", "auto"])
def test_dtype_from_config(config, dtype, option, mount, place):
    model = models.quark()
    model.config = config
    assert_file(mount(model.write(place / "m.safetensors"), *option).file, model.expected_bytes(dtype))


def test_dtype_over_config(mount, place):
    model = models.quark()
    model.config = {"torch_dtype": "float32"}
    made = mount(model.write(place / "m.safetensors"), "--dtype=bf16")
    assert_file(made.file, model.expected_bytes("BF16"))


@pytest.mark.parametrize(
    ("name", "shape", "config", "transposed"),
    [
        ("model.layers.0.mlp.experts.down_proj", (2, 96, 3), None, True),
        ("any.prefix.experts.gate_up_proj", (2, 33, 3), None, True),
        ("model.layers.0.mlp.experts.down_proj", (2, 96, 3), {"model_type": "gpt_oss"}, True),
        ("model.layers.0.mlp.other", (2, 33, 3), {"model_type": "gpt_oss"}, True),
        ("model.layers.0.mlp.experts.down_proj", (2, 96, 3), {"model_type": "other"}, False),
        ("model.layers.0.mlp.other", (2, 33, 3), None, False),
        ("model.layers.0.mlp.experts.down_proj.weight", (2, 96, 3), {"model_type": "gpt_oss"}, False),
        ("model.layers.0.mlp.experts.down_proj", (96, 3), {"model_type": "gpt_oss"}, False),
        ("tensor_with_one_group", (1,), None, False),
    ],
)
def test_orientation(name, shape, config, transposed, mount, place):
    """Only gpt-oss is transposed: four dimensions, and its config or its names."""
    model = models.Model(config=config)
    models.add_gptoss(model, name, models.random_fill(8), *shape, transpose=transposed)
    made = mount(model.write(place / "m.safetensors"))
    assert_file(made.file, model.expected_bytes())


def test_decoys(mount, place):
    model = models.decoys()
    assert_file(mount(model.write(place / "m.safetensors")).file, model.expected_bytes())


@pytest.mark.parametrize("kernel", FORCED_KERNELS)
@pytest.mark.parametrize("name", ["gptoss-hf", "deepseek-v4"])
def test_kernels(name, kernel, mount, place):
    """Each kernel can be forced, and none changes a bit."""
    model = models.MODELS[name](models.random_fill(9, 0, 255))
    made = mount(model.write(place / "m.safetensors"), f"--kernel={kernel}")
    assert_file(made.file, model.expected_bytes())


class TestPlain:
    """A file in which nothing is quantized is shown unchanged, byte for byte."""

    @pytest.mark.parametrize("dtype", ["auto", "f32"])
    def test_odd_file(self, dtype, mount, place):
        """The source is unsorted and unpadded, with F6 tensors, several metadata entries and no "format"."""
        tensors = dict(reversed(models.menagerie().items()))
        tensors["six"] = rt.raw("F6_E2M3", (8, 4), bytes(range(24)))
        tensors["three"] = rt.raw("F6_E3M2", (4,), b"abc")
        data = rt.compose(tensors, [("z", "1"), ("a", "2")], align=1)
        source = place / "plain.safetensors"
        source.write_bytes(data)
        assert_file(mount(source, f"--dtype={dtype}").file, data)

    def test_empty(self, mount, place):
        source = place / "empty.safetensors"
        source.write_bytes(rt.compose({}))
        made = mount(source)
        assert_file(made.file, source.read_bytes())
        assert list((made / "tensors").iterdir()) == []

    def test_no_data(self, mount, place):
        """All tensors are empty."""
        source = place / "hollow.safetensors"
        rt.save(source, {"a": rt.tensor(np.zeros((0, 3), np.float32)), "b": rt.tensor(np.zeros((2, 0), np.uint8))})
        made = mount(source)
        assert_file(made.file, source.read_bytes())
        assert (made / "tensors" / "a").read_bytes() == b""

    def test_activation_scales_stay(self, mount, place):
        """Without dequantization, a tensor that looks like an activation scale is an ordinary tensor."""
        source = place / "plain.safetensors"
        tensors = {"l.self_attn.k_scale": rt.tensor(np.float32(1)), "l.up.input_scale": rt.tensor(np.float32(2))}
        rt.save(source, {**tensors, "l.up.weight": models.bf16(1, 4, 4)}, {"format": "pt"})
        assert_file(mount(source).file, source.read_bytes())


class TestMetadata:
    """`__metadata__` comes first, with the source's entries in their order, and "format" last if it was absent."""

    @pytest.mark.parametrize(
        ("given", "shown"),
        [
            (None, [("format", "pt")]),
            ([], [("format", "pt")]),
            ([("format", "pt")], [("format", "pt")]),
            ([("format", "mlx")], [("format", "mlx")]),
            ([("z", "1"), ("a", "2")], [("z", "1"), ("a", "2"), ("format", "pt")]),
            ([("z", "1"), ("format", "pt"), ("a", "")], [("z", "1"), ("format", "pt"), ("a", "")]),
            ([("ünï", 'q"\\\n\t\x01\x7f/'), ("😀", "\u2028 é")], [("ünï", 'q"\\\n\t\x01\x7f/'), ("😀", "\u2028 é"), ("format", "pt")]),
        ],
        ids=["none", "empty", "format", "other-format", "two", "format-inside", "escapes"],
    )
    def test_order(self, given, shown, mount, place):
        model = models.quark()
        source = place / "m.safetensors"
        source.write_bytes(rt.compose(model.source, given))
        got = mount(source).file.read_bytes()
        assert_same(got, rt.compose(model.expected(), shown, canonical=True))
        if len(shown) == 1:
            assert_same(got, rt.serialize(model.expected(), dict(shown)))


def test_names_as_the_library_writes_them(mount, place):
    """Names are sorted by bytes, and JSON strings escaped as by the library."""
    model = models.Model()
    for name in ("é", "z", "Z", "a\u0000b", 'q"q', "back\\slash", "tab\t", "\x1f", "\x7f", "\u2028", "😀", "ab", "a", "", "a/b"):
        model.plain(name, rt.tensor(np.uint16([1])))
    models.add_packed(model, "q", models.random_fill(1), 2, 1)
    assert_file(mount(model.write(place / "m.safetensors")).file, model.expected_bytes())


def test_sub_byte_company(mount, place):
    """F4 and F6 tensors stay at the very end of a dequantized file."""
    model = models.quark()
    model.plain("six.a", rt.raw("F6_E2M3", (8, 4), bytes(range(24))))
    model.plain("six.b", rt.raw("F6_E3M2", (4,), b"abc"))
    model.plain("four", rt.raw("F4", (3, 6), bytes(range(9))))
    source = place / "m.safetensors"
    source.write_bytes(rt.compose(model.source))
    want = rt.compose(model.expected(), {"format": "pt"}, canonical=True)
    made = mount(source)
    assert_file(made.file, want)
    for name in ("six.a", "six.b", "four"):
        assert_same((made / "tensors" / name).read_bytes(), model.source[name].data, name)
        assert not (made / "npy" / f"{name}.npy").exists()


def test_compose_agrees_with_the_library():
    """Checks compose() against the library, for files that the library can write."""
    for build in models.MODELS.values():
        expected = build().expected()
        assert_same(rt.compose(expected, {"format": "pt"}, canonical=True), rt.serialize(expected, {"format": "pt"}))
        assert_same(rt.compose(expected, canonical=True), rt.serialize(expected))
