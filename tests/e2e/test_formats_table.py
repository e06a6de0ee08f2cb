# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""bitsandbytes in every layout, bit for bit; formats that are recognised only to be refused."""

import json
import pathlib

import numpy as np
import pytest

import ref_table as ref
import reftensor as rt
from helpers import DTYPES, KERNELS, assert_any_range, assert_file, assert_refused, assert_shows
from ref_float import FloatModel

VECTORS = pathlib.Path(__file__).resolve().parents[1] / "data" / "vectors"


class TestBitsandbytes:
    @pytest.mark.parametrize("dtype", DTYPES)
    @pytest.mark.parametrize("kernel", KERNELS)
    def test_4_bits(self, kernel, dtype, mount, place):
        assert_shows(mount, place, ref.bnb_layouts(), dtype, kernel)

    @pytest.mark.parametrize("state", ["F16", "F32"])
    @pytest.mark.parametrize("dtype", DTYPES)
    def test_type_of_the_state(self, dtype, state, mount, place):
        """Values are rounded to the type that the quant_state names, then to the type of the output."""
        assert_shows(mount, place, ref.bnb_layouts(state), dtype)

    @pytest.mark.parametrize("state", DTYPES)
    def test_output_type(self, state, mount, place):
        """Without --dtype the output has the type that the quant_state names."""
        model = ref.bnb_layouts(state)
        assert_file(mount(model.write(place / "m.safetensors")).file, model.expected_bytes(state))

    @pytest.mark.parametrize("dtype", DTYPES)
    @pytest.mark.parametrize("kernel", KERNELS)
    def test_8_bits(self, kernel, dtype, mount, place):
        assert_shows(mount, place, ref.bnb8_layouts(), dtype, kernel)

    def test_any_range(self, mount, place):
        model = ref.bnb_layouts()
        assert_any_range(assert_shows(mount, place, model), model, 1)

    def test_vector(self, mount):
        """A file written by the library (tests/data/vectors/README.md)."""
        made = mount(VECTORS / "bnb_nf4" / "src" / "model.safetensors")
        assert_file(made.file, (VECTORS / "bnb_nf4" / "want" / "model.safetensors").read_bytes())


U8 = lambda *shape: rt.raw("U8", shape, bytes(int(np.prod(shape))))
I8 = lambda *shape: rt.raw("I8", shape, bytes(int(np.prod(shape))))
I32 = lambda *shape: rt.raw("I32", shape, bytes(4 * int(np.prod(shape))))
F16 = lambda *shape: rt.tensor(np.ones(shape, np.float16))
F32 = lambda *shape: rt.tensor(np.ones(shape, np.float32))
TEXT = lambda text: rt.raw("U8", (len(text),), text.encode())
METHOD = lambda method, **rest: {"quantization_config": {"quant_method": method, **rest}}


def bnb(nested=None, **changes):
    """A valid 4-bit group with some parts replaced, or (None) left out."""
    m = FloatModel()
    ref.add_bnb4(m, "x.weight", 1, (8, 64), nested=nested)
    parts = {**m.source, **{"x.weight." + name.replace("__", "."): t for name, t in changes.items() if name not in ("weight", "state")}}
    if "weight" in changes:
        parts["x.weight"] = changes["weight"]
    if "state" in changes:
        parts["x.weight.quant_state.bitsandbytes__nf4"] = changes["state"]
    return {name: t for name, t in parts.items() if t is not None}


def state(**changes):
    """The quant_state of that group with some members changed."""
    members = {"quant_type": "nf4", "blocksize": 64, "dtype": "bfloat16", "shape": [8, 64], **changes}
    return TEXT(json.dumps({k: v for k, v in members.items() if v is not None}))


