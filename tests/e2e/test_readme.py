# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""Runs the recipes of README.md as written, as an ordinary user, on a small gpt-oss."""

import pathlib
import re
import shutil

import pytest

pytestmark = pytest.mark.heavy

for package in ("torch", "transformers", "accelerate", "peft", "gguf"):
    pytest.importorskip(package)

README = pathlib.Path(__file__).resolve().parents[2] / "README.md"


def recipes():
    """(language, text) of each block, up to "At boot", whose recipes need a whole system."""
    part = README.read_text(encoding="utf-8").split("\n## Recipes\n")[1].split("\n### ")[0]
    return re.findall(r"^```(\w*)\n(.*?)^```$", part, re.M | re.S)


def script():
    """Runs all recipes in order, Python on the mount and shell as written, and removes mounts that a recipe leaves."""
    lines = ["mkdir mnt", "export HF_HUB_OFFLINE=1 OMP_NUM_THREADS=2"]
    for language, text in recipes():
        if language == "python":
            lines += ["mxfs gpt-oss-20b mnt", f"python3 - <<'END' 2>>warnings\n{text}END"]
        else:
            lines += [text]
        lines += ["! mountpoint -q mnt || mxfs -u mnt"]
    return "\n".join([*lines, "diff here.txt there.txt", "test -s here.txt", "ls"])


def test_recipes(as_user, place):
    import refrepo_hf

    refrepo_hf.gptoss(place / "m")
    prepare = f"cp -r '{place}/m/packed' gpt-oss-20b; cp -r '{place}/m/plain' someones-bf16; chown -R 65534:65534 ."
    try:
        done = as_user(script(), timeout=140, prepare=prepare)
    finally:
        shutil.rmtree(place / "m")
    assert done.returncode == 0, done
    assert len(recipes()) >= 8 and "\nthe same\n" in done.stdout and "NAME" not in done.stderr
    made = done.stdout.splitlines()
    assert {"adapter", "merged", "gpt-oss-20b-bf16", "layer0.safetensors", "model.gguf"} <= set(made), done.stdout
