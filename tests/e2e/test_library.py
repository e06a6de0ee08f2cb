# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""libmxfs.so as other languages use it: every function of mxfs.h, compared with what a mount should show."""

import ctypes
import os
import resource
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest

import refmodels
import refrepo
import reftensor as rt
from helpers import assert_same
from libmxfs import NO_TENSOR, Description, FileDescription, Log, OpenOptions, open_source


@pytest.fixture(autouse=True)
def has_library(lib):
    if lib is None:
        pytest.skip("Python would have to be run with the sanitizer's library")


@pytest.fixture
def opened(lib):
    """opened(PATH, OPTIONS) -> (handle, reader), closed after the test."""
    made = []

    def go(path, options=None):
        status, why, handle = open_source(lib, path, options)
        assert status == 0, why
        made.append((handle, lib.mxfs_reader_new(handle)))
        return made[-1]

    yield go
    for handle, reader in made:
        lib.mxfs_reader_free(reader)
        lib.mxfs_close(handle)


def read(function, reader, index, size, step):
    """All bytes of a tensor or file, `step` at a time; also reads once past the end."""
    buffer, out = ctypes.create_string_buffer(step), b""
    while (n := function(reader, index, buffer, step, len(out))) > 0:
        assert n == min(step, size - len(out))
        out += buffer.raw[:n]
    assert n == 0 and function(reader, index, buffer, step, size + 1000) == 0
    return out


def described(lib, handle, index):
    """(name, description) of a tensor; the name ends with NUL."""
    d = Description()
    lib.mxfs_describe(handle, index, ctypes.byref(d))
    name = ctypes.string_at(d.name, d.name_len + 1)
    assert name[-1] == 0
    return name[:-1].decode(), d


def described_file(lib, handle, file):
    d = FileDescription()
    lib.mxfs_describe_file(handle, file, ctypes.byref(d))
    return d


@pytest.mark.parametrize("dtype", ["BF16", "F32"])
def test_file(dtype, lib, opened, place):
    model = refmodels.gptoss_hf()
    h, r = opened(model.write(place / "m.safetensors"), f"dtype={dtype.lower()},cache-size=1M".encode())
    want, data = model.expected(dtype), model.expected_bytes(dtype)
    assert lib.mxfs_tensor_count(h) == len(want)
    names = []
    for i in range(len(want)):
        name, d = described(lib, h, i)
        names.append(name)
        t = want[name]
        assert (d.dtype.decode(), tuple(d.shape[: d.rank]), d.size, d.file) == (t.dtype, t.shape, len(t.data), 0)
        assert (d.scheme == b"plain") == (name not in model.parts)
        assert data[d.offset : d.offset + d.size] == t.data
        assert lib.mxfs_find(h, name.encode(), len(name.encode())) == i
        assert_same(read(lib.mxfs_read_tensor, r, i, d.size, 100_000), t.data, name)
    assert names == sorted(want)
    d = described_file(lib, h, 0)
    assert (lib.mxfs_file_count(h), d.name, d.size, d.first_tensor, d.tensor_count) == (1, b"m.safetensors", len(data), 0, len(want))
    assert_same(read(lib.mxfs_read_file, r, 0, len(data), 77_777), data)


def test_folder(lib, opened, place):
    """Tensors are numbered file by file, and each can be found by name and read."""
    sharded = refrepo.spread(refmodels.gptoss_hf(), 5)
    h, r = opened(sharded.write(place / "repo"))
    outputs = sharded.outputs()
    assert lib.mxfs_tensor_count(h) == len(outputs)
    descriptions = [described_file(lib, h, f) for f in range(lib.mxfs_file_count(h))]
    files = [d.name.decode() for d in descriptions]
    assert sorted(files) == sorted(sharded.files)
    for f, file in enumerate(files):
        want = sharded.expected(file)
        assert descriptions[f].size == len(want)
        assert_same(read(lib.mxfs_read_file, r, f, len(want), 1 << 20), want, file)
    order = []
    for i in range(len(outputs)):
        name, d = described(lib, h, i)
        file, t = outputs[name]
        assert files[d.file] == file and lib.mxfs_find(h, name.encode(), d.name_len) == i
        assert_same(read(lib.mxfs_read_tensor, r, i, d.size, 1 << 20), t.data, name)
        of = descriptions[d.file]
        assert of.first_tensor <= i < of.first_tensor + of.tensor_count
        order.append((d.file, name))
    assert order == sorted(order) and sum(d.tensor_count for d in descriptions) == len(order)


