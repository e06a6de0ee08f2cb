# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""Unmodified programs and libraries read the mount, at any offset and length, alone and in parallel."""

import hashlib
import mmap
import os
import random
import subprocess
import sys
import threading

import ml_dtypes
import numpy as np
import pytest
import safetensors
import safetensors.numpy

import refmodels as models
import reftensor as rt
from helpers import assert_same

SEED = int(os.environ.get("MXFS_TEST_SEED") or random.SystemRandom().randrange(1 << 32))


def big_model():
    """Large enough for readahead, several stripes and several tiles: about 24 MB dequantized."""
    model = models.Model()
    fill = models.random_fill(11, 0, 255)
    models.add_gptoss(model, "model.layers.0.mlp.experts.gate_up_proj", fill, 4, 1443, 18)
    models.add_gptoss(model, "model.layers.0.mlp.experts.down_proj", fill, 2, 577, 24)
    models.add_packed(model, "model.layers.0.self_attn.o_proj", fill, 1021, 40)
    models.add_tiles(model, "layers.0.attn.wq_a", 12, 1000, 1030, 128)
    model.plain("model.embed_tokens.weight", models.bf16(13, 1001, 501))
    model.plain("odd", rt.tensor(np.arange(13, dtype=np.uint8)))
    return model


@pytest.fixture(scope="module")
def big(tmp_path_factory):
    """(source, the bytes that its mount should show, name -> Tensor)."""
    model = big_model()
    return model.write(tmp_path_factory.mktemp("big") / "big.safetensors"), model.expected_bytes(), model.expected()


@pytest.fixture
def made(big, mount):
    return mount(big[0])


def sh(*argv, **kwargs):
    """Runs a program that should succeed without output on stderr."""
    done = subprocess.run(list(map(str, argv)), capture_output=True, timeout=100, check=False, **kwargs)
    assert done.returncode == 0 and not done.stderr, done
    return done.stdout


class TestPrograms:
    def test_cmp(self, big, made, place):
        (place / "want").write_bytes(big[1])
        assert sh("cmp", made.file, place / "want") == b""

    def test_cat(self, big, made):
        assert_same(sh("cat", made.file), big[1])

    def test_cp(self, big, made, place):
        sh("cp", "-r", made.path, place / "copy")
        assert_same((place / "copy" / "big.safetensors").read_bytes(), big[1])
        for name, t in big[2].items():
            assert_same((place / "copy" / "tensors" / name).read_bytes(), t.data, name)
        assert {p.name for p in (place / "copy" / "npy").iterdir()} == {n + ".npy" for n in big[2]}

    @pytest.mark.parametrize("size", [7919, 4093, 65537, 131071, 1048577])
    def test_dd(self, size, big, made, place):
        out = place / "out"
        sh("dd", f"if={made.file}", f"of={out}", f"bs={size}", "status=none")
        assert_same(out.read_bytes(), big[1])

    def test_dd_pieces(self, big, made):
        """Reads one byte at a time, far into a transposed tensor."""
        start = len(big[1]) // 2 + 1
        assert_same(sh("dd", f"if={made.file}", "bs=1", f"skip={start}", "count=999", "status=none"), big[1][start : start + 999])

    def test_tar(self, big, made, place):
        archive = place / "a.tar"
        sh("tar", "-C", made.path, "-cf", archive, "big.safetensors", "tensors")
        (place / "out").mkdir()
        sh("tar", "-C", place / "out", "-xf", archive)
        assert_same((place / "out" / "big.safetensors").read_bytes(), big[1])
        for name, t in big[2].items():
            assert_same((place / "out" / "tensors" / name).read_bytes(), t.data, name)

    def test_tail_and_head(self, big, made):
        assert_same(sh("tail", "-c", "1000001", made.file), big[1][-1000001:])
        assert_same(sh("head", "-c", "1000001", made.file), big[1][:1000001])


class TestLibraries:
    @pytest.mark.parametrize("backend", ["mmap", "pread"])
    def test_safetensors(self, backend, big, made):
        got = safetensors.numpy.load_file(made.file, backend=backend)
        assert set(got) == set(big[2])
        for name, t in big[2].items():
            assert got[name].shape == t.shape and got[name].dtype == t.array().dtype
            assert_same(got[name].tobytes(), t.data, name)

    @pytest.mark.parametrize("backend", ["mmap", "pread"])
    def test_slices(self, backend, big, made):
        rng = random.Random(SEED)
        print(f"MXFS_TEST_SEED={SEED}")
        with safetensors.safe_open(made.file, "np", backend=backend) as f:
            assert set(f.keys()) == set(big[2])
            assert f.metadata() == {"format": "pt"}
            for name, t in big[2].items():
                part = f.get_slice(name)
                assert part.get_shape() == list(t.shape) and part.get_dtype() == t.dtype
                array = t.array()
                for _ in range(5):
                    cut = []
                    for n in t.shape:
                        a = rng.randrange(n)
                        cut.append(slice(a, rng.randrange(a + 1, n + 1)))
                    assert_same(part[tuple(cut)].tobytes(), np.ascontiguousarray(array[tuple(cut)]).tobytes(), f"{name} {cut}")

    @pytest.mark.parametrize("mode", ["r", "c"], ids=["shared", "private"])
    def test_memmap(self, mode, big, made):
        for name, t in big[2].items():
            got = np.memmap(made / "tensors" / name, dtype=t.array().dtype, mode=mode, shape=t.shape)
            assert_same(got.tobytes(), t.data, name)
            if mode == "c":
                got.reshape(-1).view(np.uint8)[:3] = 77  # changes only this private copy
        for name, t in big[2].items():
            assert_same((made / "tensors" / name).read_bytes(), t.data, name)

    def test_memmap_backwards(self, big, made):
        """Touches a mapping page by page from its end, which defeats readahead."""
        with open(made.file, "rb") as f, mmap.mmap(f.fileno(), 0, mmap.MAP_SHARED, mmap.PROT_READ) as m:
            for at in range(len(m) - 1, 0, -40961):
                assert m[at] == big[1][at], at

    def test_ml_dtypes_on_the_raw_file(self, big, made):
        name = "model.layers.0.self_attn.o_proj.weight"
        got = np.fromfile(made / "tensors" / name, ml_dtypes.bfloat16).reshape(big[2][name].shape)
        assert_same(got.tobytes(), big[2][name].data)


