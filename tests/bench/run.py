# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""make bench: how close reading through mxfs comes to what the kernel's FUSE path allows.

Every row is a ratio of two things that are timed in turns, so that disturbances hit both: PAIRS rounds of mxfs, the null
filesystem (nullfs.c) and the null filesystem again, each with a new, cold mount. The third is for the null/null column,
the null filesystem divided by itself: it shows how much a ratio varies on this machine, and a row that misses its target
by no more than that is marked "noise". The null filesystem has the kernel's default readahead of 128 KiB; the note at the end of
a row compares with one that has the readahead of mxfs, which only root can measure. A ratio above 1 means that mxfs was
faster; for latencies, that it was slower.

    run.py [ROW-PATTERN ...]      QUICK=1: five pairs per row;  PAIRS=N;  BUILD=folder;  BENCH_DIR=folder for the sources
"""

import contextlib
import fnmatch
import json
import os
import pathlib
import platform
import re
import select
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import formats
import sources

BUILD = pathlib.Path(os.environ.get("BUILD") or "build").resolve()
PAIRS = int(os.environ.get("PAIRS") or (5 if os.environ.get("QUICK") else 15))
MXFS = BUILD / "mxfs"
MIB = 1 << 20
CACHE = 64 * MIB  # the default of --cache-size
READAHEAD = 512 << 10  # the default of --readahead, for root
RATE = 300_000_000
EXPERT_CODES = sources.GATE_UP * sources.BLOCKS * 16
EXPERT_IN, EXPERT_OUT = sources.GATE_UP * sources.BLOCKS * 17, sources.GATE_UP * sources.BLOCKS * 64


def quartiles(values):
    """Median, first and third quartile."""
    q = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3
    return {"median": q[1], "q1": q[0], "q3": q[2]}


def tool(name, *args):
    """Runs a program of the benchmark and returns the figure that it prints."""
    done = subprocess.run([BUILD / "bench" / name, *map(str, args)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{name} {' '.join(map(str, args))}: {done.stderr.strip() or done.returncode}")
    return float(done.stdout)


def is_mounted(path):
    """Whether something is mounted at `path`."""
    with open("/proc/self/mountinfo", encoding="utf-8") as f:
        return any(line.split()[4] == str(path) for line in f)


class Mount:
    """A filesystem that is mounted inside a `with` statement."""

    def __init__(self, room, *command, readahead=None):
        self.readahead = readahead
        self.command = [str(c) for c in command]
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="mount.", dir=room))
        self.process = None
        self.peak = 0

    def __enter__(self):
        self.process = subprocess.Popen([*self.command, self.path], stderr=subprocess.DEVNULL)
        with open("/proc/self/mountinfo", encoding="utf-8") as f:
            poller = select.poll()
            poller.register(f, select.POLLERR | select.POLLPRI)
            while not is_mounted(self.path):
                if self.process.poll() is not None:
                    raise SystemExit(f"{' '.join(self.command)}: exited with status {self.process.returncode}")
                poller.poll(100)
        os.statvfs(self.path)  # blocks until the filesystem answers
        if self.readahead:
            device = os.stat(self.path).st_dev
            window = pathlib.Path(f"/sys/class/bdi/{os.major(device)}:{os.minor(device)}/read_ahead_kb")
            window.write_text(str(self.readahead >> 10), encoding="ascii")
        # nullfs does not list directories.
        (self.file,) = [self.path / "file"] if self.command[0].endswith("nullfs") else self.path.iterdir()
        return self

    def __exit__(self, *_):
        subprocess.run(["fusermount3", "-u", "-z", self.path], check=False)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.path.rmdir()

    def renew(self):
        """Mounts again, so that nothing is cached: the filesystem may cache more than the kernel does."""
        self.peak = self.peak_memory()
        self.__exit__()
        self.path.mkdir()
        self.__enter__()
        return self

    def peak_memory(self):
        """Peak resident bytes of all mounts of this object."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return max(self.peak, int(re.search(r"^VmHWM:\s+(\d+) kB", text, re.M).group(1)) * 1024)


