# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""bitsandbytes against the library that writes it, on the CPU."""

import pytest

import reftensor as rt
from helpers import assert_file

pytestmark = pytest.mark.heavy

torch = pytest.importorskip("torch")

from reftorch import from_torch


@pytest.fixture(scope="module")
def bnb():
    library = pytest.importorskip("bitsandbytes")
    torch.compiler.set_stance("force_eager")
    yield library.functional
    torch.compiler.set_stance("default")


def stored(name, weight, state):
    """The tensors that the library writes for a quantized weight."""
    return {name: from_torch(weight), **{f"{name}.{k}": from_torch(t) for k, t in state.as_dict(packed=True).items()}}


def in_torch(bnb, weight, state):
    """Uses the library's torch backend; its CPU backend is wrong if rows are not whole blocks."""
    from bitsandbytes.backends.default.ops import _dequantize_4bit_compute

    absmax = bnb.dequantize_blockwise(state.absmax, state.state2) + state.offset if state.nested else state.absmax
    return _dequantize_4bit_compute(weight.reshape(-1), absmax, state.code, state.blocksize, state.shape, state.dtype)


@pytest.mark.parametrize("nested", [False, True], ids=["plain", "nested"])
@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
def test_4_bits(dtype, nested, bnb, mount, place):
    torch.manual_seed(1)
    source, want = {}, {}
    for kind in ("nf4", "fp4"):
        for block in (32, 64, 256, 1024):
            for tag, shape in (("whole", (48, 2048)), ("ragged", (130, 74))):
                name = f"{kind}.{block}.{tag}.weight"
                weight = torch.randn(shape).mul(0.05).to(getattr(torch, dtype))
                q, state = bnb.quantize_4bit(weight, blocksize=block, quant_type=kind, compress_statistics=nested)
                source |= stored(name, q, state)
                shown = in_torch(bnb, q, state)
                if tag == "whole":
                    assert torch.equal(shown, bnb.dequantize_4bit(q, state))
                want[name] = from_torch(shown)
    rt.save(place / "m.safetensors", source, {"format": "pt"})
    assert_file(mount(place / "m.safetensors").file, rt.serialize(want, {"format": "pt"}))


def test_8_bits(bnb, mount, place):
    torch.manual_seed(2)
    codes = torch.randint(-127, 128, (200, 333), dtype=torch.int8)
    scb = torch.rand(200) * 4
    source = {"x.weight": from_torch(codes), "x.SCB": from_torch(scb), "x.weight_format": rt.raw("U8", (), b"\0")}
    rt.save(place / "m.safetensors", source, {"format": "pt"})
    want = {"x.weight": from_torch(bnb.int8_vectorwise_dequant(codes, scb))}
    assert_file(mount(place / "m.safetensors", "--dtype=f32").file, rt.serialize(want, {"format": "pt"}))
