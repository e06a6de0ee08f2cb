# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""
The program and the library judge a source alike: same code, same message.

Whenever the program refuses a source in a test, `run` in conftest.py opens it with the library too. This
file tests sources that they once disagreed about, and that `run` really compares.
"""

import json

import pytest

import conftest
import ref_float
import ref_int
import refmodels
import refrepo
import reftensor as rt
from conftest import Result


@pytest.fixture
def asked(lib, monkeypatch):
    """Records the library calls that `run` makes."""
    if lib is None:
        pytest.skip("Python would have to be run with the sanitizer's library")
    calls, original = [], conftest.libmxfs.open_source

    def spy(lib, path, options=None):
        calls.append((path, options))
        return original(lib, path, options)

    monkeypatch.setattr(conftest.libmxfs, "open_source", spy)
    return calls


@pytest.fixture
def plain(place):
    path = place / "plain.safetensors"
    rt.save(path, {"x.weight": refmodels.bf16(1, 3, 3)}, {"format": "pt"})
    return path


def test_half_a_group_while_shards_are_missing(asked, run, place):
    model = ref_float.FloatModel(ref_int.ct_config(4))
    ref_int.add_packed(model, "x", 1, (5, 256), 4, 64, order=True)
    sharded = refrepo.placed(model, 2, lambda tensor: int(tensor.endswith("g_idx")))
    first, second = sharded.files
    folder = sharded.write(place / "m", skip=[second])
    run("export", folder / first, place / "out").fails(5, "incomplete: 1 of 2 shards missing", second)
    assert len(asked) == 1


def test_only_that_selects_nothing(asked, run, plain):
    run("export", "--only=nomatch*", plain, "-").fails(6, "no tensor matches --only=nomatch*")
    assert asked == [(bytes(plain), b"only=nomatch*")]


def test_scheme_that_decodes_nothing(asked, run, plain):
    run("export", "--scheme=fp8,nvfp4", plain, "-").fails(4, "no tensor matches --scheme=fp8,nvfp4")
    assert asked == [(bytes(plain), rb"scheme=fp8\,nvfp4")]


def test_of_several_reasons_the_last(asked, run, place):
    """The program prints every reason; the library returns the last one and logs the others."""
    model = refmodels.Model()
    for name in ("a_blocks", "b.weight_packed"):
        model.plain(name, rt.raw("U8", (3, 16), bytes(48)))
    source = model.write(place / "m.safetensors")
    done = run("export", source, "-").refuses(4, '"a_blocks"', '"b.weight_packed"')
    assert len(done.lines) == 2 and len(asked) == 1


@pytest.mark.parametrize("command", [["list"], ["cat"], ["export"], []], ids=lambda c: "".join(c) or "mount")
def test_every_command(command, asked, run, place):
    source = place / "bad.safetensors"
    source.write_bytes(b"no")
    (place / "x").mkdir()
    run(*command, source, *[] if command == ["list"] else [place / "x"]).fails(3, "bad.safetensors")
    assert asked == [(bytes(source), b"partial" if command == ["list"] else b"")]


def test_a_disagreement_is_noticed(lib, plain, place):
    """A different code, a different message, or only one refusing fails the test."""
    if lib is None:
        pytest.skip("Python would have to be run with the sanitizer's library")
    (place / "config.json").write_text(json.dumps({"quantization_config": {"quant_method": "aqlm"}}))
    args = ["export", plain, "-"]
    said = "mxfs: " + conftest.libmxfs.open_source(lib, plain)[1].decode()
    conftest.check_agreement(lib, args, None, Result(4, b"", said + "\n"))
    for result in (Result(3, b"", said + "\n"), Result(4, b"", said + ".\n")):
        with pytest.raises(AssertionError):
            conftest.check_agreement(lib, args, None, result)
    with pytest.raises(AssertionError):
        conftest.check_agreement(lib, [*args, "--unsupported=raw"], None, Result(4, b"", said + "\n"))
