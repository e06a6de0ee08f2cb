# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""Out of memory: the N-th allocation fails, for N = 0, 1, 2, ... until the program makes fewer allocations."""

import errno
import os
import pathlib
import re
import shutil
import signal
import subprocess

import pytest

import refhostile
import refmodels
import refrepo
import reftensor as rt
from conftest import children, mounted, wait_for_mounts
from helpers import preloaded

ROOT = pathlib.Path(__file__).resolve().parents[2]
DIRECTORY = ROOT / "tests/data/vectors/gptoss_dir/src"


@pytest.fixture(scope="module")
def failmalloc(tmp_path_factory):
    return preloaded(ROOT / "tests/support/failmalloc.c", tmp_path_factory.mktemp("oom"))


def fail_each(mxfs_bin, failmalloc, arguments, check=lambda succeeded: None):
    """Runs the program once per allocation, and check() after every run; returns the number of allocations."""

    def go(**env):
        done = subprocess.run([mxfs_bin, *arguments], capture_output=True, env={**os.environ, **env}, timeout=30, check=False)
        check(done.returncode == 0)
        return done

    good = go()
    assert good.returncode == 0
    for n in range(20_000):
        failing = {**failmalloc, "FAIL_AT": str(n)}
        done = go(**failing)
        if done.returncode == 0:
            # Either no allocation failed, or the one that did was not needed (such as a buffer of stdio).
            assert done.stdout == good.stdout, f"allocation {n}"
            if go(**failing, FAIL_ALL="1").returncode == 0:  # even if all allocations fail from there on
                return n
            continue
        assert done.returncode in (3, 5, 6), f"allocation {n}: {done}"
        lines = done.stderr.decode().splitlines()
        assert len(lines) == 1 and re.match(r"mxfs: .+", lines[0]), f"allocation {n}: {lines}"
    raise AssertionError("the allocations do not end")


@pytest.mark.parametrize("what", ["list", "json", "cat", "folder"])
def test_nth_allocation(what, mxfs_bin, failmalloc, place):
    source = refmodels.gptoss_hf().write(place / "m" / "model.safetensors")
    name = "model.layers.0.mlp.experts.down_proj"
    arguments = {
        "list": ["list", source],
        "json": ["list", "--json", source],
        "cat": ["cat", source, name],
        "folder": ["list", DIRECTORY],
    }[what]
    if what == "cat":
        listed = subprocess.run([mxfs_bin, "list", source], capture_output=True, text=True, check=True).stdout
        arguments[2] = next(line.split()[0] for line in listed.splitlines() if "mxfp4" in line)
    count = fail_each(mxfs_bin, failmalloc, [str(a) for a in arguments])
    assert count > 30


# Formats whose matching allocates and, for most, reads: one small group of each.
ALLOCATING = ["int-packed", "int-packed-zeros", "int-packed-order", "int8", "int4-pairs", "gptq", "gptq-order", "awq", "mlx-affine", "bnb-nf4", "bnb-nested", "nvfp4-compressed", "fp8-blocks"]


@pytest.mark.parametrize("name", ALLOCATING)
def test_nth_allocation_of_matching(name, mxfs_bin, failmalloc, place):
    """Running out of memory is an error, not a refusal: with --unsupported=raw a refusal would show the codes."""
    model = refhostile.GROUPS[name]()
    source, to = model.write(place / "m" / "m.safetensors"), place / "out"

    def check(succeeded):
        assert to.exists() == succeeded
        if succeeded:
            assert to.read_bytes() == model.expected_bytes()
            to.unlink()

    assert fail_each(mxfs_bin, failmalloc, ["export", "--jobs=1", "--unsupported=raw", str(source), str(to)], check) > 30


def test_nth_allocation_of_a_folder(mxfs_bin, failmalloc, place):
    """Lists a model whose groups are spread over two shards."""
    model = refhostile.GROUPS["gptq-order"]()
    folder = refrepo.placed(model, 2, lambda tensor: int(tensor.endswith("g_idx"))).write(place / "m")
    assert fail_each(mxfs_bin, failmalloc, ["list", "--unsupported=raw", str(folder)]) > 50


def test_nth_allocation_of_verify(mxfs_bin, failmalloc, place):
    """There is no verdict unless all values were compared."""
    model = refmodels.gptoss_hf()
    source = model.write(place / "m" / "model.safetensors")
    rt.save(place / "ref.safetensors", model.expected())
    assert fail_each(mxfs_bin, failmalloc, ["verify", "--jobs=1", str(source), str(place / "ref.safetensors")]) > 50


@pytest.mark.parametrize("what", ["file", "folder"])
def test_nth_allocation_of_an_export(what, mxfs_bin, failmalloc, place):
    """DEST is complete or unchanged."""
    model = refmodels.gptoss_hf()
    source = model.write(place / "m" / "model.safetensors")
    to = place / "to"
    to.mkdir()

    def check(succeeded):
        assert os.listdir(to) == (["x"] if succeeded else [])
        if succeeded:
            made = to / "x" if what == "file" else to / "x" / source.name
            assert made.read_bytes() == model.expected_bytes()
            shutil.rmtree(to / "x") if what == "folder" else (to / "x").unlink()

    arguments = ["export", "--jobs=1", str(source if what == "file" else source.parent), str(to / "x")]
    assert fail_each(mxfs_bin, failmalloc, arguments, check) > 50


def test_nth_allocation_of_a_mount(mxfs_bin, failmalloc, place, fuse):
    """mxfs fails with a message and no mount, or mounts and serves right bytes; a read may fail, but never gives other
    bytes. If libfuse has no memory for a second thread, it ends the new mount."""
    model = refmodels.gptoss_hf()
    source, folder, want = model.write(place / "m" / "model.safetensors"), place / "mnt", model.expected_bytes()
    folder.mkdir()
    outcomes = set()
    for n in range(150):  # mounting this model and reading it once takes about 120
        env = {**os.environ, **failmalloc, "FAIL_AT": str(n)}
        command = [mxfs_bin, "--views=none", source, folder]
        try:
            done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=30, check=False)
        except subprocess.TimeoutExpired:
            for pid in children():  # a hanging daemon would block any process that accesses its mount
                if f"FAIL_AT={n}\0".encode() in pathlib.Path(f"/proc/{pid}/environ").read_bytes():
                    os.kill(pid, signal.SIGKILL)
            raise
        outcomes.add(done.returncode)
        if done.returncode:
            assert done.returncode in (5, 6) and done.stderr.startswith(("mxfs: ", "fuse: ")), f"allocation {n}: {done}"
            assert not mounted(folder), f"allocation {n}"
            continue
        try:
            assert (folder / source.name).read_bytes() == want, f"allocation {n}"
        except OSError as e:
            if e.errno in (errno.ENOENT, errno.ENOTCONN, errno.ECONNABORTED):
                wait_for_mounts(lambda: not mounted(folder))
                continue
            assert e.errno in (errno.ENOMEM, errno.EIO), f"allocation {n}: {e}"
        subprocess.run(["fusermount3", "-u", folder], capture_output=True, check=False)  # if it is still running
        wait_for_mounts(lambda: not mounted(folder))
    assert 0 in outcomes and 6 in outcomes