def places(rng, size, count, longest):
    """Random (offset, length), some at and past the end."""
    for _ in range(count):
        offset = rng.randrange(size + 10) if rng.random() < 0.95 else size - rng.randrange(5)
        yield offset, int(longest ** rng.random())


class TestCalls:
    def test_pread(self, big, made):
        rng = random.Random(SEED)
        print(f"MXFS_TEST_SEED={SEED}")
        fd = os.open(made.file, os.O_RDONLY)
        try:
            for offset, n in places(rng, len(big[1]), 400, 400_000):
                assert_same(os.pread(fd, n, offset), big[1][offset : offset + n], f"{offset}+{n}")
        finally:
            os.close(fd)

    def test_preadv(self, big, made):
        rng = random.Random(SEED)
        print(f"MXFS_TEST_SEED={SEED}")
        fd = os.open(made.file, os.O_RDONLY)
        try:
            for offset, n in places(rng, len(big[1]), 100, 100_000):
                buffers = [bytearray(rng.randrange(1, n + 2)) for _ in range(rng.randrange(1, 9))]
                want = big[1][offset : offset + sum(map(len, buffers))]
                assert os.preadv(fd, buffers, offset) == len(want)
                assert_same(b"".join(buffers)[: len(want)], want, f"{offset}")
        finally:
            os.close(fd)

    def test_direct(self, big, made):
        """O_DIRECT reads, aligned and unaligned."""
        rng = random.Random(SEED)
        print(f"MXFS_TEST_SEED={SEED}")
        fd = os.open(made.file, os.O_RDONLY | os.O_DIRECT)
        try:
            with mmap.mmap(-1, 4 << 20) as buffer:
                for i in range(60):
                    offset, n = rng.randrange(len(big[1])), rng.randrange(1, 4 << 20)
                    if i % 2:
                        offset, n = offset & -4096, (n + 4095) & -4096
                    view = memoryview(buffer)[:n]
                    got = os.preadv(fd, [view], offset)
                    want = big[1][offset : offset + n]
                    assert got == len(want)
                    assert_same(view[:got], want, f"{offset}+{n}")
                    view.release()
        finally:
            os.close(fd)

    def test_sendfile(self, big, made, place):
        with open(made.file, "rb") as src, open(place / "out", "wb") as dst:
            offset = 12345
            while sent := os.sendfile(dst.fileno(), src.fileno(), offset, 1 << 30):
                offset += sent
        assert_same((place / "out").read_bytes(), big[1][12345:])

    def test_splice(self, big, made):
        """Reads through a pipe, without a buffer in user space."""
        r, w = os.pipe()
        with open(made.file, "rb") as src:
            offset, got = len(big[1]) // 3, b""
            while len(got) < 500_000:
                n = os.splice(src.fileno(), w, 60_000, offset_src=offset)
                offset += n
                got += os.read(r, n)
        os.close(r)
        os.close(w)
        assert_same(got, big[1][len(big[1]) // 3 :][: len(got)])

    @pytest.mark.parametrize("options", [[], ["--cache-size=1M"], ["--kernel=scalar"]], ids=str)
    def test_many_threads(self, options, big, mount):
        """16 threads read the file and the views at random offsets: pread, O_DIRECT and mappings."""
        print(f"MXFS_TEST_SEED={SEED}")
        made = mount(big[0], *options)
        targets = [(made.file, big[1])] * 2 + [(made / "tensors" / n, t.data) for n, t in big[2].items()]
        failures = []

        def reader(number):
            rng = random.Random(SEED + number)
            direct = os.O_DIRECT if number % 4 == 3 else 0
            try:
                for _ in range(6):
                    path, want = rng.choice(targets)
                    fd = os.open(path, os.O_RDONLY | direct)
                    try:
                        for offset, n in places(rng, len(want), 12, 300_000):
                            assert_same(os.pread(fd, n, offset), want[offset : offset + n], f"{path} {offset}+{n}")
                    finally:
                        os.close(fd)
            except BaseException as e:  # noqa: BLE001 (any failure in a thread fails the test)
                failures.append(e)

        threads = [threading.Thread(target=reader, args=(i,)) for i in range(16)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert not failures, failures

    def test_many_processes(self, big, made):
        """Programs that read in parallel get the same bytes."""
        code = "import sys,hashlib;print(hashlib.sha256(open(sys.argv[1],'rb').read()).hexdigest())"
        runs = [subprocess.Popen([sys.executable, "-c", code, made.file], stdout=subprocess.PIPE, text=True) for _ in range(6)]
        want = hashlib.sha256(big[1]).hexdigest() + "\n"
        assert [p.communicate(timeout=100)[0] for p in runs] == [want] * 6


def test_small_cache(big, mount):
    """The smallest possible cache changes no byte."""
    made = mount(big[0], "--cache-size=1M", "--views=none")
    assert_same(made.file.read_bytes(), big[1])