class Table:
    """The rows so far."""

    def __init__(self, patterns):
        self.patterns = patterns
        self.rows = []

    def wants(self, name):
        """Whether the command line asks for a row."""
        return not self.patterns or any(fnmatch.fnmatchcase(name, p) for p in self.patterns)

    def add(self, name, target, values, aa=None, rss=None, limit=CACHE + 32 * MIB, unit="ratio", note=""):
        """Adds a row and prints it. `target` is (">=" or "<=", number) or None."""
        row = {"name": name, "unit": unit, **quartiles(values), "values": values, "note": note}
        if aa:
            row["aa"] = quartiles(aa)
        if target:
            noise = max(row["aa"]["q3"], 1 / row["aa"]["q1"]) if aa else 1
            slack = target[1] / noise if target[0] == ">=" else target[1] * noise
            good = (lambda x: row["median"] >= x) if target[0] == ">=" else (lambda x: row["median"] <= x)
            row.update(target=f"{target[0]} {target[1]:g}", met="yes" if good(target[1]) else "noise" if good(slack) else "NO")
        if rss:
            row.update(rss=rss, rss_limit=limit, rss_met=rss <= limit)
        self.rows.append(row)
        print(self.line(row), flush=True)

    @staticmethod
    def line(row):
        """One line of the table."""
        f = (lambda x: f"{x:8.3f}") if row["unit"] == "ratio" else (lambda x: f"{x:8.1f}")
        aa = f"{row['aa']['q1']:.3f}-{row['aa']['q3']:.3f}" if "aa" in row else ""
        rss = f"{row['rss'] / MIB:.0f}{'' if row['rss_met'] else ' OVER'}" if "rss" in row else ""
        return (
            f"{row['name']:56}{f(row['median'])} {f(row['q1'])} {f(row['q3'])}  {aa:13} {row.get('target', ''):9}"
            f"{row.get('met', ''):6} {rss:8} {row['note']}"
        )

    HEAD = f"{'row':56}{'median':>8} {'q1':>8} {'q3':>8}  {'null/null':13} {'target':9}{'met':6} {'RSS MiB':8}"


def machine():
    """The machine on which the figures were measured."""
    fuse = subprocess.run(["pkg-config", "--modversion", "fuse3"], capture_output=True, text=True, check=False).stdout.strip()
    flags = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
    cpu = next((line.split(":", 1)[1].strip() for line in flags.splitlines() if line.startswith("model name")), "?")
    family = "/".join(re.search(rf"^{key}\s*: (\d+)$", flags, re.M).group(1) for key in ("cpu family", "model")) if "cpu family" in flags else "?"
    return {"cpu": f"{cpu} (family/model {family})", "cores": os.cpu_count(), "kernel": platform.release(), "libfuse": fuse, "load": os.getloadavg()[0], "pairs": PAIRS}


def in_turns(mine, null, *more):
    """Runs PAIRS rounds of mine(i), null(i), null(i), more(i)..., their order rotated by one each round. Returns a list for each."""
    sides = list(enumerate((mine, null, null, *more)))
    out = [[] for _ in sides]
    for i in range(-1, PAIRS):  # the first round is a warm-up and does not count
        for slot, side in sides[i % len(sides) :] + sides[: i % len(sides)]:
            value = side(i)
            if i >= 0:
                out[slot].append(value)
    return out


def speed_row(table, name, target, mine, null, mode, length, number=1, latency=False):
    """Adds a row for one way of reading: the ratio of speeds or latencies. The note compares with a null that has mxfs's readahead."""
    if not table.wants(name):
        return
    mine.peak, offset = 0, 4096
    wide = [Mount(mine.path.parent, *null.command, readahead=READAHEAD)] if os.geteuid() == 0 and mode != "direct" and not latency else []
    with contextlib.ExitStack() as stack:
        sides = [lambda _, m=m: tool("reader", mode, m.renew().file, offset, length, number) for m in (mine, null, *map(stack.enter_context, wide))]
        a, b, c, *d = in_turns(*sides)
    ratio = (lambda x, y: x / y) if latency else (lambda x, y: y / x)
    note = "".join(f", {statistics.median(ratio(x, y) for x, y in zip(a, w)):.2f} of a null with {READAHEAD >> 10}K readahead" for w in d)
    aa = [ratio(x, y) for x, y in zip(c, b)]
    table.add(name, target, [ratio(x, y) for x, y in zip(a, b)], aa, mine.peak_memory(), note=absolute(length, a, latency) + note)


def absolute(length, seconds, latency=False):
    """For orientation only."""
    middle = statistics.median(seconds)
    return f"{middle * 1e6:.0f} us" if latency else f"{length / middle / 1e9:.2f} GB/s"


def null_like(room, path, *options):
    """A null filesystem with a file of the same size."""
    return Mount(room, BUILD / "bench" / "nullfs", *options, path.stat().st_size)


READ_ROWS = [
    # row, mode of reader, number, targets for contiguous and transposed
    ("read 1 MiB", "read", 1, 0.95, 0.90),
    ("read 128 KiB, sequential", "sequential", 1, 0.95, 0.90),
    ("mmap private", "mmap", 1, 0.95, 0.90),
    ("4 parallel readers", "parallel", 4, 0.92, 0.85),
    ("16 threads fault one mmap", "fault", 16, 0.92, 0.85),
]


