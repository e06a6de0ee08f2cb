# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""Defective groups: every scheme gives the right answer, or a refusal that names the tensor."""

import json
import re

import pytest

import refhostile
import reftensor as rt
from helpers import assert_same


@pytest.fixture
def shown(run, place):
    """shown(model, tensors) -> the Result of exporting a file of those tensors with the model's config."""

    def go(model, tensors):
        rt.save(place / "m.safetensors", tensors, {"format": "pt"})
        if model.config:
            (place / "config.json").write_text(json.dumps(model.config))
        return run("export", place / "m.safetensors", "-")

    return go


@pytest.mark.parametrize("name", refhostile.GROUPS)
def test_sound(name, shown):
    """The valid tensors that the cases below corrupt."""
    model = refhostile.GROUPS[name]()
    assert_same(shown(model, model.source).out, model.expected_bytes())


@pytest.mark.parametrize("name", refhostile.GROUPS)
def test_mutants(name, shown):
    model = refhostile.GROUPS[name]()
    (output,) = model.parts
    right, wrong = model.expected()[output], []
    for what, tensors in refhostile.mutants(model):
        done = shown(model, tensors)
        if done.rc in (3, 4):
            done.refuses(done.rc, '"x')
            continue
        assert done.rc == 0, (what, done)
        got = rt.read(done.out)[0].get(output)
        if got != right and not any(re.fullmatch(sound, what) for sound in refhostile.SOUND.get(name, [])):
            wrong.append((what, got and (got.dtype, got.shape)))
    assert not wrong, wrong
