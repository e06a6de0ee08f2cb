# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""Random reads by every way there is, against a file with the reference's bytes (tests/support/fsx.c).

FSX_OPS sets the number of operations for each format (default 30,000); FSX_SEED the seed (default: by the clock).
"""

import os
import pathlib
import subprocess
import time

import pytest

import refmodels

SUPPORT = pathlib.Path(__file__).resolve().parents[1] / "support"
OPS = int(os.environ.get("FSX_OPS", 30_000))
SEED = int(os.environ.get("FSX_SEED", time.time_ns() % 1_000_000_007))


@pytest.fixture(scope="module")
def fsx(tmp_path_factory):
    program = tmp_path_factory.mktemp("fsx") / "fsx"
    subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-pthread", "-o", program, SUPPORT / "fsx.c"], check=True)
    return program


def big_gptoss():
    """Matrices larger than the smallest cache's unit, so that strips and eviction are at work."""
    model = refmodels.Model()
    fill = refmodels.random_fill(77)
    for layer in range(2):
        refmodels.add_gptoss(model, f"model.layers.{layer}.mlp.experts.down_proj", fill, 3, 1100, 40)
    return model


MODELS = {
    "gptoss_hf": refmodels.gptoss_hf,
    "gptoss_original": refmodels.gptoss_original,
    "generic": refmodels.generic,
    "compressed": refmodels.compressed,
    "quark": refmodels.quark,
    "deepseek_v4": refmodels.deepseek_v4,
    "big_gptoss": big_gptoss,
}


@pytest.mark.parametrize("threads", [1, 16])
@pytest.mark.parametrize("name", MODELS)
def test_fsx(name, threads, mount, place, fsx):
    model = MODELS[name]()
    folder = place / "source"
    folder.mkdir()
    source = folder / "model.safetensors"
    model.write(source)
    oracle = place / "oracle"
    oracle.write_bytes(model.expected_bytes())
    made = mount(source, "--cache-size=1M", "--views=none")
    command = [fsx, made.file, oracle, SEED, 0, OPS, threads]
    out = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=3600)
    assert out.returncode == 0, f"{out.stdout}{out.stderr}"
    assert f"{OPS} operations" in out.stdout
