# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""transformers loads the mount as if it were the BF16 release: same logits, same tensors."""

import json
import os
import shutil
import subprocess

import pytest

import refrepo

pytestmark = pytest.mark.heavy

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("compressed_tensors")

from refrepo_hf import MODELS

FEW = ["gptoss", "MXFP4A16"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """made(name) -> a folder with packed/ and plain/, made once."""
    folders = {}

    def go(name):
        if name not in folders:
            folders[name] = tmp_path_factory.mktemp("hf") / name
            MODELS[name][0](folders[name])
        return folders[name]

    yield go
    for folder in folders.values():
        shutil.rmtree(folder)


def load(path, **options):
    """Loads a model and checks its load report: nothing missing, nothing unexpected."""
    options.setdefault("dtype", "auto")
    model, info = transformers.AutoModelForCausalLM.from_pretrained(path, output_loading_info=True, **options)
    assert not any(info.values()), info
    return model.eval()


def logits(model):
    ids = torch.arange(2, 42)[None]
    with torch.no_grad():
        return model(input_ids=ids).logits


def same_bits(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and torch.equal(a.contiguous().view(torch.uint8), b.contiguous().view(torch.uint8))


def assert_same_states(a, b):
    a, b = a.state_dict(), b.state_dict()
    assert list(a) == list(b)
    for name, t in a.items():
        assert same_bits(t, b[name]), name


@pytest.mark.parametrize("name", MODELS)
def test_logits(name, made, mount):
    """Models loaded from the mount, from a BF16 copy, and by the library's own dequantization."""
    folder = made(name)
    mine = load(mount(folder / "packed").path)
    assert mine.dtype == torch.bfloat16 and not hasattr(mine.config, "quantization_config")
    plain = load(folder / "plain")
    assert_same_states(mine, plain)
    want = logits(plain)
    assert want.isfinite().all() and want.std() > 0
    assert same_bits(logits(mine), want)
    how = MODELS[name][1]
    if how:
        assert same_bits(logits(load(folder / "packed", quantization_config=how)), want)


@pytest.mark.parametrize("name", FEW)
def test_save_pretrained(name, made, mount, place):
    """Models saved from the mount and from the BF16 copy are the same files."""
    folder = made(name)
    load(mount(folder / "packed").path).save_pretrained(place / "mine")
    load(folder / "plain").save_pretrained(place / "theirs")
    mine, theirs = refrepo.tree_of(place / "mine"), refrepo.tree_of(place / "theirs")
    assert mine == theirs


@pytest.mark.parametrize("name", FEW)
def test_cp(name, made, mount, place):
    """A copy made with `cp -r` loads after the unmount."""
    folder = made(name)
    mounted = mount(folder / "packed")
    subprocess.run(["cp", "-r", mounted.path, place / "copy"], check=True)
    mounted.close()
    assert sorted(os.listdir(place / "copy")) == sorted(os.listdir(folder / "packed"))
    assert same_bits(logits(load(place / "copy")), logits(load(folder / "plain")))


def test_pread_backend_of_safetensors(made, mount):
    """Opens each shard with safe_open, as loaders do, and compares with the index."""
    import safetensors

    mounted = mount(made("gptoss") / "packed")
    weight_map = json.loads((mounted / "model.safetensors.index.json").read_text())["weight_map"]
    for file in sorted(set(weight_map.values())):
        with safetensors.safe_open(mounted / file, "pt") as f:
            assert set(f.keys()) == {n for n, at in weight_map.items() if at == file}


def test_float16(made, mount):
    """With --dtype=f16 the loader gets float16, in config and weights."""
    mounted = mount(made("gptoss") / "packed", "--dtype=f16")
    config = transformers.AutoConfig.from_pretrained(mounted.path)
    assert config.dtype == torch.float16


def test_nemotron_config(mount, made, place):
    """Infinity in config.json reaches Python unchanged."""
    folder = place / "model"
    subprocess.run(["cp", "-r", made("MXFP4A16") / "packed", folder], check=True)
    text = (folder / "config.json").read_text()
    (folder / "config.json").write_text(text.replace("{", '{\n  "time_step_limit": [0.0, Infinity],\n  "norm_epsilon": 1e-05,', 1))
    mounted = mount(folder)
    shown = (mounted / "config.json").read_text()
    assert '{\n  "time_step_limit": [0.0, Infinity],\n  "norm_epsilon": 1e-05,' in shown
    model = load(mounted.path)
    assert model.config.time_step_limit == [0.0, float("inf")] and model.config.norm_epsilon == 1e-05
    assert same_bits(logits(model), logits(load(made("MXFP4A16") / "plain")))


def test_cache_snapshot(made, mount, place):
    """The folder of a model in the Hugging Face cache, by its own name."""
    repo = place / "models--org--name"
    snapshot = repo / "snapshots" / ("a" * 40)
    (repo / "refs").mkdir(parents=True)
    (repo / "blobs").mkdir()
    snapshot.mkdir(parents=True)
    (repo / "refs" / "main").write_text("a" * 40)
    for i, file in enumerate(sorted((made("MXFP4A16") / "packed").iterdir())):
        (repo / "blobs" / str(i)).write_bytes(file.read_bytes())
        (snapshot / file.name).symlink_to(f"../../blobs/{i}")
    assert same_bits(logits(load(mount(repo).path)), logits(load(made("MXFP4A16") / "plain")))


def test_deepseek_v4_config(mount, place):
    """A config without quantization_config and expert_dtype is a plain model for transformers."""
    import refmodels

    model = refmodels.deepseek_v4()
    model.write(place / "model" / "model.safetensors")
    mounted = mount(place / "model")
    config = transformers.AutoConfig.from_pretrained(mounted.path)
    assert type(config).__name__ == "DeepseekV4Config" and config.dtype == torch.bfloat16
    assert getattr(config, "quantization_config", None) is None and getattr(config, "expert_dtype", None) is None
    assert getattr(transformers.AutoConfig.from_pretrained(place / "model"), "quantization_config", None)
