# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""Files written by other software (tests/data/vectors/README.md says which)."""

import hashlib
import json
import pathlib
import shutil

import numpy as np
import pytest

import reforacle as oracle
import reftensor as rt
from helpers import assert_file, assert_same

VECTORS = pathlib.Path(__file__).resolve().parents[1] / "data" / "vectors"
TRITON = sorted(p.name.split(".")[0] for p in (VECTORS / "triton-mxfp4").glob("*.f32.bin"))


@pytest.mark.parametrize("name", ["ct_mxfp4", "deepseek_v4", "gptoss_original", "quark_mxfp4", "tf_generic"])
def test_model(name, mount):
    made = mount(VECTORS / name / "src" / "model.safetensors")
    assert_file(made.file, (VECTORS / name / "want" / "model.safetensors").read_bytes())


def test_public_file(mount):
    """A small public test file: pairs of rank 2, without metadata."""
    made = mount(VECTORS / "simple_test.safetensors")
    tensors, metadata = rt.read(made.file.read_bytes())
    assert metadata == {"format": "pt"}
    assert {n: (t.dtype, t.shape) for n, t in tensors.items()} == {
        "tensor_with_ones": ("BF16", (32,)), "tensor_with_zeros": ("BF16", (32,))
    }  # fmt: skip
    source, _ = rt.read((VECTORS / "simple_test.safetensors").read_bytes())
    for name, t in tensors.items():
        values = oracle.mxfp4(source[name + "_blocks"].array(), source[name + "_scales"].array().reshape(1, 1))
        assert_same(t.data, oracle.rounded(values, "BF16").data, name)


@pytest.mark.parametrize("name", TRITON)
def test_triton(name, mount, place):
    """The output of Triton's quantizer dequantizes to the values that it reported."""
    part = {kind: (VECTORS / "triton-mxfp4" / f"{name}.{kind}.bin").read_bytes() for kind in ("blocks", "scales", "f32")}
    count = len(part["scales"])
    source = place / "m.safetensors"
    rt.save(source, {"t_blocks": rt.raw("U8", (count, 16), part["blocks"]), "t_scales": rt.raw("U8", (count,), part["scales"])})
    made = mount(source, "--dtype=f32")
    got = (made / "tensors" / "t").read_bytes()
    assert_same(got, part["f32"], name)
    promised = json.loads((VECTORS / "triton-mxfp4" / "expected_values.json").read_text())[name]
    assert np.array_equal(np.frombuffer(got, np.float32), np.float32(promised))


class TestShards:
    """One shard of a model whose pairs are spread over shards: companions come from the others."""

    SOURCE = VECTORS / "gptoss_dir" / "src"
    WANT = json.loads((VECTORS / "gptoss_dir" / "want.json").read_text())
    SHARDS = sorted(p.name for p in (VECTORS / "gptoss_dir" / "src").glob("*.safetensors"))

    @staticmethod
    def main_parts(path):
        """The outputs in a shard: plain tensors, and tensors whose blocks it contains."""
        names = rt.read(path.read_bytes())[0]
        return {n.removesuffix("_blocks") for n in names if not n.endswith("_scales")}

    @pytest.mark.parametrize("shard", SHARDS)
    def test_shard(self, shard, mount):
        made = mount(self.SOURCE / shard)
        data = made.file.read_bytes()
        tensors, metadata = rt.read(data)
        assert set(tensors) == self.main_parts(self.SOURCE / shard)
        assert_same(data, rt.serialize(tensors, metadata))
        for name, t in tensors.items():
            assert {"dtype": t.dtype, "shape": list(t.shape), "sha256": hashlib.sha256(t.data).hexdigest()} == self.WANT[name], name
            assert_same((made / "tensors" / name).read_bytes(), t.data, name)

    def test_every_tensor_once(self):
        outputs = [n for s in self.SHARDS for n in self.main_parts(self.SOURCE / s)]
        assert sorted(outputs) == sorted(self.WANT)

    def test_shard_alone(self, run, place):
        """Without its index a shard is a separate file, and half a pair is refused."""
        shutil.copy(self.SOURCE / self.SHARDS[0], place)
        (place / "mnt").mkdir()
        run(place / self.SHARDS[0], place / "mnt").refuses(4, "model.layers.0.mlp.experts")

    def test_file_that_the_index_does_not_name(self, run, place):
        """A file that the index next to it does not name is a separate model."""
        shutil.copytree(self.SOURCE, place / "m")
        shutil.copy(self.SOURCE / self.SHARDS[0], place / "m" / "copy.safetensors")
        (place / "mnt").mkdir()
        run(place / "m" / "copy.safetensors", place / "mnt").refuses(4, "model.layers.0.mlp.experts")

    def test_missing_shard(self, run, place):
        """If the shard with the scales is missing, the error names it."""
        shutil.copytree(self.SOURCE, place / "m")
        (place / "m" / self.SHARDS[1]).unlink()
        (place / "mnt").mkdir()
        run(place / "m" / self.SHARDS[0], place / "mnt").fails(5, self.SHARDS[1])

    def test_index_that_leads_outside(self, run, place):
        """No index makes mxfs open a file outside its folder."""
        shutil.copytree(self.SOURCE, place / "m")
        shutil.move(place / "m" / self.SHARDS[1], place / "outside.safetensors")
        index = place / "m" / "model.safetensors.index.json"
        index.write_text(index.read_text().replace(self.SHARDS[1], "../outside.safetensors"))
        (place / "mnt").mkdir()
        run(place / "m" / self.SHARDS[0], place / "mnt").fails(3, "outside")
