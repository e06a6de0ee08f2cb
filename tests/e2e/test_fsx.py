# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""Random reads in every possible way, compared with a file of the reference's bytes (tests/support/fsx.c).

FSX_OPERATIONS is the total number of operations; `make fsx` does ten million. A failure names the seed and the operation:
FSX_SEED=... FSX_FIRST=... FSX_COUNT=1 -k "fsx and FORMAT" repeats it.
"""

import json
import os
import re
import time

import pytest

import ref_float
import ref_int
import ref_table
import refmodels
from conftest import ROOT
from helpers import listing

FORMATS = {
    **refmodels.MODELS,
    "gptoss-big": refmodels.big_gptoss,
    "fp8": ref_float.fp8_layouts,
    "nvfp4": ref_float.nvfp4_layouts,
    "int-packed": ref_int.packed_layouts,
    "int8": ref_int.int8_layouts,
    "gptq": ref_int.gptq_layouts,
    "awq": ref_int.awq_layouts,
    "int4-pairs": ref_int.pairs_layouts,
    "mxfp6": ref_int.mxfp6_layouts,
    "mlx-4": lambda: ref_int.mlx_layouts(4, 64),
    "mlx-5": lambda: ref_int.mlx_layouts(5, 32),
    "mlx-float": ref_int.mlx_float_layouts,
    "bitsandbytes-4bit": ref_table.bnb_layouts,
    "bitsandbytes-int8": ref_table.bnb8_layouts,
}
THREADS = (1, 16)
COUNT = int(os.environ.get("FSX_COUNT", int(os.environ.get("FSX_OPERATIONS", 600_000)) // (len(FORMATS) * len(THREADS)) + 1))
FIRST = int(os.environ.get("FSX_FIRST", 0))
SEED = int(os.environ.get("FSX_SEED", time.time_ns() % 1_000_000_007))


@pytest.mark.limit(150 + COUNT / 200)
@pytest.mark.parametrize("name", FORMATS)
def test_fsx(name, mount, place, fsx):
    """With the smallest cache, so that it evicts all the time; with one thread, and more than the daemon has."""
    model = FORMATS[name]()
    source = model.write(place / "source" / f"{name}.safetensors")
    oracle = place / "oracle"
    oracle.write_bytes(model.expected_bytes())
    for threads in THREADS:
        made = mount(source, "--cache-size=1M", "--views=none", "--dtype=bf16")
        fsx(made.file, oracle, SEED, FIRST, COUNT, threads)


@pytest.fixture
def schemes(run):
    """Each scheme that decodes."""
    rows = json.loads(run("list", "--schemes", "--json").text)
    named = {row["name"] for row in rows if row["decoded"]}
    assert named
    return named


def test_every_format_is_read(run, place, schemes):
    """Every scheme occurs in one of the models."""
    found = set()
    for name, build in FORMATS.items():
        listed = listing(run, build().write(place / name / "model.safetensors"))
        found |= {t["scheme"] for t in listed["tensors"]}
    assert found - {"plain"} == schemes


def written_from_a_seed(seed, folder):
    """Splits an input like fuzz_plan.c: a byte, config.json, NUL, a header, NUL, the first data; a pattern for the rest."""
    config, header, data = [*seed[1:].split(b"\0", 2), b""][:3]
    size = max(int(end) for end in re.findall(rb'"data_offsets":\s*\[\s*\d+\s*,\s*(\d+)', header))
    pattern = bytes((i * 167 + (i >> 8)) & 0xFF for i in range(4096))
    rest = max(size - len(data), 0)
    folder.mkdir()
    if config:
        (folder / "config.json").write_bytes(config)
    path = folder / "model.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + data[:size] + (pattern * (rest // 4096 + 1))[:rest])
    return path


def test_every_format_is_fuzzed(run, place, schemes):
    """Every scheme occurs in one of the seeds of fuzz_plan, because the fuzzer would hardly find it by itself."""
    found = set()
    for seed in sorted((ROOT / "tests/fuzz/seeds/plan").iterdir()):
        listed = listing(run, written_from_a_seed(seed.read_bytes(), place / seed.name))
        found |= {t["scheme"] for t in listed["tensors"]}
    assert found - {"plain"} == schemes