def test_many_threads(lib, opened, place):
    """Many threads read one handle at once, each with its own reader."""
    model = refmodels.gptoss_hf()
    h, _ = opened(model.write(place / "m.safetensors"))
    want = model.expected_bytes()
    wrong = []

    def reader(seed):
        r = lib.mxfs_reader_new(h)
        rng, buffer = np.random.default_rng(seed), ctypes.create_string_buffer(50_000)
        for _ in range(200):
            at, n = int(rng.integers(0, len(want))), int(rng.integers(1, 50_000))
            got = lib.mxfs_read_file(r, 0, buffer, n, at)
            if buffer.raw[:got] != want[at : at + n]:
                wrong.append((seed, at, n))
        lib.mxfs_reader_free(r)

    threads = [threading.Thread(target=reader, args=(seed,)) for seed in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_failures(lib, opened, place):
    """The status is the program's exit code, the reason is one line, and the handle is NULL."""
    refmodels.gptoss_hf().write(place / "m.safetensors")
    (place / "bad.safetensors").write_bytes(b"no")
    rt.save(place / "nf4.safetensors", {"w.weight": rt.tensor(np.zeros((8, 1), np.uint8)), "w.weight.quant_state.bitsandbytes__nf4": rt.tensor(np.zeros(4, np.uint8))})
    cases = [
        ("m.safetensors", b"dtype=f33", 2, b"auto|bf16|f16|f32"), ("m.safetensors", b"cache-size=1k", 2, b"cache-size"),
        ("bad.safetensors", None, 3, b"bad.safetensors"), ("nf4.safetensors", None, 4, b"unsupported"), ("gone", None, 5, b"gone"),
    ]  # fmt: skip
    for file, options, status, word in cases:
        got, why, _ = open_source(lib, place / file, options)
        assert got == status and word in why and b"\n" not in why, (file, why)
        handle, short = ctypes.c_void_p(1), ctypes.create_string_buffer(b"x" * 8)
        assert lib.mxfs_open(ctypes.byref(handle), bytes(place / file), options, short, 8) == status and short.value == why[:7]
        assert lib.mxfs_open(ctypes.byref(handle), bytes(place / file), options, None, 0) == status and not handle
    lib.mxfs_close(None)
    lib.mxfs_reader_free(None)
    h, _ = opened(place / "m.safetensors")
    assert lib.mxfs_find(h, b"nobody", 6) == NO_TENSOR


def test_typed_options(lib, opened, place):
    """Every field acts like the option of its name; invalid values are refused."""
    model = refmodels.gptoss_hf()
    path = model.write(place / "m.safetensors")
    (some,) = sorted(model.parts)[:1]
    options = OpenOptions(type=3, only=some.encode(), cache_size=1 << 20, kernel=b"scalar", scheme=b"mxfp4-gptoss")
    h, r = opened(path, options)
    assert lib.mxfs_tensor_count(h) == 1
    name, d = described(lib, h, 0)
    want = model.expected("F32")[some]
    assert name == some and d.dtype == b"F32"
    assert_same(read(lib.mxfs_read_tensor, r, 0, d.size, 12345), want.data)
    for wrong, word in [({"type": 4}, b"type"), ({"type": -1}, b"type"), ({"cache_size": 1}, b"cache_size"), ({"kernel": b"x"}, b"kernel"), ({"scheme": b"x"}, b"scheme")]:
        status, why, _ = open_source(lib, path, OpenOptions(**wrong))
        assert status == 2 and word in why, (wrong, why)
    assert open_source(lib, path, OpenOptions(only=b"nothing*"))[0] == 6
    half = {n: t for n, t in model.source.items() if not n.endswith("_scales")}
    rt.save(place / "half.safetensors", half, {"format": "pt"})
    assert open_source(lib, place / "half.safetensors", OpenOptions())[0] == 4
    h, _ = opened(place / "half.safetensors", OpenOptions(raw=1))
    assert lib.mxfs_tensor_count(h) == len(half)


def test_callers_of_other_versions(lib, opened, place):
    """Structs may be shorter or longer than the library's: nothing beyond either end is read or written."""
    h, _ = opened(refmodels.gptoss_hf().write(place / "m.safetensors"))
    _, whole = described(lib, h, 0)
    size = ctypes.sizeof(Description)
    for told in (0, 8, 24, size - 8, size, size + 40):
        raw = ctypes.create_string_buffer(b"\xa5" * (size + 64), size + 64)
        raw[:8] = told.to_bytes(8, "little")
        lib.mxfs_describe(h, 0, ctypes.cast(raw, ctypes.POINTER(Description)))
        kept = min(max(told, 8), size)
        assert raw.raw[8:kept] == bytes(whole)[8:kept] and raw.raw[kept : max(told, kept)] == bytes(max(told - kept, 0))
        assert set(raw.raw[max(told, kept) :]) == {0xA5}, told
    old = OpenOptions(type=3, raw=99, partial=99)
    old.struct_size = OpenOptions.cache_size.offset  # has no field at all
    h, _ = opened(place / "m.safetensors", old)
    assert b"BF16" in {described(lib, h, i)[1].dtype for i in range(lib.mxfs_tensor_count(h))}


def test_few_descriptors(lib, opened, place):
    """Opening fails if it runs out of descriptors; the library leaves the limit to the host."""
    folder = refrepo.spread(refmodels.gptoss_hf(), 8).write(place / "repo")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    opened(folder)
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == before
    used = set(map(int, os.listdir("/proc/self/fd")))
    free = [fd for fd in range(len(used) + 5) if fd not in used]
    resource.setrlimit(resource.RLIMIT_NOFILE, (free[4], before[1]))
    try:
        status, why, _ = open_source(lib, folder)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert status == 5 and b"too many open files" in why, why
    assert set(map(int, os.listdir("/proc/self/fd"))) == used


def test_log(lib, opened, place, capfd):
    """Log lines go to the host's function, never to its stderr."""
    path = refmodels.gptoss_hf().write(place / "m.safetensors")
    lines = []
    log = Log(lambda data, importance, line: lines.append((data, importance, line)))
    for wanted in (True, False):
        h, r = opened(path)
        lib.mxfs_set_log(log if wanted else Log(), 42)
        os.utime(path, ns=(1, 1 + wanted))
        assert lib.mxfs_read_tensor(r, 0, ctypes.create_string_buffer(10), 10, 0) == -5
        assert bool(lines) == wanted
        assert all(data == 42 and importance == 0 and b"\n" not in line for data, importance, line in lines)
        assert not wanted or any(bytes(path) in line for _, _, line in lines)
        lines.clear()
    assert capfd.readouterr() == ("", "")


def test_nothing_of_the_program(mxfs_bin):
    """The library has no man page, completions or getopt, and exports only its interface."""
    library = Path(mxfs_bin).parent / "libmxfs.so"
    data = library.read_bytes()
    assert b".TH" not in data and b"complete -c" not in data and b"getopt" not in data
    symbols = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True).stdout
    header = (Path(__file__).resolve().parents[2] / "include/mxfs.h").read_text()
    exported = {line.split()[-1] for line in symbols.splitlines()}
    assert exported and all(f"{name}(" in header for name in exported), exported


