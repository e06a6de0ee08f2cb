# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""Tools that people use with a model folder, each run as a separate script (users/): with the mount they give the
same results as with the BF16 copy of the model, to the last bit."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

import refrepo

pytestmark = pytest.mark.heavy

for package in ("torch", "transformers", "accelerate", "peft", "gguf"):
    pytest.importorskip(package)

USERS = pathlib.Path(__file__).with_name("users")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A small gpt-oss: packed/ and, as BF16, plain/."""
    import refrepo_hf

    folder = tmp_path_factory.mktemp("gptoss") / "m"
    refrepo_hf.gptoss(folder)
    yield folder
    shutil.rmtree(folder)


def use(script, *args):
    """Runs a script and returns its output lines."""
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "2"}
    done = subprocess.run([sys.executable, USERS / script, *args], capture_output=True, text=True, env=env, timeout=140, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_safetensors(made, mount):
    mounted = mount(made / "packed")
    lines = use("read_safetensors.py", mounted.path)
    assert lines == use("read_safetensors.py", made / "plain")
    half = len(lines) // 2
    assert half > 20 and lines[:half] == lines[half:]


def test_numpy(made, mount):
    mounted = mount(made / "packed", "--views=tensors,npy")
    count = len(os.listdir(mounted / "tensors"))
    assert use("map_numpy.py", mounted.path) == [str(count)] and count > 20


@pytest.fixture(scope="module")
def logits(made):
    """A hash of the BF16 copy's logits."""
    return use("load_transformers.py", made / "plain")


def test_transformers(made, logits, mount):
    assert use("load_transformers.py", mount(made / "packed").path) == logits


def test_accelerate(made, logits, mount, place):
    assert use("offload_accelerate.py", mount(made / "packed").path, place) == logits * 2


def test_peft(made, mount, place):
    """Losses, adapter and merged model are those of the BF16 copy."""
    mounted = mount(made / "packed")
    losses = use("train_peft.py", mounted.path, place / "mine")
    assert len(set(losses)) == 2 and losses == use("train_peft.py", made / "plain", place / "theirs")
    mine, theirs = (refrepo.tree_of(place / side) for side in ("mine", "theirs"))
    assert {"adapter/adapter_model.safetensors", "merged/config.json"} < set(mine) == set(theirs)
    for name, data in mine.items():
        assert name.endswith((".md", "adapter_config.json")) or data == theirs[name], name  # those contain the folder's name


def test_gguf(made, mount, place):
    mounted = mount(made / "packed")
    counts = [use("convert_gguf.py", folder, place / out) for folder, out in ((mounted.path, "a.gguf"), (made / "plain", "b.gguf"))]
    assert counts[0] == counts[1] and int(counts[0][0]) > 20
    assert (place / "a.gguf").read_bytes() == (place / "b.gguf").read_bytes()
