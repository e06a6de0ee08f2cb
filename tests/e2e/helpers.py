# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""Helpers for several test files: comparing bytes, the layout of a mount, a terminal."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios
from pathlib import Path

import numpy as np
import pytest

import reftensor as rt

DTYPES = ["BF16", "F16", "F32"]  # types that the output can have
CPU_FLAGS = Path("/proc/cpuinfo").read_text(encoding="ascii").split()
# The kernels that --kernel=NAME can force here, and the flag in /proc/cpuinfo that each needs.
KERNEL_FLAGS = {
    "x86_64": {"avx2": "avx2", "avx512vbmi": "avx512vbmi", "avx512bf16": "avx512_bf16"},
    "aarch64": {"neon": "asimd"},
}.get(os.uname().machine, {})
FORCED_KERNELS = [
    "scalar",
    *(pytest.param(name, marks=pytest.mark.skipif(flag not in CPU_FLAGS, reason=f"this CPU has no {name}")) for name, flag in KERNEL_FLAGS.items()),
]
KERNELS = [None, *FORCED_KERNELS]  # None: the one that mxfs chooses


def assert_same(got, want, what="bytes"):
    """Compares byte strings; on failure, reports where they first differ instead of printing them."""
    if bytes(got) == bytes(want):
        return
    at = next((i for i, (a, b) in enumerate(zip(got, want)) if a != b), min(len(got), len(want)))
    raise AssertionError(
        f"{what}: {len(got)} bytes against {len(want)} wanted, first difference at {at}: "
        f"{bytes(got[at:at + 16]).hex(' ')} against {bytes(want[at:at + 16]).hex(' ')}"
    )


def assert_file(path, want):
    """Compares a file with bytes; a safetensors file first by header and tensor, for a better message."""
    got = path.read_bytes()
    if got != want and path.name.endswith(".safetensors"):
        mine, theirs = rt.header(got), rt.header(want)
        assert mine[0] == theirs[0], f"{path}: headers differ"
        for name, entry in theirs[0].items():
            if name != "__metadata__":
                begin, end = entry["data_offsets"]
                assert_same(got[mine[1] + begin : mine[1] + end], want[theirs[1] + begin : theirs[1] + end], name)
    assert_same(got, want, str(path))
    assert path.stat().st_size == len(want)


def preloaded(source, folder):
    """An environment in which the functions of a C file replace those of the program's libraries."""
    library = folder / f"{source.stem}.so"
    subprocess.run(["cc", "-O1", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", library, source], check=True)
    return {"LD_PRELOAD": str(library)}


def listing(run, source, *options):
    """The object that `list --json` prints."""
    done = run("list", "--json", *options, source)
    assert done.rc == 0, done
    return json.loads(done.text)


def entry_of(listed, name):
    """The entry of one tensor."""
    (entry,) = [t for t in listed["tensors"] if t["name"] == name]
    return entry


class Terminal:
    """A program in its own terminal, which gets stderr, and stdout unless that is given."""

    def __init__(self, *command, stdout=None, columns=100):
        self.main, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.process = subprocess.Popen(
            list(map(str, command)), stdin=terminal, stdout=terminal if stdout is None else stdout, stderr=terminal, start_new_session=True
        )
        os.close(terminal)
        self.text = ""

    def read_until(self, pattern):
        """Reads until the pattern appears, or (None) to the end."""
        while pattern is None or not re.search(pattern, self.text):
            try:
                data = os.read(self.main, 65536)
            except OSError:  # EIO: the other end is closed
                data = b""
            if not data:
                assert pattern is None, self.text
                break
            self.text += data.decode(errors="replace")
        return self.text

    def finish(self):
        """(exit status, everything shown)."""
        self.read_until(None)
        os.close(self.main)
        return self.process.wait(60), self.text


def assert_no_mount(result, directory, code, *fragments):
    """Checks that a mount is refused with an exit code and a message, and that nothing is mounted."""
    result.refuses(code, *fragments)
    assert not os.path.ismount(directory)


def assert_shows(mount, place, model, dtype="BF16", kernel=None):
    """Mounts a model and compares the file with the expected bytes."""
    made = mount(model.write(place / "m.safetensors"), f"--dtype={dtype.lower()}", *([f"--kernel={kernel}"] if kernel else []))
    assert_file(made.file, model.expected_bytes(dtype))
    return made


def assert_any_range(made, model, seed, longest=5000, within=None):
    """Compares reads that begin and end anywhere; every other one lies in one of the named tensors."""
    want = model.expected_bytes()
    members, start = rt.header(want)
    begin, end = (start + at for at in members[within]["data_offsets"]) if within else (0, len(want))
    rng = np.random.default_rng(seed)
    with open(made.file, "rb", buffering=0) as f:
        for i in range(400):
            at = int(rng.integers(0, len(want)) if i % 2 else rng.integers(begin, end))
            n = int(rng.integers(1, longest))
            f.seek(at)
            assert_same(f.read(n), want[at : at + n], f"{n} bytes at {at}")


def assert_refused(run, place, tensors, config, *words):
    """Checks that a file (and config, if given) is refused with these words, and shows all tensors raw on request."""
    source = place / "m.safetensors"
    rt.save(source, tensors, {"format": "pt"})
    if config is not None:
        (place / "config.json").write_text(json.dumps(config))
    (place / "mnt").mkdir()
    done = run(source, place / "mnt")
    assert_no_mount(done, place / "mnt", 4, *words)
    assert len(done.lines) == 1, done
    assert_same(run("export", "--unsupported=raw", source, "-").out, source.read_bytes())