def test_source_that_changes(lib, opened, place):
    """Reads of a source that changed fail with EIO and never give other bytes."""
    path = refmodels.gptoss_hf().write(place / "m.safetensors")
    (h, r), buffer = opened(path), ctypes.create_string_buffer(1 << 20)
    os.truncate(path, path.stat().st_size // 2)
    assert lib.mxfs_read_file(r, 0, buffer, len(buffer), described_file(lib, h, 0).size - 1000) == -5
    assert lib.mxfs_read_tensor(r, lib.mxfs_tensor_count(h) - 1, buffer, len(buffer), 0) == -5


def test_version(lib, run):
    assert lib.mxfs_version() in run("--version").out


def test_copies(lib, opened, place):
    """Where two shards hold a tensor, mxfs_find() finds the copy that the index names."""
    for number in (1, 2):
        rt.save(place / f"m-{number}.safetensors", {name: rt.tensor(np.full(4, number, np.uint8)) for name in ("w", f"x{number}")})
    (place / "m.safetensors.index.json").write_text('{"weight_map":{"w":"m-2.safetensors","x1":"m-1.safetensors","x2":"m-2.safetensors"}}')
    handle, reader = opened(place)
    assert read(lib.mxfs_read_tensor, reader, lib.mxfs_find(handle, b"w", 1), 4, 4) == bytes([2] * 4)
