# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""tensors/ and npy/: their contents, how they are chosen, and their file names."""

import io

import numpy as np
import pytest

import refmodels as models
import reftensor as rt
from helpers import assert_same, listing

WIDENED = {"BF16", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"}


def npy_bytes(t):
    """The file that numpy.save writes for a tensor."""
    array = t.array()
    if t.dtype in WIDENED:
        array = array.astype(np.float32)
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


class TestNumpy:
    @pytest.mark.parametrize("name", ["gptoss-hf", "compressed-tensors", "deepseek-v4"])
    def test_files_are_those_of_numpy_save(self, name, mount, place):
        model = models.MODELS[name]()
        made = mount(model.write(place / "m.safetensors"))
        expected = {n: t for n, t in model.expected().items() if t.dtype not in ("F4", "F6_E2M3", "F6_E3M2")}
        assert sorted(p.name for p in (made / "npy").iterdir()) == sorted(n + ".npy" for n in expected)
        for tensor, t in expected.items():
            if t.dtype in WIDENED and np.isnan(t.array().astype(np.float32)).any():
                continue  # NumPy does not keep the bits of a NaN; see test_widening
            assert_same((made / "npy" / f"{tensor}.npy").read_bytes(), npy_bytes(t), tensor)

    def test_mapped(self, mount, place):
        model = models.gptoss_hf()
        made = mount(model.write(place / "m.safetensors"))
        for tensor, t in model.expected().items():
            if t.dtype == "F4" or 0 in t.shape:
                continue
            got = np.load(made / "npy" / f"{tensor}.npy", mmap_mode="r")
            want = t.array().astype(np.float32) if t.dtype in WIDENED else t.array()
            assert got.dtype == want.dtype and got.shape == want.shape, tensor
            assert np.array_equal(got, want, equal_nan=want.dtype.kind == "f"), tensor

    @pytest.mark.parametrize("dtype", sorted(WIDENED))
    def test_widening(self, dtype, mount, place):
        """Every value of the narrow types, exactly; NaN stays NaN."""
        octets = np.arange(65536, dtype=np.uint16) if dtype == "BF16" else np.arange(256, dtype=np.uint8)
        t = rt.raw(dtype, octets.shape, octets)
        source = place / "m.safetensors"
        rt.save(source, {"t": t})
        got = np.load(mount(source) / "npy" / "t.npy")
        want = t.array().astype(np.float32)
        assert got.dtype == np.float32
        assert np.array_equal(got, want, equal_nan=True)
        solid = ~np.isnan(want)
        assert_same(got[solid].tobytes(), want[solid].tobytes(), dtype)  # compares signed zeros, too

    def test_reading_at_odd_places(self, mount, place):
        """A read may begin inside the header or inside a widened element."""
        model = models.compressed()
        made = mount(model.write(place / "m.safetensors"))
        name = "model.layers.0.mlp.up_proj.weight"
        want = npy_bytes(model.expected()[name])
        with open(made / "npy" / f"{name}.npy", "rb", buffering=0) as f:
            for offset in (0, 1, 63, 127, 128, 129, 130, 131, 4095, 4097, len(want) - 3, len(want), len(want) + 1):
                for size in (1, 2, 3, 5, 333):
                    f.seek(offset)
                    assert_same(f.read(size), want[offset : offset + size], f"{offset}+{size}")


class TestChoice:
    @pytest.mark.parametrize(
        ("option", "shown"),
        [
            ([], {"tensors", "npy"}),
            (["--views=tensors,npy"], {"tensors", "npy"}),
            (["--views=npy,tensors"], {"tensors", "npy"}),
            (["--views=tensors"], {"tensors"}),
            (["--views=npy"], {"npy"}),
            (["--views=none"], set()),
            (["-o", "views=none"], set()),
        ],
        ids=str,
    )
    def test_views(self, option, shown, mount, place):
        made = mount(models.quark().write(place / "m.safetensors"), *option)
        assert {p.name for p in made.path.iterdir()} == {"m.safetensors"} | shown
        for view in {"tensors", "npy"} - shown:
            assert not (made / view).exists()

    @pytest.mark.parametrize("value", ["", "numpy", "tensors,", "none,npy", "Tensors", "tensors npy"])
    def test_wrong_choice(self, value, run, place):
        (place / "mnt").mkdir()
        source = models.quark().write(place / "m.safetensors")
        run(f"--views={value}", source, place / "mnt").fails(2, "views")


# Tensor name -> expected file name.
EXACT = {
    "plain.weight": "plain.weight",
    "a": "a",
    "a.b": "a.b",
    "a/b": "a%2Fb",
    "/": "%2F",
    "../../etc/passwd": "%2E.%2F..%2Fetc%2Fpasswd",
    "..": "%2E.",
    ".": "%2E",
    ".hidden": "%2Ehidden",
    "100%": "100%25",
    "%2F": "%252F",
    "nul\0in": "nul%00in",
    "line\nbreak": "line%0Abreak",
    "esc\x1b[31m": "esc%1B[31m",
    "del\x7f": "del%7F",
    "tab\t": "tab%09",
    "with space": "with space",
    "back\\slash": "back\\slash",
    "ünïcödé": "ünïcödé",
    "x" * 251: "x" * 251,
}
OTHERS = [
    "", "~", "a~b", "%", "%%", "%00", "%2e", "%2E", "x" * 252, "x" * 255, "x" * 256, "y" * 255 + "~", "é" * 127, "é" * 128, "é" * 200,
    "/" * 84, "/" * 85, "/" * 86, "z" * 70000, "z" * 69999 + "y", "z" * 70001, "\0" * 300, "\0" * 301, "CON", "a.npy", "a.npy.npy",
    "\x80", "\x9b31m", "\u2028", "😀" * 70, "-rf", "tensors", "npy",
]  # fmt: skip


@pytest.fixture
def zoo_of_names(place):
    """A file of one-element tensors, each with its own value, and a pair so that the header is rebuilt."""
    model = models.Model()
    for i, name in enumerate([*EXACT, *OTHERS]):
        model.plain(name, rt.tensor(np.uint16([i])))
    models.add_packed(model, "pair/of", models.random_fill(1), 1, 1)
    return model, model.write(place / "m.safetensors")


class TestNames:
    def test_files(self, zoo_of_names, mount, run):
        """Every tensor has its own file, with its own bytes, under a name that any program can use."""
        model, source = zoo_of_names
        made = mount(source)
        expected = model.expected()
        views = {t["name"]: t["view"] for t in listing(run, source)["tensors"]}
        assert set(views) == set(expected)
        assert len(set(views.values())) == len(expected), "not injective"
        for name, file in EXACT.items():
            assert views[name] == file
        for name, file in views.items():
            octets = file.encode()
            assert 0 < len(octets) <= 255 and not octets.startswith(b".") and b"/" not in octets, (name, file)
            assert not any(c < 32 or c == 127 for c in octets), (name, file)
            assert_same((made / "tensors" / file).read_bytes(), expected[name].data, name[:50])
        assert {p.name for p in (made / "tensors").iterdir()} == set(views.values())

    def test_numpy_names(self, zoo_of_names, mount, run):
        """npy/ has one file per tensor, under the same name plus the extension if that fits."""
        model, source = zoo_of_names
        made = mount(source)
        files = {p.name: p for p in (made / "npy").iterdir()}
        expected = model.expected()
        assert len(files) == len(expected)
        assert all(len(n.encode()) <= 255 and n.endswith(".npy") for n in files)
        values = sorted(np.load(p).tobytes() for n, p in files.items())
        want = [t.array().astype(np.float32) if t.dtype == "BF16" else t.array() for t in expected.values()]
        assert values == sorted(a.tobytes() for a in want)
        for name, file in EXACT.items():
            if len(file.encode()) <= 251:
                assert np.load(files[file + ".npy"]).tobytes() == expected[name].data

    def test_absent_names(self, zoo_of_names, mount):
        """Names that are nearly right find nothing."""
        made = mount(zoo_of_names[1])
        for name in ("a%2fb", "a%2F", "%61", "plain.weigh", "plain.weight.npy", "x" * 250, "nul", "%", "%2", "%zz", "~", "x" * 255):
            if name not in {p.name for p in (made / "tensors").iterdir()}:
                assert not (made / "tensors" / name).exists(), name
        for name in ("plain.weight", "plain.weight.NPY", ".npy", "a%2fb.npy"):
            assert not (made / "npy" / name).exists(), name

    def test_cut_names_do_not_collide_with_whole_ones(self, mount, run, place):
        """A tensor with the same name as another's cut name keeps its own file."""
        long = "w" * 300
        source = place / "a.safetensors"
        rt.save(source, {long: rt.tensor(np.uint8([1]))})
        cut = listing(run, source)["tensors"][0]["view"]
        assert "~" in cut
        both = place / "b.safetensors"
        rt.save(both, {long: rt.tensor(np.uint8([1])), cut: rt.tensor(np.uint8([2]))})
        made = mount(both)
        views = {t["name"]: t["view"] for t in listing(run, both)["tensors"]}
        assert views[long] == cut and views[cut] != cut
        assert (made / "tensors" / views[long]).read_bytes() == b"\1"
        assert (made / "tensors" / views[cut]).read_bytes() == b"\2"
