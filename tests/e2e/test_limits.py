# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""Little memory, and long names: a mount that answers, or a failure that says what to do."""

import concurrent.futures
import os
import pathlib
import re
import signal
import subprocess
import uuid

import pytest

import refmodels
from conftest import mounted
from helpers import assert_same


@pytest.fixture
def model():
    return refmodels.quark()


@pytest.fixture
def source(model, place):
    return model.write(place / "src" / "m.safetensors")


def read_by_many(folder, want):
    """Everything below a mount, by more readers than the daemon has threads."""
    files = [p for p in folder.rglob("*") if p.is_file()] + [folder / "m.safetensors"] * 16
    with concurrent.futures.ThreadPoolExecutor(len(files)) as pool:
        for path, data in zip(files, pool.map(pathlib.Path.read_bytes, files)):
            if path.name == "m.safetensors":
                assert_same(data, want)


@pytest.mark.parametrize(
    ("options", "limits"),
    [((), range(40_000, 300_000, 13_000)), (("--threads=2", "--cache-size=1M"), range(20_000, 120_000, 4_900))],
    ids=["default", "small"],
)
def test_little_address_space(options, limits, source, model, place, mxfs_bin, fuse, sanitized):
    """For every limit (in KiB): a mount that serves, or exit 6, a reason, and no mount."""
    if sanitized:
        pytest.skip("sanitizers take more address space than that")
    want, outcomes = model.expected_bytes(), []
    (place / "m").mkdir()
    for limit in limits:
        command = ["bash", "-c", f'ulimit -v {limit} && exec "$@"', "-", mxfs_bin, "-q", *options, source, place / "m"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode == 0:
            assert mounted(place / "m"), (limit, done)
            read_by_many(place / "m", want)
            subprocess.run(["fusermount3", "-u", place / "m"], check=True)
        elif done.returncode != 127:  # the dynamic loader had too little
            assert done.returncode == 6 and done.stderr.count("\n") == 1, (limit, done)
            assert "address space" in done.stderr or "memory" in done.stderr, (limit, done)
        assert not mounted(place / "m"), (limit, done)
        outcomes.append(done.returncode)
    assert outcomes[-1] == 0 and 6 in outcomes and outcomes == sorted(outcomes, key=[127, 6, 0].index)


@pytest.fixture
def group():
    """group(BYTES) -> a new control group with that memory limit, below the one of this process."""
    made = []

    def go(limit):
        for line in pathlib.Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
            left, (kind, _, options) = line.split(" - ")[0], line.split(" - ")[1].split()
            name = {"cgroup2": "memory.max", "cgroup": "memory.limit_in_bytes"}.get(kind)
            if not name or (kind == "cgroup" and "memory" not in options.split(",")):
                continue
            path = pathlib.Path(left.split()[4]) / f"mxfs-test-{uuid.uuid4().hex}"
            try:
                path.mkdir()
                made.append(path)
                (path / name).write_text(str(limit))
                return path
            except OSError:  # read-only, or version 2 without the memory controller
                continue
        pytest.skip("no control group with a memory limit can be made here")

    yield go
    for path in made:
        path.rmdir()


def in_group(path):
    return ["bash", "-c", 'echo 0 >"$0/cgroup.procs" && exec "$@"', str(path)]


class TestControlGroup:
    def test_a_cache_that_fits_is_chosen(self, group, source, model, mount, mxfs_bin, sanitized):
        if sanitized:
            pytest.skip("sanitizers take more memory than that")
        made = mount(source, command=[*in_group(group(80 << 20)), mxfs_bin])
        assert "memory limit is 80 MiB: using --cache-size=24M" in made.stderr
        assert_same(made.file.read_bytes(), model.expected_bytes())
        os.kill(made.pid, signal.SIGTERM)
        assert made.wait() == 0

    def test_the_default_is_kept_where_it_fits(self, group, source, mount, mxfs_bin):
        made = mount(source, command=[*in_group(group(512 << 20)), mxfs_bin])
        assert made.stderr == ""
        os.kill(made.pid, signal.SIGTERM)
        assert made.wait() == 0

    @pytest.mark.parametrize(
        ("limit", "options", "words"),
        [
            (80, ["--cache-size=100M"], "the cache does not fit; use --cache-size=48M"),
            (24, [], "not even --cache-size=1M fits; raise the limit to 33 MiB"),
        ],
    )
    def test_what_does_not_fit(self, limit, options, words, group, source, place, mxfs_bin):
        (place / "m").mkdir()
        command = [*in_group(group(limit << 20)), mxfs_bin, *options, source, place / "m"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 6 and done.stderr.count("\n") == 1, done
        assert f"memory limit is {limit} MiB" in done.stderr and words in done.stderr
        assert not mounted(place / "m")


# Lengths of names: Linux filesystems end at 255, FUSE at 1024 before Linux 6.14, paths at 4095.
SHOWN, TOO_LONG = [200, 255, 256, 257, 600, 1023, 1024], [1025, 2000]


def test_long_names(model, place, serve, mount):
    folder = place / "folder"
    for n in SHOWN + TOO_LONG:
        sub = folder / f"{n}.dir"
        sub.mkdir(parents=True)
        (sub / f"{n}.txt").write_text(str(n))
        (folder / f"{n}.txt").write_text(str(n))
    model.write(folder / "600.safetensors")
    made = mount(serve("longnames", folder), "-v", foreground=True)
    names = sorted(os.listdir(made.path))
    want = ["x" * (n - len(end)) + end for n in SHOWN for end in (".dir", ".txt")]
    want += ["x" * (600 - len(".safetensors")) + ".safetensors"]
    assert names == sorted(want)
    # A path has at most 4096 bytes, so long names are opened from where they are.
    at = os.open(made.path, os.O_RDONLY)
    try:
        for name in names:
            st = os.stat(name, dir_fd=at)
            if name.endswith(".dir"):
                assert os.listdir(sub := os.open(name, os.O_RDONLY, dir_fd=at)) == (["x" * (len(name) - 4) + ".txt"])
                os.close(sub)
            with open(os.open(name, os.O_RDONLY, dir_fd=at), "rb") if not name.endswith(".dir") else open(os.devnull, "rb") as f:
                data = f.read()
            if name.endswith(".txt"):
                assert data == str(len(name)).encode() and st.st_size == len(data)
            if name.endswith(".safetensors"):
                assert_same(data, model.expected_bytes())
        assert os.statvfs(made.path).f_namemax == 1024
        with pytest.raises(FileNotFoundError):
            os.stat("x" * 1021 + ".txt", dir_fd=at)
    finally:
        os.close(at)
    os.kill(made.pid, signal.SIGTERM)
    assert made.wait() == 0
    (line,) = [line for line in made.stderr.splitlines() if "not shown" in line]
    assert re.search(r"names of more than 1024 bytes are not shown; the first is \"?x{20,}", line), line


def test_long_name_of_a_file(model, place, serve, mount):
    """SOURCE itself."""
    model.write(place / "folder" / "700.safetensors")
    name = "x" * (700 - len(".safetensors")) + ".safetensors"
    made = mount(serve("longnames", place / "folder") / name)
    assert_same((made / name).read_bytes(), model.expected_bytes())
    assert sorted(os.listdir(made.path)) == sorted([name, "npy", "tensors"])
