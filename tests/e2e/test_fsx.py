# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""Random reads by every way there is, against a file with the reference's bytes (tests/support/fsx.c).

FSX_OPS sets the number of operations for each format (default 30,000); FSX_SEED the seed (default: by the clock).
"""

import os
import time

import pytest

import refmodels

OPS = int(os.environ.get("FSX_OPS", 30_000))
SEED = int(os.environ.get("FSX_SEED", time.time_ns() % 1_000_000_007))


MODELS = {
    "gptoss_hf": refmodels.gptoss_hf,
    "gptoss_original": refmodels.gptoss_original,
    "generic": refmodels.generic,
    "compressed": refmodels.compressed,
    "quark": refmodels.quark,
    "deepseek_v4": refmodels.deepseek_v4,
    "big_gptoss": refmodels.big_gptoss,
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
    fsx(made.file, oracle, SEED, 0, OPS, threads)
