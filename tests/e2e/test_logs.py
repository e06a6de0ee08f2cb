# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""The daemon's log: one line at the start, one at the end, few about failures."""

import math
import os
import re
import socket
import time

import pytest

import refmodels

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


def test_daemon_writes_to_syslog(model, source, place, mxfs_bin, fuse, alone):
    """A private /dev/log gets priority, program and the same two lines; the terminal gets nothing."""
    (place / "mnt").mkdir()
    script = """set -e
        mount -t tmpfs none /dev
        mknod -m 666 /dev/null c 1 3; mknod /dev/fuse c 10 229
        ln -s "$3/log" /dev/log
        "$1" "$2" "$3/mnt"
        umount "$3/mnt" """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(str(place / "log"))
        log.settimeout(30)
        done = alone("sh", "-c", script, "sh", mxfs_bin, source, place)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        said = [log.recv(4096).decode().rstrip("\n\0") for _ in range(2)]
    for line, want in zip(said, lines_of_a_life(model, source, place / "mnt")):
        assert re.fullmatch(rf"<29>\w+ +\d+ [\d:]+ mxfs\[\d+\]: {want}", line), said  # LOG_DAEMON | LOG_NOTICE
