# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""Sources that fail or are slow, readers that die, daemons that are killed: readers get right bytes or an error."""

import concurrent.futures
import ctypes
import errno
import json
import mmap
import os
import pathlib
import random
import resource
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import refmodels
from conftest import mounted, wait_for_mounts
from helpers import preloaded

SUPPORT = pathlib.Path(__file__).resolve().parents[1] / "support"


def served_badly(serve, place, model):
    """A model on a filesystem that can misbehave: (path, control(text), its bytes dequantized, header size)."""
    good = model.write(place / "good" / "model.safetensors")
    control = place / "control"
    control.write_text("")
    path = serve("badfs", good, "model.safetensors", control) / "model.safetensors"
    assert path.stat().st_size == good.stat().st_size

    def say(text):
        # By rename, so that badfs never reads half of it.
        new = place / "control.new"
        new.write_text(text)
        new.rename(control)

    yield path, say, model.expected_bytes(), 8 + int.from_bytes(good.read_bytes()[:8], "little")
    say("")


@pytest.fixture
def bad_source(serve, place):
    yield from served_badly(serve, place, refmodels.gptoss_hf())


@pytest.fixture
def large_bad_source(serve, place):
    yield from served_badly(serve, place, refmodels.big_gptoss())


def wait_until_it_reads(pid, limit=20):
    """Returns when a thread of the process waits for an answer from a FUSE filesystem."""
    end = time.monotonic() + limit
    waits = [""]
    while not any("wait_answer" in w for w in waits):
        assert time.monotonic() < end, waits
        waits = [(task / "wchan").read_text() for task in pathlib.Path(f"/proc/{pid}/task").iterdir()]


def read_at(path, offset, length):
    fd = os.open(path, os.O_RDONLY)
    try:
        return os.pread(fd, length, offset)
    finally:
        os.close(fd)


def test_failing_device(bad_source, mount):
    """Reads that need the bad range get EIO, all others the right bytes; after recovery, so do all."""
    path, say, want, header = bad_source
    made = mount(path, "--cache-size=1M", "--views=none", foreground=True)
    size = path.stat().st_size
    say(f"eio {header + (size - header) // 2} {size}")
    good = bad = 0
    for offset in range(0, len(want), 4096):
        try:
            got = read_at(made.file, offset, 4096)
            assert got == want[offset : offset + 4096]
            good += 1
        except OSError as e:
            assert e.errno == errno.EIO
            bad += 1
    assert good and bad
    # The log names a tensor, at most one line per second.
    lines = [line for line in made.stderr.splitlines() if "cannot read tensor" in line]
    assert lines and '"model.' in lines[0] and len(lines) <= 10
    made.excused = lines
    say("")
    subprocess.run(["cat", made.file], check=True, stdout=subprocess.DEVNULL)
    assert made.file.read_bytes() == want
    made.excused = [line for line in made.stderr.splitlines() if "cannot read tensor" in line]


def test_failing_device_direct(bad_source, mount):
    """A failure in look-ahead fails only that read; the bytes are fetched again when they are needed."""
    path, say, want, header = bad_source
    made = mount(path, "--direct-io", "--cache-size=1M", "--views=none", foreground=True)
    size, step = path.stat().st_size, 128 << 10
    fd = os.open(made.file, os.O_RDONLY)
    try:
        for bad, control in ((True, f"eio {header + (size - header) // 2} {size}"), (False, "")):
            say(control)
            failed = 0
            for offset in range(0, len(want), step):
                try:
                    assert os.pread(fd, step, offset) == want[offset : offset + step]
                except OSError as e:
                    assert e.errno == errno.EIO
                    failed += 1
            assert bad == (failed > 0)
    finally:
        os.close(fd)
    made.excused = [line for line in made.stderr.splitlines() if "cannot read tensor" in line]


