# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""mxfs export of gpt-oss experts (225 MB, shown as 846 MB), compared with just writing the result:

    memory   source and DEST on tmpfs:           compared with `cp` of the result
    disk     source on tmpfs, DEST on the disk:  compared with `dd conv=fsync` of the result

    make && python3 tests/bench/export.py [--rounds N] [--disk FOLDER] [--memory FOLDER]

The two take turns, and each writes a new file. Needs 2 GB in each place; removes all its files.
"""

import argparse
import json
import os
import pathlib
import random
import statistics
import struct
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXPERTS, GROUPS = 17, 90  # of the 32 experts in a layer of gpt-oss-20b; groups of 32 values in a row


def experts(path):
    """Writes the source: random codes, and scales near 2^-7 like real ones."""
    shapes = {}
    for name, rows in (("down_proj", 2880), ("gate_up_proj", 5760)):
        shapes[f"model.layers.0.mlp.experts.{name}_blocks"] = [EXPERTS, rows, GROUPS, 16]
        shapes[f"model.layers.0.mlp.experts.{name}_scales"] = [EXPERTS, rows, GROUPS]
    members, parts, at = {}, [], 0
    for name, shape in shapes.items():
        rng, size = random.Random(name), 1
        for n in shape:
            size *= n
        members[name] = {"dtype": "U8", "shape": shape, "data_offsets": [at, at + size]}
        at += size
        data = rng.randbytes(size)
        parts.append(data if name.endswith("_blocks") else data.translate(bytes(116 + i % 8 for i in range(256))))
    header = json.dumps(members).encode()
    header += b" " * (-len(header) % 8)
    path.write_bytes(struct.pack("<Q", len(header)) + header + b"".join(parts))


def peak_memory(command):
    """Peak memory of a command in bytes. A small process starts it, since a child's peak includes that of its parent."""
    script = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    return int(subprocess.run([sys.executable, "-I", "-c", script, *command], check=True, capture_output=True).stdout) * 1024


def timed(command, out):
    """Seconds that a command takes to write `out`, which is then removed. Earlier writes are flushed first."""
    os.sync()
    start = time.perf_counter()
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    seconds = time.perf_counter() - start
    out.unlink()
    return seconds


def compare(what, export, plain, out, rounds):
    """Prints the medians of both, and of their ratio."""
    times = [(timed(export, out), timed(plain, out)) for _ in range(rounds)]
    mine, theirs = (statistics.median(column) for column in zip(*times))
    ratio = statistics.median(a / b for a, b in times)
    print(f"{what}: export {mine:.2f} s, {plain[0]} {theirs:.2f} s, medians of {rounds}; export takes {ratio:.2f} of its time")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--mxfs", default=str(ROOT / "build" / "mxfs"))
    parser.add_argument("--memory", default="/dev/shm")
    parser.add_argument("--disk", default=".")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.memory) as memory, tempfile.TemporaryDirectory(dir=options.disk) as disk:
        source, result = pathlib.Path(memory) / "packed.safetensors", pathlib.Path(memory) / "plain.safetensors"
        experts(source)
        peak = peak_memory([options.mxfs, "export", source, result])
        print(f"{source.stat().st_size / 1e6:.0f} MB -> {result.stat().st_size / 1e6:.0f} MB, peak memory of export {peak / 1e6:.0f} MB")
        out = pathlib.Path(memory) / "out"
        compare("memory", [options.mxfs, "export", source, out], ["cp", result, out], out, options.rounds)
        out = pathlib.Path(disk) / "out"
        compare("disk", [options.mxfs, "export", source, out], ["dd", f"if={result}", f"of={out}", "bs=1M", "conv=fsync"], out, options.rounds)


if __name__ == "__main__":
    main()
