# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""If a part that matching needs cannot be read, mxfs exits with 5 and names it, whatever --unsupported is."""

import os
import pathlib
import subprocess

import pytest

import refhostile
import reftensor as rt
from helpers import preloaded

ROOT = pathlib.Path(__file__).resolve().parents[2]

# model -> parts that are read while matching
READ = {
    "int-packed": ["x.weight_shape"],
    "int-packed-zeros": ["x.weight_shape"],
    "int-packed-order": ["x.weight_shape", "x.weight_g_idx"],
    "int8-order": ["x.weight_g_idx"],
    "gptq-order": ["x.g_idx"],
    "bnb-nf4": ["x.weight.quant_state.bitsandbytes__nf4", "x.weight.quant_map"],
    "bnb-nested": ["x.weight.quant_map", "x.weight.nested_quant_map"],
    "bnb-int8": ["x.weight_format"],
}
COMMANDS = {
    "list": ["list"],
    "export": ["export", "--jobs=1"],
    "raw": ["export", "--jobs=1", "--unsupported=raw"],
    "cat": ["cat", "--unsupported=raw"],
}


@pytest.fixture(scope="module")
def failread(tmp_path_factory):
    return preloaded(ROOT / "tests/support/failread.c", tmp_path_factory.mktemp("failread"))


def built(name):
    return refhostile.int8_order() if name == "int8-order" else refhostile.GROUPS[name]()


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("name", "part"), [(name, part) for name, parts in READ.items() for part in parts])
def test_unreadable_part(name, part, command, mxfs_bin, failread, place):
    source = built(name).write(place / "m" / "m.safetensors")
    entries, start = rt.header(source.read_bytes())
    begin, end = (start + at for at in entries[part]["data_offsets"])
    operands = {"list": [], "cat": ["x.weight"]}.get(command, [place / "out"])
    env = {**os.environ, **failread, "FAIL_FROM": str(begin), "FAIL_TO": str(end), "FAIL_LOG": str(place / "log")}
    done = subprocess.run([mxfs_bin, *COMMANDS[command], source, *operands], env=env, capture_output=True, timeout=30, check=False)
    assert (place / "log").exists(), "the part was not read"
    assert done.returncode == 5 and done.stdout == b"", done
    text = done.stderr.decode()
    assert "Input/output error" in text and f'"{part}"' in text and str(source) in text and text.count("\n") == 1, text
    assert not (place / "out").exists()


@pytest.mark.parametrize("name", READ)
def test_readable_otherwise(name, run, place):
    """Without the read error, the same models are accepted."""
    model = built(name)
    assert run("export", model.write(place / "m" / "m.safetensors"), "-").out == model.expected_bytes()
