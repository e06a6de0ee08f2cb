# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""torch as a reader; transformers as an oracle."""

import numpy as np
import pytest

import refmodels as models
import reftensor as rt
from helpers import assert_file, assert_same

pytestmark = pytest.mark.heavy


def bits(tensor):
    """The bytes of a torch tensor of any dtype."""
    import torch

    return tensor.contiguous().view(torch.uint8).numpy().tobytes() if tensor.dim() else tensor.reshape(1).view(torch.uint8).numpy().tobytes()


@pytest.mark.parametrize("name", models.MODELS)
def test_torch_load_file(name, mount, place):
    pytest.importorskip("torch")
    from safetensors.torch import load_file

    model = models.MODELS[name]()
    for tensor in [n for n, t in model.source.items() if n.startswith("zoo.") and (t.dtype == "F4" or 0 in t.shape)]:
        del model.source[tensor]  # torch's views of F4 have another shape; empty tensors have no bytes
    made = mount(model.write(place / "m.safetensors"))
    got, expected = load_file(made.file), model.expected()
    assert set(got) == set(expected)
    for tensor, want in expected.items():
        assert tuple(got[tensor].shape) == want.shape
        assert_same(bits(got[tensor]), want.data, tensor)


def test_torch_slices(mount, place):
    pytest.importorskip("torch")
    import safetensors

    model = models.gptoss_hf()
    made = mount(model.write(place / "m.safetensors"))
    name = "model.layers.0.mlp.experts.gate_up_proj"
    array = model.expected()[name].array()
    with safetensors.safe_open(made.file, "pt") as f:
        part = f.get_slice(name)
        for cut in ((slice(1, 3), slice(5, 77), slice(100, 101)), (slice(0, 1),), (slice(None), slice(95, 96))):
            assert_same(bits(part[cut]), np.ascontiguousarray(array[cut]).tobytes(), str(cut))
        assert_same(bits(f.get_tensor(name)), array.tobytes(), name)


def test_torch_saves_the_same_file(mount, place):
    """save_file of what torch loads from the mount is the mounted file."""
    pytest.importorskip("torch")
    from safetensors.torch import load_file, save_file

    for name in ("quark", "compressed-tensors", "generic"):
        made = mount(models.MODELS[name]().write(place / name / "m.safetensors"))
        save_file(load_file(made.file), place / "again.safetensors", {"format": "pt"})
        assert_file(made.file, (place / "again.safetensors").read_bytes())


@pytest.mark.parametrize("shape", [(5, 166, 3), (2, 96, 3), (3, 33, 5)])
def test_transformers(shape, mount, place):
    """convert_moe_packed_tensors with every scale except 255, for which it gives no NaN."""
    torch = pytest.importorskip("torch")
    mxfp4 = pytest.importorskip("transformers.integrations.mxfp4")

    model = models.Model()
    name = "model.layers.0.mlp.experts.gate_up_proj"
    models.add_gptoss(model, name, models.random_fill(21, 0, 254), *shape)
    want = mxfp4.convert_moe_packed_tensors(
        torch.from_numpy(model.source[name + "_blocks"].array().copy()), torch.from_numpy(model.source[name + "_scales"].array().copy())
    )
    made = mount(model.write(place / "m.safetensors"))
    got = rt.read(made.file.read_bytes())[0][name]
    assert (got.dtype, got.shape) == ("BF16", tuple(want.shape))
    assert_same(got.data, bits(want), name)


def test_numpy_memmap_to_torch(mount, place):
    """torch.frombuffer over a private mapping of a raw view: BF16 without a copy."""
    import mmap

    torch = pytest.importorskip("torch")
    model = models.compressed()
    made = mount(model.write(place / "m.safetensors"))
    name = "model.layers.0.mlp.up_proj.weight"
    with open(made / "tensors" / name, "rb") as f, mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_COPY) as m:
        got = torch.frombuffer(m, dtype=torch.bfloat16).reshape(model.expected()[name].shape).clone()
    assert_same(bits(got), model.expected()[name].data)