def view_rows(table, room, kind, source, which):
    """Adds the rows of one layout."""
    with Mount(room, MXFS, "-f", "--views=none", source) as mine, null_like(room, mine.file) as null:
        length = mine.file.stat().st_size - 8192
        for name, mode, number, *targets in READ_ROWS:
            speed_row(table, f"{kind}: {name}", (">=", targets[which]), mine, null, mode, length, number)
        if which == 0:
            speed_row(table, f"{kind}: random 4 KiB latency", ("<=", 1.1), mine, null, "random", length, 2000, True)
        else:
            speed_row(table, f"{kind}: random 4 KiB latency, touched", ("<=", 2.0), mine, null, "touched", EXPERT_OUT // 2, 2000, True)
            first_byte_row(table, kind, mine, source)
    with Mount(room, MXFS, "-f", "--views=none", "--direct-io", source) as mine, null_like(room, mine.file, "--direct-io") as null:
        speed_row(table, f"{kind}: --direct-io", (">=", 0.9), mine, null, "direct", length // MIB * MIB, 1)


def format_rows(table, room):
    """Adds a row for each other format, whose source is created only when it is needed."""
    for kind in formats.FORMATS:
        if table.wants(f"format: {kind}"):
            source = formats.write(room / "format", kind)
            with Mount(room, MXFS, "-f", "--views=none", source) as mine, null_like(room, mine.file) as null:
                length = mine.file.stat().st_size - 8192
                speed_row(table, f"format: {kind}", (">=", formats.target(kind)), mine, null, "read", length)
            shutil.rmtree(source.parent)


def first_byte_row(table, kind, mine, source):
    """Adds rows for a mount that has not read anything yet, with another expert each time."""
    name = f"{kind}: first byte of a cold expert / pread of it"
    if not table.wants(name):
        return
    number = mine.file.stat().st_size // EXPERT_OUT
    mine.peak = 0

    def first(i):
        return tool("reader", "once", mine.renew().file, (i * 5 + 7) % number * EXPERT_OUT + 100_000, 1)

    def pread(i):
        return tool("reader", "warm", source, 4096 + (i * 5 + 7) % number * EXPERT_CODES, EXPERT_IN - 8192)

    a, b, c = in_turns(first, pread)
    table.add(name, ("<=", 1.5), [x / y for x, y in zip(a, b)], [x / y for x, y in zip(c, b)], mine.peak_memory(), note=absolute(1, a, True))


def drained(*command):
    """Seconds until all of a program's output has come through a pipe, and the program's peak memory in bytes."""
    with subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as writer:
        took = subprocess.run([BUILD / "bench" / "pipe", "drain"], stdin=writer.stdout, capture_output=True, text=True, check=True).stdout
        _, status, usage = os.wait4(writer.pid, 0)
        writer.returncode = os.waitstatus_to_exitcode(status)
    if writer.returncode:
        raise SystemExit(f"{command[0]}: exited with status {writer.returncode}")
    return float(took), usage.ru_maxrss * 1024


def pipe_row(table, kind, source):
    """Adds a row for `mxfs export SOURCE -`, start-up included, compared with a pipe that is filled from one buffer."""
    name = f"{kind}: export to a pipe / the pipe's limit"
    if not table.wants(name):
        return
    listed = subprocess.run([MXFS, "list", "--json", source], capture_output=True, text=True, check=True).stdout
    length = json.loads(listed)["bytes_out"]
    peaks = []

    def export(_):
        took, peak = drained(MXFS, "export", source, "-")
        peaks.append(peak)
        return took

    a, b, c = in_turns(export, lambda _: drained(BUILD / "bench" / "pipe", "pour", length)[0])
    table.add(name, (">=", 0.95), [y / x for x, y in zip(a, b)], [y / x for x, y in zip(c, b)], max(peaks), note=absolute(length, a))


def throttled_rows(table, room, kind, source, target):
    """Adds a row for mxfs on a slow disk, compared with a BF16 copy on the same disk."""
    name = f"{kind}: on a {RATE // 1000_000} MB/s disk / BF16 copy there"
    if not table.wants(name):
        return
    nullfs = BUILD / "bench" / "nullfs"
    with Mount(room, nullfs, f"--rate={RATE}", source) as slow, Mount(room, MXFS, "-f", "--views=none", slow.file) as mine:
        length = mine.file.stat().st_size - 8192
        copy = sources.sparse(room / "copy", mine.file.stat().st_size)
        with Mount(room, nullfs, f"--rate={RATE}", copy) as slow_copy:

            def cold(_):
                mine.renew()
                drop_pages(slow.file)
                return tool("reader", "read", mine.file, 4096, length)

            a, b, c = in_turns(cold, lambda _: tool("reader", "read", slow_copy.file, 4096, length))
            table.add(name, (">=", target), [y / x for x, y in zip(a, b)], [y / x for x, y in zip(c, b)], mine.peak_memory(), note=absolute(length, a))
        copy.unlink()


def drop_pages(path):
    """Drops a file's pages from the page cache."""
    with open(path, "rb") as f:
        os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def mount_time(room, source):
    """Milliseconds from the start of the program until it returns, when the mount is ready."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="mount.", dir=room))
    start = time.monotonic()
    subprocess.run([MXFS, "--views=none", source, path], check=True)
    took = time.monotonic() - start
    subprocess.run(["fusermount3", "-u", path], check=True)
    path.rmdir()
    return took * 1000


def model_rows(table, room):
    """Adds rows for whole models, as sparse files: time to mount, and memory while gigabytes are read."""
    for name, layers, experts, walk in (("gpt-oss-20b", 24, 32, 0), ("gpt-oss-120b", 36, 128, 8 << 30)):
        row = f"mount of a {name}-like file, ms"
        walked = f"{name}: RSS while 8 GiB are read, MiB"
        if not table.wants(row) and not table.wants(walked):
            continue
        source, tensors = sources.gptoss(room / "model.safetensors", layers, experts)
        if table.wants(row):
            times = [mount_time(room, source) for _ in range(PAIRS)]
            table.add(row, ("<=", 20), times, unit="ms", note=f"{tensors} tensors, {source.stat().st_size / 1e9:.0f} GB")
        if walk and table.wants(walked):
            with Mount(room, MXFS, "-f", "--views=none", source) as mine:
                for at in range(0, walk, 1 << 30):
                    tool("reader", "read", mine.file, 4096 + at, 1 << 30)
                    drop_pages(mine.file)
                limit = CACHE + 32 * MIB + 400 * tensors
                table.add(walked, ("<=", limit / MIB), [mine.peak_memory() / MIB], rss=mine.peak_memory(), limit=limit, unit="MiB")
        source.unlink()


# Row of kernel_bench (after the variant), column, targets for AVX2 and for AVX-512, name of the row here.
KERNEL_ROWS = [
    ("mxfp4_blocks bf16", "memcpy", 0.65, 0.85, "contiguous BF16, 128 KiB / memcpy"),
    ("mxfp4_blocks f32", "memcpy", 1.1, 1.1, "contiguous F32, 128 KiB / memcpy"),
    ("RAM expert, stripe 1440 bf16", "memcpy", 0.5, 0.5, "transposed BF16 from RAM / memcpy"),
    ("mxfp4_blocks bf16", "plain", 8, 8, "contiguous BF16 / plain loop"),
]
VARIANTS = ("avx512vbmi", "avx2")


def kernel_rows(table):
    """Adds rows of kernel_bench, which has its own rounds."""
    rows = [f"kernel {v}: {r[4]}" for v in VARIANTS for r in KERNEL_ROWS]
    if not any(map(table.wants, rows)):
        return
    text = subprocess.run([BUILD / "bench" / "kernel_bench", str(PAIRS)], capture_output=True, text=True, check=True).stdout
    for variant in VARIANTS:
        for key, column, avx2, avx512, what in KERNEL_ROWS:
            found = re.search(rf"^{variant}\s+{re.escape(key)}\s+\S+\s+(\S+)(?:\s+(\S+))?$", text, re.M)
            if found and table.wants(f"kernel {variant}: {what}"):
                value = float(found.group(1 if column == "memcpy" else 2))
                table.add(f"kernel {variant}: {what}", (">=", avx2 if variant == "avx2" else avx512), [value])


def main():
    """Prints the table and writes it as JSON."""
    table = Table(sys.argv[1:])
    room = pathlib.Path(tempfile.mkdtemp(prefix="mxfs-bench.", dir=os.environ.get("BENCH_DIR")))
    about = machine()
    print("\n".join(f"{k}: {v}" for k, v in about.items()))
    print("\n" + Table.HEAD, flush=True)
    try:
        for kind, make, which in (("contiguous", sources.contiguous, 0), ("transposed", sources.transposed, 1)):
            source = make(room / f"{kind}.safetensors")
            view_rows(table, room, kind, source, which)
            pipe_row(table, kind, source)
            throttled_rows(table, room, kind, source, 3.2)
            source.unlink()
        format_rows(table, room)
        model_rows(table, room)
        kernel_rows(table)
    finally:
        shutil.rmtree(room, ignore_errors=True)
    about["load_after"] = os.getloadavg()[0]
    (BUILD / "bench" / "results.json").write_text(json.dumps({"machine": about, "rows": table.rows}, indent=1) + "\n", encoding="utf-8")
    print(f"\n{sum(r.get('met') == 'NO' for r in table.rows)} of {len(table.rows)} rows miss their target; {BUILD / 'bench' / 'results.json'}")


if __name__ == "__main__":
    main()
