# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""A long mixed load on two daemons, whose memory, descriptors and threads must stay as they were.

`make soak` runs it for an hour and prints figures meanwhile; an ordinary run takes seconds, which only shows that the load
works. SOAK_SECONDS is the duration, SOAK_PACE the number of cores that load and daemons together may use (0.15 leaves a shared
machine usable; 0 means no limit), SOAK_SEED the random seed.
"""

import itertools
import mmap
import os
import pathlib
import random
import resource
import statistics
import threading
import time

import pytest

import refmodels
import refrepo
from helpers import assert_same

SECONDS = float(os.environ.get("SOAK_SECONDS", 3))
PACE = float(os.environ.get("SOAK_PACE", 0))
SEED = int(os.environ.get("SOAK_SEED", time.time_ns() % 1_000_000_007))
WORKERS = 4  # worker threads of each daemon
SAMPLES = 240  # how often the figures are taken, over the whole time
PIECE = 1 << 20
RSS_SLACK = 2 << 20  # bytes for stacks and buffers that come and go


class Pace:
    """Limits this process, its children and the daemons to that many cores on average."""

    def __init__(self, cores, mounts):
        self.cores, self.mounts = cores, mounts
        self.start, self.before = time.monotonic(), self.used()

    def used(self):
        """Seconds of processor time."""
        own = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        ticks = [pathlib.Path(f"/proc/{m.pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[11:13] for m in self.mounts]
        return sum(u.ru_utime + u.ru_stime for u in own) + sum(int(a) + int(b) for a, b in ticks) / os.sysconf("SC_CLK_TCK")

    def average(self):
        return (self.used() - self.before) / (time.monotonic() - self.start)

    def wait(self, stop):
        """Sleeps until the average is below the limit, or `stop` is set."""
        while self.cores and self.average() > self.cores and not stop.wait(0.05):
            pass


class Load:
    """The threads' work. Each method is a round of one kind and returns the number of bytes compared."""

    def __init__(self, place, mounts, wanted, fsx):
        self.place, self.mounts, self.wanted, self.run_fsx = place, mounts, wanted, fsx
        self.oracles = {}
        for i, (path, content) in enumerate(wanted.items()):
            self.oracles[path] = place / f"oracle{i}"
            self.oracles[path].write_bytes(content)
        self.listed = [self.listing(m) for m in mounts]
        self.rng = random.Random(SEED)

    @staticmethod
    def listing(mount):
        return {p: os.lstat(p).st_size for at, _, files in os.walk(mount.path) for p in (os.path.join(at, f) for f in files)}

    def sequential(self):
        """Reads every file from beginning to end, not from the page cache."""
        for path, want in self.wanted.items():
            with open(path, "rb", buffering=0) as f:
                os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
                for at in range(0, len(want), PIECE):
                    assert_same(os.pread(f.fileno(), PIECE, at), want[at : at + PIECE], f"{path} at {at}")
        return sum(map(len, self.wanted.values()))

    def direct(self):
        """Reads every file with O_DIRECT, so that one more thread in each daemon decodes ahead."""
        with mmap.mmap(-1, PIECE) as buffer:
            for path, want in self.wanted.items():
                fd = os.open(path, os.O_RDONLY | os.O_DIRECT)
                try:
                    for at in range(0, len(want), PIECE):
                        assert_same(buffer[: os.preadv(fd, [buffer], at)], want[at : at + PIECE], f"{path} at {at}")
                finally:
                    os.close(fd)
        return sum(map(len, self.wanted.values()))

    def random_reads(self, count=2000, threads=4):
        """Reads at random: pread, mappings, O_DIRECT, sendfile and more."""
        path = self.rng.choice(list(self.wanted))
        return self.run_fsx(path, self.oracles[path], SEED, self.rng.randrange(1 << 40), count, threads)

    def opens(self):
        """Opens many descriptors of every file at once."""
        for path, want in self.wanted.items():
            files = [os.open(path, os.O_RDONLY) for _ in range(100)]
            try:
                assert {os.fstat(fd).st_size for fd in files} == {len(want)}
                assert_same(os.pread(files[-1], 64, 8), want[8:72], path)
            finally:
                for fd in files:
                    os.close(fd)
        return 0

    def names(self):
        """Lists everything, as ls -lR does."""
        for mount, before in zip(self.mounts, self.listed):
            assert self.listing(mount) == before
        return 0

    def views(self):
        """Compares tensor files with the same bytes in the whole file."""
        whole, total = self.wanted[str(self.mounts[0].file)], 0
        tensors = [p for p in self.listed[0] if "/tensors/" in p]
        for path in self.rng.sample(tensors, min(4, len(tensors))):
            content = pathlib.Path(path).read_bytes()
            assert content in whole, path
            total += len(content)
        return total

    def kinds(self):
        return [self.sequential, self.direct, self.random_reads, self.opens, self.names, self.views]


