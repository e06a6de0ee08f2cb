# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""make bench-scaling: does anything get worse with more threads, readers or cache, or with larger models?

Every line is a series: the same reads with one parameter varied, its values in turns. Figures are medians of speed or, if
the line says so, of time (mounting, latency), relative to the first value of the series. GB/s, ms and us are absolute
values for orientation.

    scaling.py [SERIES-PATTERN ...]      QUICK=1: fewer rounds;  PAIRS=N;  BUILD, BENCH_DIR as for run.py
"""

import contextlib
import fnmatch
import json
import os
import pathlib
import shutil
import statistics
import sys
import tempfile

import sources
from run import BUILD, MXFS, PAIRS, Mount, absolute, machine, mount_time, tool

# Values of the series: worker threads of the daemon, reading threads, MiB of cache.
THREADS = (1, 2, 4, 8, 16)
READERS = (1, 2, 4, 8, 16)
CACHES = (16, 64, 256, 512)
TENSORS = (1_000, 10_000, 100_000, 1_000_000)
SPARSE_GB = (0.125, 1, 8)


class Report:
    """The series so far."""

    def __init__(self, patterns):
        self.patterns = patterns
        self.series = []

    def wants(self, name):
        """Whether the command line asks for a series."""
        return not self.patterns or any(fnmatch.fnmatchcase(name, p) for p in self.patterns)

    def measure(self, name, values, measure, show, speed=True):
        """Runs PAIRS rounds of measure(value), which returns seconds; show(value, seconds) gives the absolute figure to print."""
        taken = {v: [] for v in values}
        for i in range(-1, PAIRS):  # the first round is a warm-up
            for v in values[i % len(values) :] + values[: i % len(values)]:
                seconds = measure(v)
                if i >= 0:
                    taken[v].append(seconds)
        base = statistics.median(taken[values[0]])
        middle = {v: statistics.median(t) for v, t in taken.items()}
        relative = {v: base / m if speed else m / base for v, m in middle.items()}
        self.series.append({"name": name, "relative": relative, "is_speed": speed, "seconds": taken})
        print(f"{name:52}" + "  ".join(f"{v}: {relative[v]:.2f} ({show(v, middle[v])})" for v in values), flush=True)


def view_series(report, room, kind, source):
    """Adds the series of one layout: worker threads, readers, cache."""
    with contextlib.ExitStack() as stack:

        def mounts(option, values):
            return {v: stack.enter_context(Mount(room, MXFS, "-f", "--views=none", option.format(v), source)) for v in values}

        def reading(made, mode, number):
            length = next(iter(made.values())).file.stat().st_size - 8192
            return (lambda v: tool("reader", mode, made[v].renew().file, 4096, length, number)), lambda _, t: absolute(length, [t])

        for name, option, values, mode in (
            (f"{kind}: worker threads, 4 readers", "--threads={}", THREADS, "parallel"),
            (f"{kind}: MiB of cache, 4 readers", "--cache-size={}M", CACHES, "parallel"),
            (f"{kind}: MiB of cache, 16 threads fault", "--cache-size={}M", CACHES, "fault"),
        ):
            if report.wants(name):
                report.measure(name, values, *reading(mounts(option, values), mode, 16 if mode == "fault" else 4))
        name = f"{kind}: readers"
        if report.wants(name):
            (made,) = mounts("--threads={}", (16,)).values()
            length = made.file.stat().st_size - 8192
            report.measure(name, READERS, lambda n: tool("reader", "parallel", made.renew().file, 4096, length, n), lambda _, t: absolute(length, [t]))


def size_series(report, room):
    """Adds series of growing models: mounting, and random reads, which look up their tensor."""
    tiny, mounting = "tensors stored: time of one random read of 4 KiB", "tensors stored: time to mount, for each"
    if report.wants(tiny) or report.wants(mounting):
        made = {n: sources.tiny(room / f"tiny.{n}.safetensors", n // 2) for n in TENSORS}  # two parts each
        if report.wants(mounting):
            report.measure(mounting, TENSORS, lambda n: mount_time(room, made[n]) / 1000 / n, lambda n, t: f"{t * n * 1000:.0f} ms", speed=False)
        if report.wants(tiny):
            # After a few reads the kernel has cached every page of the smaller files.
            random_series(report, room, tiny, {n: made[n] for n in TENSORS[-2:]})
        for path in made.values():
            path.unlink()
    name = "GB of one tensor: time of one random read of 4 KiB"
    if report.wants(name):
        made = {}
        for gb in SPARSE_GB:
            rows = int(gb * 1e9) // 4096  # 64 blocks of 32 BF16 values are 4096 bytes
            tensors = sources.experts("block.0.mlp.mlp1_weight", 1, rows, 64, ".blocks")
            made[gb] = sources.write(room / f"sparse.{gb}.safetensors", tensors, fill=False)
        random_series(report, room, name, made)
        for path in made.values():
            path.unlink()


def random_series(report, room, name, made):
    """Median latency of random reads over the whole file."""
    with contextlib.ExitStack() as stack:
        mounts = {v: stack.enter_context(Mount(room, MXFS, "-f", "--views=none", path)) for v, path in made.items()}

        def latency(v):
            file = mounts[v].renew().file
            return tool("reader", "random", file, 4096, file.stat().st_size - 8192, 500)

        report.measure(name, tuple(made), latency, lambda _, t: f"{t * 1e6:.0f} us", speed=False)


def main():
    """Prints the series and writes them as JSON."""
    report = Report(sys.argv[1:])
    room = pathlib.Path(tempfile.mkdtemp(prefix="mxfs-bench.", dir=os.environ.get("BENCH_DIR")))
    about = machine()
    print("\n".join(f"{k}: {v}" for k, v in about.items()) + "\n", flush=True)
    try:
        for kind, make in (("contiguous", sources.contiguous), ("transposed", sources.transposed)):
            source = make(room / f"{kind}.safetensors")
            view_series(report, room, kind, source)
            source.unlink()
        size_series(report, room)
    finally:
        shutil.rmtree(room, ignore_errors=True)
    (BUILD / "bench" / "scaling.json").write_text(json.dumps({"machine": about, "series": report.series}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
