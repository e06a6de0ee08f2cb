# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""Compiler and linker hardening, as readelf shows it."""

import pathlib
import re
import subprocess

import pytest


@pytest.fixture(scope="module")
def elf(mxfs_bin, sanitized):
    """elf(OPTIONS) -> the output of readelf for the program."""
    if sanitized or b"__gcov_" in pathlib.Path(mxfs_bin).read_bytes():
        pytest.skip("built with other flags, to find bugs")

    def read(*words):
        return subprocess.run(["readelf", "--wide", *words, mxfs_bin], capture_output=True, text=True, check=True).stdout

    return read


def test_position_independent(elf):
    assert re.search(r"Type:\s+DYN", elf("--file-header"))
    assert re.search(r"\(FLAGS_1\).*\bPIE\b", elf("--dynamic"))
    assert "TEXTREL" not in elf("--dynamic")


def test_full_relro(elf):
    assert "GNU_RELRO" in elf("--program-headers")
    assert re.search(r"\(FLAGS_1\).*\bNOW\b", elf("--dynamic"))


def test_nothing_writable_is_executable(elf):
    segments = [line.split() for line in elf("--program-headers").splitlines() if re.match(r" +(LOAD|GNU_STACK) ", line)]
    flags = ["".join(words[6:-1]) for words in segments]
    assert len(flags) >= 3 and not [f for f in flags if "W" in f and "E" in f]


def test_libraries_come_from_the_system(elf):
    assert not re.search(r"\((RPATH|RUNPATH)\)", elf("--dynamic"))


def test_checked_stacks_and_buffers(elf):
    symbols = elf("--dyn-syms")
    assert "__stack_chk_fail" in symbols
    assert re.search(r"__(mem\w+|str\w+|v?s?n?printf|v?asprintf|read|pread\w*)_chk", symbols)
