# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""What a running mount offers beside its files: extended attributes."""

import errno
import json
import os

import pytest

import refmodels as models
from helpers import listing

PREFIX = "user.mxfs."


@pytest.fixture
def model():
    return models.gptoss_hf()


@pytest.fixture
def source(model, place):
    return model.write(place / "src" / "m.safetensors")


class TestAttributes:
    """-o xattr."""

    @pytest.mark.parametrize("option", [["--xattr"], ["-o", "xattr"]], ids=["long", "list"])
    def test_as_listed(self, option, source, mount, run):
        made = mount(source, *option)
        for tensor in listing(run, source)["tensors"]:
            for path in (made / "tensors" / tensor["view"], made / "npy" / (tensor["view"] + ".npy")):
                if tensor["dtype"].startswith(("F4", "F6")) and path.suffix == ".npy":
                    continue  # NumPy has no such type, so there is no such file
                assert {n: os.getxattr(path, n).decode() for n in os.listxattr(path)} == {
                    PREFIX + "scheme": tensor["scheme"],
                    PREFIX + "dtype": tensor["dtype"],
                    PREFIX + "shape": json.dumps(tensor["shape"], separators=(",", ":")),
                    PREFIX + "sources": json.dumps(tensor["sources"], separators=(",", ":")),
                }

    def test_other_files_have_none(self, source, mount):
        made = mount(source, "--xattr")
        for path in (made.path, made.file, made / "tensors"):
            assert os.listxattr(path) == []
            with pytest.raises(OSError) as e:
                os.getxattr(path, PREFIX + "scheme")
            assert e.value.errno == errno.ENODATA

    def test_long_values(self, mount, place):
        """A value longer than the first buffer, of names with every odd byte; one that no buffer can hold is E2BIG."""
        long, longer = '\x01\n"\\é/' * 2000, "x" * 70_000
        model = models.Model()
        model.plain(long, models.bf16(1, 2))
        model.plain(longer, models.bf16(1, 2))
        made = mount(model.write(place / "m.safetensors"), "--xattr")
        got, failed = [], []
        for path in (made / "tensors").iterdir():
            try:
                got += json.loads(os.getxattr(path, PREFIX + "sources"))
            except OSError as e:
                failed.append(e.errno)
        assert got == [long] and failed == [errno.E2BIG]

    def test_unless_asked_for(self, source, mount):
        made = mount(source)
        for path in (made.file, next((made / "tensors").iterdir())):
            with pytest.raises(OSError) as e:
                os.getxattr(path, PREFIX + "scheme")
            assert e.value.errno == errno.ENOTSUP