def test_sigint_while_decoding_ahead(source, mount):
    """The thread that decodes ahead ends with the others, even while its file is open."""
    path, want = source
    made = mount(path, "--direct-io", "--views=none")
    step = 128 << 10
    with open(made.file, "rb", buffering=0) as f:
        assert f.read(step) == want[:step]
        os.kill(made.pid, signal.SIGINT)
        assert made.wait(20) == 0 and not mounted(made.path)


def test_failing_device_under_a_mapping(bad_source, mount):
    """A mapping gets SIGBUS where read() gets EIO."""
    path, say, want, header = bad_source
    made = mount(path, "--views=none")
    say(f"eio {header} {path.stat().st_size}")
    code = f"""if True:
        import mmap
        f = open({str(made.file)!r}, "rb")
        m = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)
        print(m[{len(want) - 5000}])"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == -signal.SIGBUS and done.stdout == b""


def test_slow_device(bad_source, mount):
    """While reads wait for the device, requests for names and attributes are answered at once."""
    path, say, want, _ = bad_source
    made = mount(path)
    say("delay 700")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        reads = [pool.submit(read_at, made.file, o, 4096) for o in (5000, 200_000, 400_000, 600_000)]
        begin = time.monotonic()
        names = os.listdir(made / "tensors")
        for name in names:
            os.stat(made / "tensors" / name)
        spent = time.monotonic() - begin
        assert not all(r.done() for r in reads), "the reads were not slow"
        assert spent < 0.6
        for offset, r in zip((5000, 200_000, 400_000, 600_000), reads):
            assert r.result() == want[offset : offset + 4096]
    say("")


def test_slow_storage(large_bad_source, mount):
    """Matrices that take long to load are read in order, so the next ones are requested ahead of time."""
    path, say, want, _ = large_bad_source
    made = mount(path, "--views=none")
    say("delay 2")
    with open(made.file, "rb", buffering=0) as f:
        for at in range(0, len(want), 1 << 20):
            assert f.read(1 << 20) == want[at : at + (1 << 20)], at


def test_hanging_device(bad_source, mount, monkeypatch):
    """A read that never returns delays neither the unmount nor its reader, which gets an error."""
    path, say, want, _ = bad_source
    monkeypatch.setenv("TSAN_OPTIONS", "report_thread_leaks=0")  # the daemon exits without waiting for its threads
    made = mount(path, "--views=none", "--cache-size=1M")
    say("delay 15000")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read_at, made.file, len(want) - 4096, 4096)
        wait_until_it_reads(made.pid)
        os.kill(made.pid, signal.SIGINT)
        wait_for_mounts(lambda: not mounted(made.path))
        assert isinstance(reading.exception(20), OSError)
        assert os.waitid(os.P_PID, made.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None, "the device has answered"
    assert made.wait() == 0  # only once the device has answered: the kernel releases no reader earlier


def test_reader_killed(bad_source, mount):
    """A reader that dies in a slow read does not disturb others."""
    path, say, want, _ = bad_source
    made = mount(path, "--views=none")
    say("delay 300")
    reader = subprocess.Popen(["dd", f"if={made.file}", "of=/dev/null", "bs=64k", "status=none"])
    first = read_at(made.file, 0, 100)  # now the daemon is working on the read
    reader.kill()
    reader.wait(10)
    say("")
    assert first == want[:100] and made.file.read_bytes() == want


@pytest.fixture
def source(place):
    model = refmodels.gptoss_hf()
    return model.write(place / "src" / "model.safetensors"), model.expected_bytes()


def test_killed_under_load_and_mounted_again(source, mount):
    """After a SIGKILL at a random moment under load, a new mount clears the dead one and serves the same bytes."""
    path, want = source
    rng = random.Random(11)
    wrong = []
    made = mount(path, "--cache-size=1M", "--views=none")
    for _ in range(8):
        stop = threading.Event()

        def load(made=made, stop=stop):
            try:
                while not stop.is_set():
                    offset = rng.randrange(len(want))
                    piece = want[offset : offset + 70_000]
                    # If the daemon dies during a read, the kernel returns the pages that it had answered: a
                    # short read of right bytes. The next read fails.
                    done = 0
                    while done < len(piece):
                        got = read_at(made.file, offset + done, len(piece) - done)
                        if not got or got != piece[done : done + len(got)]:
                            wrong.append((offset, done, len(got)))
                            return
                        done += len(got)
            except OSError as e:
                if e.errno not in (errno.ENOTCONN, errno.ECONNABORTED, errno.EIO):
                    wrong.append(e)

        threads = [threading.Thread(target=load) for _ in range(4)]
        for t in threads:
            t.start()
        for _ in range(rng.randrange(30)):
            os.stat(path)
        made.expected_status = -signal.SIGKILL
        os.kill(made.pid, signal.SIGKILL)
        stop.set()
        for t in threads:
            t.join(5)
            assert not t.is_alive(), "a reader hangs"
        assert not wrong
        made.wait()
        made = mount(path, "--cache-size=1M", "--views=none", over=made)
        assert made.file.read_bytes() == want
        made.excused = [line for line in made.stderr.splitlines() if "cleared the dead mount" in line]
        assert len(made.excused) == 1


def test_many_threads_fault_one_mapping(place, mount, run):
    """All threads fault pages at once: ctypes calls memcmp() without Python's lock, which would allow one fault at a time."""
    model = refmodels.big_gptoss()
    want = np.frombuffer(model.expected_bytes(), np.uint8)
    made = mount(model.write(place / "src" / "model.safetensors"), "--cache-size=1M", "--views=none")
    compare = ctypes.CDLL(None).memcmp
    compare.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
    with open(made.file, "rb") as f, mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as m:
        m.madvise(mmap.MADV_RANDOM)  # no readahead: each page is a request
        got, together = np.frombuffer(m, np.uint8), threading.Barrier(64)
        offsets = range(0, len(want), mmap.PAGESIZE)

        def touch(seed):
            mine = random.Random(seed).sample(offsets, min(200, len(offsets)))
            together.wait(20)
            return [at for at in mine if compare(got.ctypes.data + at, want.ctypes.data + at, min(mmap.PAGESIZE, len(want) - at))]  # noqa: F821 -- deleted after the last call

        with concurrent.futures.ThreadPoolExecutor(64) as pool:
            wrong = list(pool.map(touch, range(64)))
        del got
    assert not any(wrong)
    reads = json.loads(run("stats", "--json", made.path).out)["reads"]
    assert reads > 100, "the faults did not reach the daemon"