def figures(mount):
    """The figures that must not grow."""
    proc = pathlib.Path(f"/proc/{mount.pid}")
    return {"rss": mount.memory("VmRSS"), "fds": len(os.listdir(proc / "fd")), "threads": len(os.listdir(proc / "task"))}


def told(f):
    return f"{f['rss'] / 2**20:.1f} MiB, {f['fds']} descriptors, {f['threads']} threads"


def edges(samples):
    """The figures of the first and the last tenth: the median of memory, the maximum of the others."""
    tenth = max(1, len(samples) // 10)
    pick = {"rss": statistics.median, "fds": max, "threads": max}
    return tuple({key: of(s[key] for s in part) for key, of in pick.items()} for part in (samples[:tenth], samples[-tenth:]))


def work(kind, pace, stop, done, failures):
    """Runs one kind of round in a thread, again and again."""
    try:
        while not stop.is_set():
            done[kind.__name__, "bytes"] += kind()
            done[kind.__name__, "rounds"] += 1
            pace.wait(stop)
    except BaseException as e:
        failures.append(e)
        stop.set()


def watch(mounts, pace, stop):
    """Samples until the time is up or a load has failed; prints now and then."""
    samples, interval, end = [[] for _ in mounts], SECONDS / SAMPLES, time.monotonic() + SECONDS
    for i in itertools.count():
        for mount, taken in zip(mounts, samples):
            taken.append(figures(mount))
        if i % (SAMPLES // 12) == 0:
            now = "; ".join(told(taken[-1]) for taken in samples)
            print(f"{time.monotonic() - pace.start:6.0f} s, {pace.average():.2f} cores: {now}", flush=True)
        if time.monotonic() >= end or stop.wait(interval):
            return samples


def make_mounts(mount, place):
    """A file with matrices that do not fit the cache and a folder of shards, with the bytes that they show. Few threads, so
    that all have started when the clock starts."""
    options = "--cache-size=1M", f"--threads={WORKERS}"
    big = refmodels.big_gptoss()
    (place / "big").mkdir()
    file = mount(big.write(place / "big" / "model.safetensors"), *options)
    sharded = refrepo.spread(refmodels.deepseek_v4(), 3)
    folder = mount(sharded.write(place / "folder"), *options)
    wanted = {str(file.file): big.expected_bytes()}
    wanted.update({str(folder / name): sharded.expected(name) for name in sharded.files})
    return [file, folder], wanted


@pytest.mark.limit(SECONDS + 300)
def test_soak(mount, place, fsx, sanitized):
    mounts, wanted = make_mounts(mount, place)
    load = Load(place, mounts, wanted, fsx)
    for i in range(50):  # warm up until all workers and every kind of buffer exist; a busy machine starts few of them at first
        load.random_reads(20_000, 16)
        if i + 1 >= len(wanted) and all(figures(m)["threads"] >= WORKERS + 2 for m in mounts):  # the main thread, and the one for signals
            break
    for kind in load.kinds():
        kind()
    print(f"\nsoak: {SECONDS:.0f} s, seed {SEED}, file and folder", flush=True)
    stop, failures = threading.Event(), []
    done = dict.fromkeys(itertools.product([k.__name__ for k in load.kinds()], ["rounds", "bytes"]), 0)
    pace = Pace(PACE, mounts)
    threads = [threading.Thread(target=work, args=(kind, pace, stop, done, failures)) for kind in load.kinds()]
    for t in threads:
        t.start()
    try:
        samples = watch(mounts, pace, stop)
    finally:
        stop.set()
        for t in threads:
            t.join()
    if failures:
        raise failures[0]
    print(", ".join(f"{kind}: {done[kind, 'rounds']} rounds, {done[kind, 'bytes'] >> 20} MiB compared" for kind, what in done if what == "rounds"))
    assert all(done[k.__name__, "rounds"] for k in load.kinds()), done
    for what, taken in zip(("file", "folder"), samples):
        first, last = edges(taken)
        print(f"{what}: first {told(first)}; last {told(last)}", flush=True)
        assert sanitized or last["rss"] <= first["rss"] * 1.05 + RSS_SLACK, (first, last)
        assert last["fds"] <= first["fds"] and last["threads"] <= first["threads"], (first, last)
