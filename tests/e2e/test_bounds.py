# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""The cost of a source: memory and time follow its size; a source that would cost more is refused, and told the limit."""

import concurrent.futures
import json
import os
import random
import resource
import subprocess

import numpy as np
import pytest

import ref_int
import reftensor as rt
from helpers import assert_same
from ref_float import FloatModel

MIB = 1 << 20
ONE = rt.tensor(np.zeros(1, np.uint8))


def used_by(command):
    """Runs a command; returns (result, peak memory in bytes, seconds of processor time)."""
    script = "import os, subprocess, sys; p = subprocess.Popen(sys.argv[1:]); _, status, r = os.wait4(p.pid, 0); print(r.ru_maxrss, r.ru_utime + r.ru_stime, file=sys.stderr); sys.exit(os.waitstatus_to_exitcode(status))"
    done = subprocess.run(["python3", "-c", script, *map(str, command)], capture_output=True, text=True, check=False)
    *told, figures = done.stderr.splitlines()
    memory, seconds = figures.split()
    done.stderr = "\n".join(told)
    return done, int(memory) * 1024, float(seconds)


def sparse(path, tensors, config=None):
    """A file of zeros; `tensors` are (name, dtype, shape, bytes)."""
    at, header = 0, {}
    for name, dtype, shape, size in tensors:
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    os.truncate(path, 8 + len(text) + at)
    if config:
        (path.parent / "config.json").write_text(json.dumps(config))
    return path.parent


def gptoss(experts, rows, blocks):
    name = "l.mlp.experts.down_proj"
    return [
        (f"{name}_blocks", "U8", [experts, rows, blocks, 16], experts * rows * blocks * 16),
        (f"{name}_scales", "U8", [experts, rows, blocks], experts * rows * blocks),
    ]