def test_many_opens(source, mount):
    path, want = source
    made = mount(path, "--views=none")
    before = len(os.listdir(f"/proc/{made.pid}/fd"))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    files = []
    try:
        files += [open(made.file, "rb") for _ in range(1000)]  # noqa: SIM115
        for i, f in enumerate(files):
            f.seek(i * 97)
            assert f.read(50) == want[i * 97 : i * 97 + 50]
    finally:
        for f in files:
            f.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    # Each of the daemon's threads has its own descriptor of /dev/fuse; closed files leave none.
    assert len(os.listdir(f"/proc/{made.pid}/fd")) <= before + 16


def test_few_descriptors(source, mount, mxfs_bin):
    """With few descriptors mxfs either fails with a message that says so, or serves everything."""
    path, want = source
    outcomes = set()
    for limit in (3, 4, 5, 6, 8, 12, 40):
        folder = path.parent / f"m{limit}"
        folder.mkdir()
        command = ["bash", "-c", f'ulimit -n {limit} && exec "$@"', "-", mxfs_bin, "--views=none", path, folder]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        if done.returncode == 0:
            assert (folder / "model.safetensors").read_bytes() == want
            subprocess.run(["fusermount3", "-u", folder], check=True)
        else:
            assert done.returncode in (5, 6, 127) and done.stderr.strip(), done
            assert not mounted(folder)
        outcomes.add(done.returncode)
    assert 0 in outcomes