# name -> (tensors, config, words in the error)
REFUSED = {
    "bnb-absmax-short": (bnb(absmax=F32(7)), None, ["x.weight"]),
    "bnb-absmax-long": (bnb(absmax=F32(9)), None, ["x.weight"]),
    "bnb-absmax-u8": (bnb(absmax=U8(8)), None, ["x.weight"]),
    "bnb-no-absmax": (bnb(absmax=None), None, ["x.weight"]),
    "bnb-no-map": (bnb(quant_map=None), None, ["x.weight"]),
    "bnb-no-state": (bnb(state=None), None, ["x.weight"]),
    "bnb-map-size": (bnb(quant_map=F32(15)), None, ["x.weight"]),
    "bnb-map-type": (bnb(quant_map=F16(16)), None, ["x.weight"]),
    "bnb-codes-short": (bnb(weight=U8(255, 1)), None, ["x.weight"]),
    "bnb-codes-long": (bnb(weight=U8(257, 1)), None, ["x.weight"]),
    "bnb-no-weight": (bnb(weight=None), None, ["x.weight.quant_state"]),
    "bnb-nested-without-map": (bnb(256, nested_quant_map=None), None, ["x.weight"]),
    "bnb-nested-map-size": (bnb(256, nested_quant_map=F32(255)), None, ["x.weight"]),
    "bnb-nested-absmax-size": (bnb(256, nested_absmax=F32(2)), None, ["x.weight"]),
    "bnb-nested-without-state": (bnb(256, state=state()), None, ["x.weight"]),
    "bnb-nested-in-state-only": (bnb(state=state(nested_blocksize=256, nested_offset=0.5)), None, ["x.weight"]),
    "bnb-state-no-json": (bnb(state=TEXT('{"blocksize": 64')), None, ["x.weight", "quant_state"]),
    "bnb-state-empty": (bnb(state=U8(0)), None, ["x.weight", "quant_state"]),
    "bnb-state-array": (bnb(state=TEXT("[]")), None, ["x.weight", "quant_state"]),
    "bnb-state-huge": (bnb(state=TEXT("{" + " " * 5000 + "}")), None, ["x.weight", "quant_state"]),
    "bnb-state-no-shape": (bnb(state=state(shape=None)), None, ["x.weight", "quant_state"]),
    "bnb-state-negative": (bnb(state=state(shape=[-8, -64])), None, ["x.weight", "quant_state"]),
    "bnb-state-many-dims": (bnb(state=state(shape=[8, 64] + [1] * 7)), None, ["x.weight", "quant_state"]),
    "bnb-state-shape": (bnb(state=state(shape=[8, 65])), None, ["x.weight"]),
    "bnb-state-too-many": (bnb(state=state(shape=[2**40, 2**40])), None, ["x.weight"]),
    "bnb-state-block-zero": (bnb(state=state(blocksize=0)), None, ["x.weight", "quant_state"]),
    "bnb-state-block": (bnb(state=state(blocksize=128)), None, ["x.weight"]),
    "bnb-state-dtype": (bnb(state=state(dtype="float8_e4m3fn")), None, ["x.weight", "quant_state"]),
    "bnb-state-offset": (bnb(256, state=state(nested_blocksize=256, nested_offset="0.5")), None, ["x.weight", "quant_state"]),
    "bnb-state-nan": (bnb(256, state=TEXT('{"blocksize": 64, "dtype": "bfloat16", "shape": [8, 64], "nested_blocksize": 256, "nested_offset": NaN}')), None, ["x.weight", "quant_state"]),
    "bnb-int8-tiled": ({"x.weight": I8(8, 32), "x.SCB": F32(8), "x.weight_format": rt.raw("U8", (), b"\1")}, None, ["x.weight", "tiled"]),
    "bnb-int8-rows": ({"x.weight": I8(8, 32), "x.SCB": F32(7)}, None, ["x.weight"]),
    "bnb-int8-scb-type": ({"x.weight": I8(8, 32), "x.SCB": F16(8)}, None, ["x.weight"]),
    "bnb-int8-rank": ({"x.weight": I8(8, 4, 8), "x.SCB": F32(8)}, None, ["x.weight"]),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case, run, place):
    tensors, config, words = REFUSED[case]
    assert_refused(run, place, tensors, config, *words)