def gptq(k, n, group):
    return [
        ("l.qweight", "I32", [k // 8, n], k * n // 2),
        ("l.qzeros", "I32", [k // group, n // 8], k // group * n // 2),
        ("l.scales", "F16", [k // group, n], k // group * n * 2),
    ]


LONG_ROWS = {"1": gptoss(1, 1, 1 << 22), "64": gptoss(1, 64, 1 << 16), "65": gptoss(1, 65, 1 << 16), "gptq": gptq(128, 1 << 19, 128)}


@pytest.mark.parametrize("cache", [64, 256])
@pytest.mark.parametrize("rows", LONG_ROWS)
def test_long_rows(rows, cache, mount, place, sanitized):
    """Matrices of few, very long rows, read here and there by 16 threads."""
    if sanitized:
        pytest.skip("a sanitizer has memory of its own")
    source = sparse(place / "m" / "model.safetensors", LONG_ROWS[rows], ref_int.gptq_config() if rows == "gptq" else {"model_type": "gpt_oss"})
    made = mount(source, f"--cache-size={cache}M", "--views=none")
    fd = os.open(made / "model.safetensors", os.O_RDONLY)
    size = os.fstat(fd).st_size

    def read(seed):
        rng = random.Random(seed)
        for _ in range(60):
            os.pread(fd, rng.choice([4096, 131072, 1 << 20]), rng.randrange(size))

    try:
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            list(pool.map(read, range(16)))
    finally:
        os.close(fd)
    assert made.memory("VmHWM") <= (cache + 32) * MIB


def test_direct_reads(mount, place, sanitized):
    """The largest requests, of a format that needs much of a part for each."""
    if sanitized:
        pytest.skip("a sanitizer has memory of its own")
    rows, columns = 2000, 100_000
    parts = [("x.weight", "I8", [rows, columns], rows * columns), ("x.weight_scale", "F32", [rows], 4 * rows), ("x.pre_quant_scale", "F32", [columns], 4 * columns)]
    source = sparse(place / "m" / "model.safetensors", parts, ref_int.modelopt_int8().config)
    made = mount(source, "--cache-size=1M", "--threads=16", "--direct-io", "--views=none")
    size = (made / "model.safetensors").stat().st_size

    def read(part):
        with open(made / "model.safetensors", "rb", buffering=0) as f:
            f.seek(size // 20 * part // 4096 * 4096)
            for _ in range(8):
                assert len(f.read(MIB)) == MIB

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        list(pool.map(read, range(20)))
    assert made.memory("VmHWM") <= (1 + 32 + 8) * MIB


@pytest.mark.parametrize(("columns", "fits"), [(100_000, True), (200_000, False)])
def test_rows_of_scales(columns, fits, run, place):
    """A factor for each column: any value of a row takes all of them to decode."""
    model = FloatModel(ref_int.modelopt_int8().config)
    ref_int.add_int8(model, "x", 1, (2, columns), (2,), "F32", columns="F32")
    source = model.write(place / "m" / "m.safetensors")
    if fits:
        run("export", source, place / "out")
        assert_same((place / "out").read_bytes(), model.expected_bytes())
    else:
        run("list", source).fails(3, 'tensor "x.weight"', "rows are too long", "the limit is 524288")


def test_nested_names(run, place):
    """3,000 modules, each in the last."""
    names = [".".join(["a"] * i) for i in range(1, 3001)]
    rt.save(place / "stair.safetensors", dict.fromkeys(names, ONE))
    text = run("list", "--tree", place / "stair.safetensors").text
    assert text.count(" U8 ") == 3000
    assert len(text) < 3000 * 6000


def test_names_of_many_dots(mxfs_bin, place):
    """Two names of megabytes, which differ at the end."""
    names = ["a." * 4_000_000 + c for c in "xy"]
    rt.save(place / "chain.safetensors", dict.fromkeys(names, ONE))
    done, memory, _ = used_by([mxfs_bin, "list", "--tree", place / "chain.safetensors"])
    assert done.returncode == 0 and len(done.stdout) < 200_000
    assert memory < 150 * MIB


def test_many_dimensions(mount, place):
    """The library reads any number. NumPy has no such array, so npy/ has no file; the others cost no time."""
    (place / "m").mkdir()
    rt.save(place / "m" / "m.safetensors", {"a": rt.tensor(np.zeros([1] * 32, np.uint8)), "b": ONE})
    content = (place / "m" / "m.safetensors").read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    header["b"]["shape"] = [1] * 2_000_000
    text = json.dumps(header, separators=(",", ":")).encode()
    (place / "m" / "m.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + bytes(2))
    made = mount(place / "m", "--views=tensors,npy", "--xattr")
    assert os.listdir(made / "npy") == ["a.npy"]
    assert np.load(made / "npy" / "a.npy").ndim == 32
    with pytest.raises(OSError, match="Argument list too long"):
        os.getxattr(made / "tensors" / "b", "user.mxfs.shape")


@pytest.mark.parametrize("indexed", [False, True])
def test_many_files(indexed, mxfs_bin, place):
    """Time follows the number of files: from 1,500 to 12,000 it grew by a factor of 64 once."""
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 12_100:
        pytest.skip("every file needs a descriptor")
    seconds = []
    for count in (1500, 12000):
        folder, shards = place / str(count), {}
        folder.mkdir()
        for i in range(count):
            shards[f"t{i}"] = f"m-{i:05}.safetensors"
            rt.save(folder / shards[f"t{i}"], {f"t{i}": ONE})
        if indexed:
            (folder / "m.safetensors.index.json").write_text(json.dumps({"weight_map": shards}))
        done, _, took = used_by([mxfs_bin, "list", folder])
        assert done.returncode == 0, done.stderr
        seconds.append(took)
    assert seconds[1] < 20 * seconds[0] + 0.5, seconds


class TestConfig:
    def test_memory(self, mxfs_bin, place, sanitized):
        """A byte of config.json costs a byte."""
        rt.save(place / "m.safetensors", {"a": ONE})
        text = '{"x":[' + ",".join(["[]"] * (5 * MIB)) + "]}"
        (place / "config.json").write_text(text)
        done, memory, _ = used_by([mxfs_bin, "list", place])
        assert done.returncode == 0
        assert sanitized or memory < 2 * len(text) + 32 * MIB

    def test_too_large(self, run, place):
        rt.save(place / "m.safetensors", {"a": ONE})
        (place / "config.json").write_text("{}" + " " * 16 * MIB)
        run("list", place).fails(3, "config.json", "larger than 16777216 bytes")

    def test_strings(self, run, place):
        """Schemes look for some of them in every group."""
        rt.save(place / "m.safetensors", {"a": ONE})
        strings = {f"k{i}": "v" for i in range(2000)}
        (place / "config.json").write_text(json.dumps({"quantization_config": strings}))
        run("list", place).fails(3, "config.json", "the strings of the quantization config", "8192")

    def test_read_once(self, mxfs_bin, place):
        """Models of a folder share its config."""
        (place / "config.json").write_text('{"x":[' + ",".join(["[]"] * (2 * MIB)) + "]}")
        rt.save(place / "0.safetensors", {"a": ONE})
        _, _, one = used_by([mxfs_bin, "list", place])
        for i in range(1, 40):
            rt.save(place / f"{i}.safetensors", {"a": ONE})
        done, _, forty = used_by([mxfs_bin, "list", place])
        assert done.returncode == 0
        assert forty < 5 * one + 1, (one, forty)


class TestIndex:
    def write(self, place, members):
        rt.save(place / "m.safetensors", {"a": ONE})
        text = '{"weight_map":{"a":"m.safetensors",' + ",".join(members) + "}}"
        (place / "m.safetensors.index.json").write_text(text)
        return len(text)

    def test_memory(self, mxfs_bin, place, sanitized):
        """Escaped names, and another shard for each."""
        n = 1_000_000
        size = self.write(place, [rf'"\n{i}":"{i % 1000}"' for i in range(n)])
        done, memory, _ = used_by([mxfs_bin, "list", "--partial", place])
        assert done.returncode == 0, done.stderr
        assert sanitized or memory < size + 200 * n + 32 * MIB

    def test_too_many_files(self, run, place):
        self.write(place, [f'"{i}":"{i}"' for i in range(65536)])
        run("list", place).fails(3, "index.json", "weight_map: the limit is 65536 files")

    def test_too_many_tensors(self, run, place):
        self.write(place, ['"":"m"'] * 4_194_304)
        run("list", place).fails(3, "index.json", "weight_map: the limit is 4194304 tensors")

    def test_too_many(self, run, place):
        rt.save(place / "m.safetensors", {"a": ONE})
        for i in range(65):
            (place / f"{i}.safetensors.index.json").write_text('{"weight_map":{}}')
        run("list", place).fails(3, "more than 64 files *.safetensors.index.json")
