# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""libmxfs.so as another language uses it: every function of mxfs.h, against what the mount should show."""

import ctypes
import os
import threading
from pathlib import Path

import numpy as np
import pytest

import refmodels
import refrepo
import reftensor as rt
from helpers import assert_same

NO_TENSOR = ctypes.c_size_t(-1).value
Handle = ctypes.c_void_p


class Description(ctypes.Structure):
    _fields_ = [("name", ctypes.c_void_p), ("name_len", ctypes.c_size_t), ("dtype", ctypes.c_char_p),
                ("scheme", ctypes.c_char_p), ("shape", ctypes.POINTER(ctypes.c_uint64)), ("rank", ctypes.c_size_t),
                ("size", ctypes.c_uint64), ("file", ctypes.c_size_t), ("offset", ctypes.c_uint64)]  # fmt: skip


READ = [Handle, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint64]
FUNCTIONS = {
    "mxfs_open": (ctypes.c_int, [ctypes.POINTER(Handle), ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t]),
    "mxfs_close": (None, [Handle]),
    "mxfs_tensor_count": (ctypes.c_size_t, [Handle]),
    "mxfs_describe": (Description, [Handle, ctypes.c_size_t]),
    "mxfs_find": (ctypes.c_size_t, [Handle, ctypes.c_char_p, ctypes.c_size_t]),
    "mxfs_read_tensor": (ctypes.c_ssize_t, READ),
    "mxfs_file_count": (ctypes.c_size_t, [Handle]),
    "mxfs_file_name": (ctypes.c_char_p, [Handle, ctypes.c_size_t]),
    "mxfs_file_size": (ctypes.c_uint64, [Handle, ctypes.c_size_t]),
    "mxfs_read_file": (ctypes.c_ssize_t, READ),
    "mxfs_version": (ctypes.c_char_p, []),
}


@pytest.fixture(scope="module")
def lib(mxfs_bin, sanitized):
    if sanitized:
        pytest.skip("Python would have to be run with the sanitizer's library")
    out = ctypes.CDLL(str(Path(mxfs_bin).parent / "libmxfs.so"))
    for name, (result, arguments) in FUNCTIONS.items():
        function = getattr(out, name)
        function.restype, function.argtypes = result, arguments
    return out


@pytest.fixture
def opened(lib):
    """opened(PATH, OPTIONS) -> handle, closed after the test."""
    handles = []

    def go(path, options=None):
        handle, why = Handle(), ctypes.create_string_buffer(1024)
        status = lib.mxfs_open(ctypes.byref(handle), bytes(path), options, why, len(why))
        assert status == 0, why.value
        handles.append(handle)
        return handle

    yield go
    for handle in handles:
        lib.mxfs_close(handle)


def read(function, handle, index, size, step):
    """All bytes of a tensor or file, `step` at a time; asks once more behind the end."""
    buffer, out = ctypes.create_string_buffer(step), b""
    while (n := function(handle, index, buffer, step, len(out))) > 0:
        assert n == min(step, size - len(out))
        out += buffer.raw[:n]
    assert n == 0 and function(handle, index, buffer, step, size + 1000) == 0
    return out


def described(lib, handle, index):
    """(name, description) of a tensor."""
    d = lib.mxfs_describe(handle, index)
    return ctypes.string_at(d.name, d.name_len).decode(), d


@pytest.mark.parametrize("dtype", ["BF16", "F32"])
def test_file(dtype, lib, opened, place):
    model = refmodels.gptoss_hf()
    h = opened(model.write(place / "m.safetensors"), f"dtype={dtype.lower()},cache-size=1M".encode())
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
        assert_same(read(lib.mxfs_read_tensor, h, i, d.size, 100_000), t.data, name)
    assert names == sorted(want)
    assert (lib.mxfs_file_count(h), lib.mxfs_file_name(h, 0), lib.mxfs_file_size(h, 0)) == (1, b"m.safetensors", len(data))
    assert_same(read(lib.mxfs_read_file, h, 0, len(data), 77_777), data)


