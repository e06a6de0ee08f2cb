# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""What several test files share: comparing bytes, and the layout of a mount."""

import json
import os

import reftensor as rt


def assert_same(got, want, what="bytes"):
    """Compares byte strings; says where they part instead of printing them."""
    if bytes(got) == bytes(want):
        return
    at = next((i for i, (a, b) in enumerate(zip(got, want)) if a != b), min(len(got), len(want)))
    raise AssertionError(
        f"{what}: {len(got)} bytes against {len(want)} wanted, first difference at {at}: "
        f"{bytes(got[at:at + 16]).hex(' ')} against {bytes(want[at:at + 16]).hex(' ')}"
    )


def assert_file(path, want):
    """Compares a file with bytes; a safetensors file by header and tensor first, for the message's sake."""
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


def listing(run, source, *options):
    """The object that `list --json` prints."""
    done = run("list", "--json", *options, source)
    assert done.rc == 0, done
    return json.loads(done.text)


def entry_of(listed, name):
    """The entry of one tensor."""
    (entry,) = [t for t in listed["tensors"] if t["name"] == name]
    return entry


def assert_no_mount(result, directory, code, *fragments):
    """A mount that was refused: its exit code, its words, and nothing mounted."""
    result.refuses(code, *fragments)
    assert not os.path.ismount(directory)
