# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""The daemon's log: one line at the start, one at the end, few about failures."""

import math
import os
import re
import signal
import socket
import time

import pytest

import refmodels
from conftest import wait_end

TENSOR = "model.layers.0.mlp.experts.gate_up_proj"
START = r"{source} on {mnt}: {count} tensors, 6 dequantized as mxfp4-gptoss, {stored} -> {shown} bytes, kernel \w+, \d+ threads"


@pytest.fixture
def model():
    return refmodels.gptoss_hf()


@pytest.fixture
def source(model, place):
    return model.write(place / "src" / "m.safetensors")


def lines_of_a_life(model, source, mnt):
    """Patterns of the first and the last line."""
    about = {"source": source, "mnt": mnt, "count": len(model.expected()), "stored": source.stat().st_size, "shown": len(model.expected_bytes())}
    return [START.format(**about), f"{mnt}: unmounted"]


def test_foreground(model, source, mount):
    """In the foreground the log goes to stderr, with no line more however much is read."""
    made = mount(source, foreground=True)
    for _ in range(3):
        made.file.read_bytes()
    assert made.unmount().returncode == 0 and made.wait() == 0
    first, last = lines_of_a_life(model, source, made.path)
    assert re.fullmatch(f"mxfs: {first}\nmxfs: {last}\n", made.stderr), made.stderr


def test_failures(source, mount):
    """At most one line per second names a tensor and counts the failures that it stands for, even with --quiet."""
    made = mount(source, "-q", foreground=True)
    os.truncate(source, 20_000)
    fd = os.open(made / "tensors" / TENSOR, os.O_RDONLY)
    begin, tries = time.monotonic(), 0
    try:
        while f"{TENSOR}_" not in made.stderr or tries < 300 or " more before)" not in made.stderr:
            tries += 1
            with pytest.raises(OSError):
                os.pread(fd, 4096, 0)
    finally:
        os.close(fd)
    spent = time.monotonic() - begin
    lines = [line for line in made.stderr.splitlines() if "cannot read tensor" in line]
    assert 2 <= len(lines) <= math.ceil(spent) + 1, (spent, made.stderr)
    assert all(re.fullmatch(rf'mxfs: {source}: cannot read tensor "{TENSOR}_(blocks|scales)": .+', line) for line in lines), lines
    changed = [line for line in made.stderr.splitlines() if "after it was opened" in line]
    assert len(changed) == 1 and len(changed) + len(lines) == made.stderr.count("\n")


# MXFS SOURCE PLACE COMMAND: mounts with PLACE/log as /dev/log, runs COMMAND, unmounts; prints the daemon's pid.
WITH_OWN_LOG = """set -e
    mount -t tmpfs none /dev
    mknod -m 666 /dev/null c 1 3; mknod /dev/fuse c 10 229
    ln -s "$3/log" /dev/log
    "$1" "$2" "$3/mnt"
    pgrep -o -fx "$1 $2 $3/mnt"
    eval "$4"
    umount "$3/mnt" """

READ = 'cat "$3/mnt/m.safetensors" >/dev/null'


@pytest.fixture
def live(source, place, mxfs_bin, fuse, alone):
    """live(COMMAND): a life of a daemon that logs to place/log; nothing appears on the terminal."""

    def go(command):
        (place / "mnt").mkdir()
        done = alone("sh", "-c", WITH_OWN_LOG, "sh", mxfs_bin, source, place, command)
        assert done.returncode == 0 and re.fullmatch(r"\d+\n", done.stdout) and not done.stderr, done
        assert wait_end(int(done.stdout)) == 0

    return go


def test_daemon_writes_to_syslog(model, source, place, live):
    """A /dev/log of our own: priorities, program, and the same two lines."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(str(place / "log"))
        live("true")
        said = [log.recv(4096).decode().rstrip("\n\0") for _ in range(2)]
    for line, want in zip(said, lines_of_a_life(model, source, place / "mnt")):
        assert re.fullmatch(rf"<29>\w+ +\d+ [\d:]+ mxfs\[\d+\]: {want}", line), said  # LOG_DAEMON | LOG_NOTICE


def test_daemon_writes_to_a_stream(model, source, place, live):
    """As some syslog daemons want it: a NUL ends each line."""
    with socket.socket(socket.AF_UNIX) as log:
        log.bind(str(place / "log"))
        log.listen()
        live("true")
        with log.accept()[0] as peer:
            said = b"".join(iter(lambda: peer.recv(4096), b"")).decode()
    first, last = lines_of_a_life(model, source, place / "mnt")
    assert re.fullmatch(rf"<29>[^:]+:[\d:]+ mxfs\[\d+\]: {first}\0<29>[^\0]+: {last}\0", said), said


def test_syslog_that_does_not_read(place, live):
    """Its lines are lost; the daemon serves and ends."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        log.bind(str(place / "log"))
        other.connect(str(place / "log"))
        other.setblocking(False)
        with pytest.raises(BlockingIOError):
            while True:
                other.send(b"full")
        live(READ)


def test_syslog_that_goes_away(place, live):
    """The daemon cannot connect to another, and serves on."""
    os.mkfifo(place / "closed")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(str(place / "log"))

        def go_away(*_):
            log.close()
            (place / "closed").write_text("\n", encoding="ascii")

        before = signal.signal(signal.SIGUSR2, go_away)
        try:
            live(f'kill -s USR2 {os.getpid()}; read -r line <"$3/closed"; {READ}')
        finally:
            signal.signal(signal.SIGUSR2, before)
        assert log.fileno() == -1