def test_folder(lib, opened, place):
    """Tensors are numbered by file; every one is found and read where it is."""
    sharded = refrepo.spread(refmodels.gptoss_hf(), 5)
    h = opened(sharded.write(place / "repo"))
    outputs = sharded.outputs()
    assert lib.mxfs_tensor_count(h) == len(outputs)
    files = [lib.mxfs_file_name(h, f).decode() for f in range(lib.mxfs_file_count(h))]
    assert sorted(files) == sorted(sharded.files)
    for f, file in enumerate(files):
        want = sharded.expected(file)
        assert lib.mxfs_file_size(h, f) == len(want)
        assert_same(read(lib.mxfs_read_file, h, f, len(want), 1 << 20), want, file)
    order = []
    for i in range(len(outputs)):
        name, d = described(lib, h, i)
        file, t = outputs[name]
        assert files[d.file] == file and lib.mxfs_find(h, name.encode(), d.name_len) == i
        assert_same(read(lib.mxfs_read_tensor, h, i, d.size, 1 << 20), t.data, name)
        order.append((d.file, name))
    assert order == sorted(order)


def test_many_threads(lib, opened, place):
    """One handle, read by all at once."""
    model = refmodels.gptoss_hf()
    h = opened(model.write(place / "m.safetensors"))
    want = model.expected_bytes()
    wrong = []

    def reader(seed):
        rng, buffer = np.random.default_rng(seed), ctypes.create_string_buffer(50_000)
        for _ in range(200):
            at, n = int(rng.integers(0, len(want))), int(rng.integers(1, 50_000))
            got = lib.mxfs_read_file(h, 0, buffer, n, at)
            if buffer.raw[:got] != want[at : at + n]:
                wrong.append((seed, at, n))

    threads = [threading.Thread(target=reader, args=(seed,)) for seed in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_failures(lib, opened, place):
    """Statuses are the exit codes; the line says why; no handle comes out."""
    refmodels.gptoss_hf().write(place / "m.safetensors")
    (place / "bad.safetensors").write_bytes(b"no")
    rt.save(place / "nf4.safetensors", {"w.weight": rt.tensor(np.zeros((8, 1), np.uint8)), "w.weight.quant_state.bitsandbytes__nf4": rt.tensor(np.zeros(4, np.uint8))})
    cases = [
        ("m.safetensors", b"dtype=f33", 2, b"auto|bf16|f16|f32"), ("m.safetensors", b"cache-size=1k", 2, b"cache-size"),
        ("bad.safetensors", None, 3, b"bad.safetensors"), ("nf4.safetensors", None, 4, b"unsupported"), ("gone", None, 5, b"gone"),
    ]  # fmt: skip
    for file, options, status, word in cases:
        handle, why = Handle(1), ctypes.create_string_buffer(1024)
        assert lib.mxfs_open(ctypes.byref(handle), bytes(place / file), options, why, len(why)) == status, (file, why.value)
        assert not handle and word in why.value and b"\n" not in why.value, why.value
        short = ctypes.create_string_buffer(b"x" * 8)
        assert lib.mxfs_open(ctypes.byref(handle), bytes(place / file), options, short, 8) == status and short.value == why.value[:7]
        assert lib.mxfs_open(ctypes.byref(handle), bytes(place / file), options, None, 0) == status
    lib.mxfs_close(None)
    h = opened(place / "m.safetensors")
    assert lib.mxfs_find(h, b"nobody", 6) == NO_TENSOR


def test_source_that_changes(lib, opened, place):
    """EIO, never other bytes."""
    path = refmodels.gptoss_hf().write(place / "m.safetensors")
    h, buffer = opened(path), ctypes.create_string_buffer(1 << 20)
    os.truncate(path, path.stat().st_size // 2)
    assert lib.mxfs_read_file(h, 0, buffer, len(buffer), lib.mxfs_file_size(h, 0) - 1000) == -5
    assert lib.mxfs_read_tensor(h, lib.mxfs_tensor_count(h) - 1, buffer, len(buffer), 0) == -5


def test_version(lib, run):
    assert lib.mxfs_version() in run("--version").out