@pytest.mark.parametrize("foreground", [False, True], ids=["background", "foreground"])
def test_no_thread_to_start_with(foreground, source, place, run, sanitized):
    """Without a thread for signals, or a first one for requests, nothing stays mounted."""
    if sanitized:
        pytest.skip("sanitizers want to be the first library")
    (place / "m").mkdir()
    failthread = preloaded(SUPPORT / "failthread.c", place)
    for n in range(2):
        done = run(source[0], place / "m", *["-f"] * foreground, env={**failthread, "FAIL_AT": str(n)})
        done.refuses(6, "thread", "Resource temporarily unavailable")
        assert not mounted(place / "m")


def test_no_more_threads(source, place, mount, sanitized):
    """One or two threads for requests serve everything, only with less parallelism."""
    if sanitized:
        pytest.skip("sanitizers want to be the first library")
    path, want = source
    failthread = preloaded(SUPPORT / "failthread.c", place)
    for n in (2, 3):
        made = mount(path, "--views=none", "--cache-size=1M", env={**failthread, "FAIL_AT": str(n)})
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            offsets = range(0, len(want), 50_000)
            assert all(pool.map(lambda o, file=made.file: read_at(file, o, 50_000) == want[o : o + 50_000], offsets))
        assert len(os.listdir(f"/proc/{made.pid}/task")) == n + 1
        os.kill(made.pid, signal.SIGTERM)
        assert made.wait() == 0 and not mounted(made.path)


def test_thread_cancelled_while_it_writes(source, place, mount, sanitized):
    """libfuse cancels its threads at the end: the daemon must not wait for a lock that one of them held."""
    if sanitized:
        pytest.skip("sanitizers want to be the first library")
    path, want = source
    made = mount(path, foreground=True, env=preloaded(SUPPORT / "cancelled.c", place))
    assert read_at(made.file, 0, 50_000) == want[:50_000]
    assert len(os.listdir(f"/proc/{made.pid}/task")) > 3  # the main thread, the one for signals, and two for requests
    os.kill(made.pid, signal.SIGTERM)
    assert made.wait() == 0 and not mounted(made.path)
    assert (made.directory / "stderr").read_text().endswith(": unmounted\n")


def test_few_processes(source, as_user, place, sanitized):
    """At an ordinary user's limit of processes, mxfs fails with one line and no mount, or serves everything."""
    if sanitized:
        pytest.skip("sanitizers end a program that gets no thread")
    path, want = source
    (place / "want").write_bytes(want)
    script = f"""
        mkdir mnt
        for n in 1 2 3 4 5 6 8 12 200; do
            rc=0
            (ulimit -u $n; exec mxfs --views=none "{path}" mnt) 2>err || rc=$?
            if [ $rc = 0 ]; then
                for i in 1 2 3 4 5 6; do cmp mnt/model.safetensors "{place}/want" & done
                wait
                cmp mnt/model.safetensors "{place}/want"
                fusermount3 -u mnt
                echo served
            else
                test $rc = 6 -a -s err
                test "$(mountpoint mnt)" = "mnt is not a mountpoint"
                echo refused
            fi
        done
    """
    done = as_user(script)
    assert done.returncode == 0 and not done.stderr, done
    assert set(done.stdout.split()) == {"served", "refused"}


def test_sigterm_with_an_idle_mapping(source, mount):
    """A mapping never ends by itself: after --stop-timeout the daemon exits, and pages not read yet give SIGBUS."""
    path, want = source
    made = mount(path, "--views=none", "--stop-timeout=1", "--readahead=64K")
    code = f"""if True:
        import mmap, sys
        f = open({str(made.file)!r}, "rb")
        m = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)
        print(m[0], flush=True)
        sys.stdin.readline()
        print(m[{len(want) - 1}])"""
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert int(holder.stdout.readline()) == want[0]
        os.kill(made.pid, signal.SIGTERM)
        assert made.wait(20) == 0 and not mounted(made.path)
        holder.communicate("\n", timeout=20)
    assert holder.returncode == -signal.SIGBUS
