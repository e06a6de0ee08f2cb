# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""compressed-tensors: every preset scheme of the installed library, compressed and decompressed by it."""

import pytest

import reftensor as rt
from helpers import assert_file
from ref_float import FloatModel

pytestmark = pytest.mark.heavy

torch = pytest.importorskip("torch")
pytest.importorskip("compressed_tensors")

import refct
from reftorch import as_bf16, from_torch

MAIN = ("weight_packed", "weight")


def random_bytes(generator, like, high=256):
    """Random bytes of a tensor's type and shape."""
    size = like.numel() * like.element_size()
    return torch.randint(0, high, (size,), generator=generator, dtype=torch.uint8).view(like.dtype).reshape(like.shape)


def wild(stored, generator):
    """Any codes, and any scales, except 255 as an E8M0 scale: the library gives no NaN for it."""
    main = next(name for name in MAIN if name in stored)
    changed = {main: random_bytes(generator, stored[main])}
    if stored["weight_scale"].element_size() == 1:
        changed["weight_scale"] = random_bytes(generator, stored["weight_scale"], 255)
    return {**stored, **changed}


@pytest.mark.parametrize("name", refct.presets())
def test_preset(name, mount, place):
    preset = refct.Preset(name)
    generator = torch.Generator().manual_seed(3)
    source, want = {}, {}
    for dtype in (torch.bfloat16, torch.float16, torch.float32):
        for n, k in ((67, 256), (128, 1024), (1, 128)):
            weight = torch.randn(n, k, generator=generator).mul(0.05).to(dtype)
            stored = preset.compress(weight)
            for tag, state in (("real", stored), ("wild", wild(stored, generator))):
                stem = f"{dtype}.{n}.{tag}"
                source.update({f"{stem}.{part}": from_torch(t) for part, t in state.items()})
                want[f"{stem}.weight"] = as_bf16(preset.decompress(state))
    model = FloatModel({"quantization_config": preset.config()})
    model.source = source
    assert_file(mount(model.write(place / "m.safetensors")).file, rt.serialize(want, {"format": "pt"}))
