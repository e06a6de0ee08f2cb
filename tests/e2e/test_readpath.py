# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""Cache size, look-ahead and direct I/O change no byte, in whatever order a file is read."""

import concurrent.futures
import os
import random

import pytest

import refmodels
from helpers import assert_same

STEP = 128 << 10


@pytest.fixture(scope="module")
def model():
    """Matrices of several units and two sizes, between tensors that are copied or streamed."""
    made, fill = refmodels.Model(), refmodels.random_fill(5)
    for layer, (experts, rows, blocks) in enumerate(((6, 1100, 40), (5, 2000, 33))):
        refmodels.add_gptoss(made, f"model.layers.{layer}.mlp.experts.gate_up_proj", fill, experts, rows, blocks)
    refmodels.add_gptoss(made, "x.weight", fill, 3, 64, 40, transpose=False)
    return made


@pytest.fixture(scope="module")
def want(model):
    return model.expected_bytes()


def forwards(fd, want, begin=0, end=None):
    """Walks that are long enough to start look-ahead."""
    for at in range(begin, len(want) if end is None else end, STEP):
        assert_same(os.pread(fd, STEP, at), want[at : at + STEP], f"at {at}")


def backwards(fd, want):
    for at in reversed(range(0, len(want), STEP)):
        assert_same(os.pread(fd, STEP, at), want[at : at + STEP], f"at {at}")


def seeking(fd, want):
    """Walks that stop early, some inside data that was loaded ahead for them."""
    rng = random.Random(3)
    for _ in range(40):
        begin = rng.randrange(len(want))
        forwards(fd, want, begin, min(begin + rng.randrange(4 << 20), len(want)))


def side_by_side(fd, want):
    """More walkers than the cache has room for."""
    parts = [len(want) * i // 16 for i in range(17)]
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda i: forwards(fd, want, parts[i], parts[i + 1]), range(16)))


def many_files(fd, want):
    """More walkers than the cache has room for, each with its own descriptor, which is closed midway."""

    def walk(part):
        own = os.open(f"/proc/self/fd/{fd}", os.O_RDONLY)
        try:
            forwards(own, want, part, min(part + len(want) // 16, len(want)))
        finally:
            os.close(own)

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(walk, range(0, len(want), len(want) // 16)))


def at_once(fd, want):
    """One read of the whole file puts many requests of the largest size in flight."""
    got = bytearray()
    while len(got) < len(want):
        got += os.pread(fd, len(want), len(got))
    assert_same(got, want)


@pytest.mark.parametrize("way", [forwards, backwards, seeking, side_by_side, many_files, at_once], ids=lambda f: f.__name__)
@pytest.mark.parametrize("direct", [False, True], ids=["paged", "direct"])
@pytest.mark.parametrize("cache", ["1M", "5M", "64M", "1G"])
def test_no_byte_changes(cache, direct, way, model, want, mount, place):
    source = model.write(place / "src" / "model.safetensors")
    made = mount(source, f"--cache-size={cache}", "--views=none", *["--direct-io"] * direct)
    fd = os.open(made.file, os.O_RDONLY)
    try:
        for _ in range(2):  # the second time with a cache that the first has filled
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            way(fd, want)
    finally:
        os.close(fd)


@pytest.mark.parametrize("threads", [1, 4, 40])
def test_threads(threads, model, want, mount, place):
    """Few threads do not look ahead; many threads wait for each other's units."""
    source = model.write(place / "src" / "model.safetensors")
    made = mount(source, f"--threads={threads}", "--cache-size=2M", "--views=none")
    fd = os.open(made.file, os.O_RDONLY)
    try:
        side_by_side(fd, want)
    finally:
        os.close(fd)


def test_memory(model, want, mount, place, sanitized):
    """The cache keeps its bound while 16 walkers look ahead."""
    if sanitized:
        pytest.skip("a sanitizer needs memory itself")
    source = model.write(place / "src" / "model.safetensors")
    made = mount(source, "--cache-size=4M", "--views=none")
    fd = os.open(made.file, os.O_RDONLY)
    try:
        side_by_side(fd, want)
    finally:
        os.close(fd)
    assert made.memory("VmHWM") <= (4 + 32) * 2**20 + 400 * 5
