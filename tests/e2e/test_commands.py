# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""export, verify, list for people, -u: as users run them, in a terminal and outside."""

import ctypes
import json
import os
import re
import resource
import signal
import struct
import subprocess
import sys

import ml_dtypes
import numpy as np
import pytest

import refmodels as models
import refrepo
import reftensor as rt
from conftest import ROOT
from helpers import Terminal, assert_file, assert_same, listing, preloaded

SUPPORT = ROOT / "tests" / "support"


@pytest.fixture
def model():
    return models.gptoss_hf()


@pytest.fixture
def source(place, model):
    return model.write(place / "src" / "m.safetensors")


@pytest.fixture
def folder(place):
    sharded = refrepo.spread(models.gptoss_hf(), 3)
    sharded.write(place / "repo")
    (place / "repo" / "sub").mkdir()
    (place / "repo" / "sub" / "note.txt").write_bytes(b"passed through\n")
    (place / "repo" / "empty.txt").write_bytes(b"")
    return sharded, place / "repo"


def sparse(path, tensors, element):
    """A sparse file of tensors, name -> (dtype of `element` bytes, shape), all zero, so that it takes no disk space."""
    members, at = {}, 0
    for name, (dtype, shape) in tensors.items():
        size = int(np.prod(shape)) * element
        members[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    header = json.dumps(members).encode()
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(header)) + header)
        f.truncate(8 + len(header) + at)
    return path


def experts(path, count):
    """Experts in the shape of gpt-oss, count * 50 MB dequantized."""
    parts = {"down_proj_blocks": [count, 2880, 90, 16], "down_proj_scales": [count, 2880, 90]}
    parts |= {"gate_up_proj_blocks": [count, 5760, 90, 16], "gate_up_proj_scales": [count, 5760, 90]}
    return sparse(path, {"model.layers.0.mlp.experts." + name: ("U8", shape) for name, shape in parts.items()}, 1)


def names_in(path):
    """All names in a folder, including hidden ones."""
    return sorted(p.name for p in path.iterdir())


class TestExport:
    @pytest.mark.parametrize("name", models.MODELS)
    def test_file(self, name, run, place):
        model = models.MODELS[name]()
        source = model.write(place / "src" / "m.safetensors")
        done = run("export", source, place / "out.safetensors")
        assert (done.rc, done.out, done.err) == (0, b"", "")
        assert_file(place / "out.safetensors", model.expected_bytes())
        assert names_in(place) == [".run", "out.safetensors", "src"]

    @pytest.mark.parametrize("options", [["--dtype=f32"], ["--jobs=1"], ["--jobs=7"], ["-j3"], ["--cache-size=1M"]], ids=" ".join)
    def test_options(self, options, run, place, source, model):
        assert run("export", *options, source, place / "x").rc == 0
        assert_file(place / "x", model.expected_bytes("F32" if "f32" in options[0] else "BF16"))

    def test_only(self, run, place, source, model):
        assert run("export", "--only=*.layers.1.*", source, place / "x").rc == 0
        tensors, _ = rt.read((place / "x").read_bytes())
        assert tensors == {n: t for n, t in model.expected().items() if ".layers.1." in n}

    def test_permissions(self, mxfs_bin, place, source):
        """Modes depend on the umask, as for any new file."""
        subprocess.run([mxfs_bin, "export", source, place / "x"], check=True, umask=0o027)
        assert (place / "x").stat().st_mode & 0o777 == 0o640

    def test_into_a_folder(self, run, place, source, model):
        (place / "there").mkdir()
        assert run("export", source, place / "there").rc == 0
        assert run("export", source, str(place / "there") + "/").refuses(6, "exists", "--force")
        assert_file(place / "there" / "m.safetensors", model.expected_bytes())

    def test_folder(self, run, place, folder):
        sharded, source = folder
        done = run("export", source, place / "out")
        assert (done.rc, done.out, done.err) == (0, b"", "")
        tree = refrepo.tree_of(place / "out")
        for file in sharded.files:
            assert_same(tree.pop(file), sharded.expected(file), file)
        assert json.loads(tree.pop(sharded.index_name)) == sharded.expected_index()
        assert "quantization_config" not in json.loads(tree.pop("config.json"))
        assert tree == {"sub/note.txt": b"passed through\n", "empty.txt": b""}

    def test_folder_is_what_the_mount_shows(self, run, mount, place, folder):
        assert run("export", folder[1], place / "out").rc == 0
        assert refrepo.tree_of(place / "out") == refrepo.tree_of(mount(folder[1]).path)

    def test_into_an_existing_folder(self, run, place, folder):
        """An empty folder is filled; one that is not empty only with --force, and its other files stay."""
        sharded, source = folder
        (place / "out").mkdir()
        assert run("export", source, place / "out").rc == 0
        before = refrepo.tree_of(place / "out")
        (place / "out" / "mine").write_text("mine")
        (place / "out" / next(iter(sharded.files))).write_text("old")
        run("export", source, place / "out").fails(6, "not empty", "--force")
        assert (place / "out" / next(iter(sharded.files))).read_text() == "old"
        assert run("export", "--force", source, place / "out").rc == 0
        assert refrepo.tree_of(place / "out") == {**before, "mine": b"mine"}
        assert names_in(place / "out") == sorted({n.split("/")[0] for n in before} | {"mine"})

    def test_force_replaces_no_folder(self, run, place, folder):
        """If a folder is in the way of a file, nothing is changed."""
        (place / "out" / "config.json").mkdir(parents=True)
        run("export", "--force", folder[1], place / "out").fails(6, "config.json", "directory")
        assert names_in(place / "out") == ["config.json"]

    def test_overwriting(self, run, place, source, model):
        (place / "x").write_bytes(b"precious")
        run("export", source, place / "x").fails(6, "exists", "--force")
        assert (place / "x").read_bytes() == b"precious"
        assert run("export", "--force", source, place / "x").rc == 0
        assert_file(place / "x", model.expected_bytes())

    def test_overwriting_through_a_link(self, run, place, source, model):
        (place / "big").mkdir()
        (place / "big" / "x").write_bytes(b"old")
        (place / "link").symlink_to("big/x")
        assert run("export", "--force", source, place / "link").rc == 0
        assert (place / "link").is_symlink()
        assert_file(place / "big" / "x", model.expected_bytes())

    @pytest.mark.parametrize(
        "dest, words",
        [
            ("src/m.safetensors", "is SOURCE itself"), ("src", "is SOURCE itself"), ("nowhere/x", "No such file"), ("nowhere/", "no such folder"),
            ("fifo", "not a regular file"), ("there", "is a folder; name a file in it"), ("", "empty"), ("x" * 300, "File name too long"), ("src/m.safetensors/x", "Not a directory"),
        ],
        ids=str,
    )  # fmt: skip
    def test_wrong_places(self, dest, words, run, place, source):
        os.mkfifo(place / "fifo")
        (place / "there" / "m.safetensors").mkdir(parents=True)
        before = refrepo.tree_of(place / "src")
        run("export", "--force", source, f"{place}/{dest}" if dest else "").fails(2 if not dest else 6, words)
        assert refrepo.tree_of(place / "src") == before and names_in(place) == [".run", "fifo", "src", "there"]

    def test_folder_over_a_file(self, run, place, folder):
        (place / "x").write_bytes(b"precious")
        run("export", "--force", folder[1], place / "x").fails(6, "not a folder")
        run("export", "--force", folder[1], folder[1]).fails(6, "is SOURCE itself")

    def test_failures_of_the_source_come_first(self, run, place):
        run("export", place / "gone", place / "x").fails(5, "gone")
        assert names_in(place) == [".run"]

    def test_full_disk(self, mxfs_bin, place, source, alone):
        """An export that does not fit is not started."""
        (place / "disk").mkdir()
        script = f'mount -t tmpfs -o size=16k none "{place}/disk" && "{mxfs_bin}" export "{source}" "{place}/disk/x"; echo rc=$?; ls -A "{place}/disk"'
        done = alone("sh", "-c", script)
        assert done.stdout == "rc=6\n", done
        assert re.search(r"^mxfs: \S+/disk: not enough space: .* free, .* needed\n$", done.stderr), done.stderr

    def test_limit_on_file_sizes(self, mxfs_bin, place):
        source, limit = experts(place / "m.safetensors", 1), 8 << 20
        done = subprocess.run(
            [mxfs_bin, "export", source, place / "x"], capture_output=True, text=True, check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        )  # fmt: skip
        assert done.returncode == 6 and "File too large" in done.stderr and done.stderr.count("\n") == 1, done
        assert names_in(place) == ["m.safetensors"]

    @pytest.mark.parametrize("force", [False, True], ids=["kept", "forced"])
    def test_folder_filled_meanwhile(self, force, mxfs_bin, place):
        """A file of the same name that appears in the empty folder is left alone, except with --force."""
        (place / "src").mkdir()
        experts(place / "src" / "m.safetensors", 4)
        (place / "src" / "a.txt").write_bytes(b"new")
        (place / "to").mkdir()
        running = Terminal(mxfs_bin, "export", "--kernel=scalar", "--jobs=1", *(["--force"] if force else []), place / "src", place / "to")
        running.read_until("%")
        (place / "to" / "a.txt").write_bytes(b"precious")
        status, text = running.finish()
        if force:
            assert status == 0 and names_in(place / "to") == ["a.txt", "m.safetensors"] and (place / "to" / "a.txt").read_bytes() == b"new", text
        else:
            assert status == 6 and text.endswith(f"mxfs: {place}/to/a.txt: File exists\r\n"), text
            assert names_in(place / "to") == ["a.txt"] and (place / "to" / "a.txt").read_bytes() == b"precious"

    def test_forced_name_taken_meanwhile(self, mxfs_bin, place):
        """--force also overwrites files that appear during the export, as when two exports share a destination."""
        (place / "to").mkdir()
        running = Terminal(mxfs_bin, "export", "--kernel=scalar", "--jobs=1", "--force", experts(place / "m.safetensors", 4), place / "to" / "x")
        running.read_until("%")
        (place / "to" / "x").write_bytes(b"old")
        status, text = running.finish()
        assert status == 0 and names_in(place / "to") == ["x"] and (place / "to" / "x").stat().st_size > 100e6, text

    @pytest.mark.parametrize("into", ["file", "folder"])
    def test_name_taken_meanwhile(self, into, mxfs_bin, place):
        """A file that appears during the export is left alone."""
        (place / "src").mkdir()
        experts(place / "src" / "m.safetensors", 4)
        (place / "to").mkdir()
        source = place / "src" / "m.safetensors" if into == "file" else place / "src"
        running = Terminal(mxfs_bin, "export", "--kernel=scalar", "--jobs=1", source, place / "to" / "x")
        running.read_until("%")
        (place / "to" / "x").write_bytes(b"precious")
        status, text = running.finish()
        assert status == 6 and text.endswith(f"mxfs: {place}/to/x: File exists\r\n"), text
        assert names_in(place / "to") == ["x"] and (place / "to" / "x").read_bytes() == b"precious"

    @pytest.mark.parametrize("taken", [False, True], ids=["free", "taken"])
    def test_filesystem_that_cannot_spare_a_name(self, taken, mxfs_bin, sanitized, place, source, model):
        """As on NFS, RENAME_NOREPLACE fails with EINVAL: export checks the name, then renames."""
        if sanitized:
            pytest.skip("a preloaded library goes before the sanitizer's")
        (place / "nfs.c").write_text(
            "#include <errno.h>\n#include <fcntl.h>\n#include <stdarg.h>\n#include <stdlib.h>\n#include <sys/syscall.h>\n#include <unistd.h>\n"
            "int openat(int at, const char *path, int flags, ...)\n{\n    va_list args;\n    va_start(args, flags);\n"
            "    if ((flags & O_TMPFILE) == O_TMPFILE) {\n        errno = EOPNOTSUPP;\n        return -1;\n    }\n"
            "    return syscall(SYS_openat, at, path, flags, va_arg(args, int));\n}\n"
            "int renameat2(int a, const char *from, int b, const char *to, unsigned flags)\n{\n"
            "    (void)a, (void)from, (void)flags;\n"
            "    if (getenv(\"TAKEN\"))\n        close(openat(b, to, O_WRONLY | O_CREAT | O_EXCL, 0600));\n"
            "    errno = EINVAL;\n    return -1;\n}\n"
        )
        (place / "to").mkdir()
        done = subprocess.run(
            [mxfs_bin, "export", source, place / "to" / "x"], capture_output=True, text=True, check=False,
            env={**os.environ, **preloaded(place / "nfs.c", place), **({"TAKEN": "1"} if taken else {})},
        )  # fmt: skip
        assert names_in(place / "to") == ["x"]
        if taken:
            assert done.returncode == 6 and done.stderr == f"mxfs: {place}/to/x: File exists\n", done
            assert (place / "to" / "x").read_bytes() == b""
        else:
            assert done.returncode == 0 and not done.stderr, done
            assert_file(place / "to" / "x", model.expected_bytes())

    def test_disk_that_fills_up(self, mxfs_bin, sanitized, place, folder):
        """Another process uses up the space during the export."""
        if sanitized:
            pytest.skip("a preloaded library goes before the sanitizer's")
        (place / "full.c").write_text(
            "#include <errno.h>\n#include <stdatomic.h>\n#include <sys/types.h>\n#include <sys/syscall.h>\n#include <unistd.h>\n"
            "static atomic_int calls;\n"
            "ssize_t pwrite(int fd, const void *p, size_t n, off_t at)\n"
            "{\n    if (atomic_fetch_add(&calls, 1) < 2) return syscall(SYS_pwrite64, fd, p, n, at);\n    errno = ENOSPC;\n    return -1;\n}\n"
            "ssize_t pwrite64(int fd, const void *p, size_t n, off_t at) __attribute__((alias(\"pwrite\")));\n"
        )
        done = subprocess.run(
            [mxfs_bin, "export", folder[1], place / "out"], capture_output=True, text=True, check=False,
            env={**os.environ, **preloaded(place / "full.c", place)},
        )  # fmt: skip
        assert done.returncode == 6 and "No space left" in done.stderr and done.stderr.count("\n") == 1, done
        assert names_in(place) == ["full.c", "full.so", "repo"]

    @pytest.mark.parametrize("into", ["file", "folder"])
    def test_synced_before_it_is_seen(self, into, mxfs_bin, sanitized, place, source, folder):
        """Export syncs every file, then renames, then syncs the parent folder: a crash leaves everything or nothing."""
        if sanitized:
            pytest.skip("a preloaded library goes before the sanitizer's")
        (place / "tell.c").write_text(
            "#include <stdio.h>\n#include <sys/syscall.h>\n#include <unistd.h>\n"
            "int fsync(int fd)\n{\n    char link[40], path[4096];\n    snprintf(link, sizeof(link), \"/proc/self/fd/%d\", fd);\n"
            "    ssize_t n = readlink(link, path, sizeof(path));\n    dprintf(1, \"sync %.*s\\n\", (int)n, path);\n"
            "    return syscall(SYS_fsync, fd);\n}\n"
            "int linkat(int a, const char *from, int b, const char *to, int flags)\n{\n"
            "    dprintf(1, \"name %s\\n\", to);\n    return syscall(SYS_linkat, a, from, b, to, flags);\n}\n"
            "int renameat2(int a, const char *from, int b, const char *to, unsigned flags)\n{\n"
            "    dprintf(1, \"name %s\\n\", to);\n    return syscall(SYS_renameat2, a, from, b, to, flags);\n}\n"
        )
        (place / "to").mkdir()
        told = subprocess.run(
            [mxfs_bin, "export", source if into == "file" else folder[1], place / "to" / "x"], check=True, capture_output=True, text=True,
            env={**os.environ, **preloaded(place / "tell.c", place)},
        ).stdout.splitlines()  # fmt: skip
        at = told.index("name x")
        assert told[at + 1 :] == [f"sync {place}/to"]
        made = list((place / "to" / "x").rglob("*")) if into == "folder" else []
        files = [p.name for p in made if p.is_file()] or ["x"]
        assert len({line for line in told[: len(files)] if re.fullmatch(rf"sync {place}/to/#\d+ \(deleted\)", line)}) == len(files)
        named, synced = told[len(files) : at], []
        if into == "folder":
            named, synced = named[: len(files)], named[len(files) :]
            assert sorted(named) == sorted(f"name {name}" for name in files)
        stage = rf"sync {place}/to/\.x\.mxfs-\d+-0/mxfs-unfinished"
        assert [re.sub(stage, "", line) for line in synced] == (["", "/sub"] if into == "folder" else [])

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    @pytest.mark.parametrize("into", ["file", "folder"])
    def test_signal(self, number, into, mxfs_bin, place):
        """The progress bar tells when export is halfway. With the scalar kernel it takes seconds."""
        (place / "src").mkdir()
        experts(place / "src" / "m.safetensors", 24)
        source = place / "src" / "m.safetensors" if into == "file" else place / "src"
        (place / "to").mkdir()
        running = Terminal(mxfs_bin, "export", "--kernel=scalar", "--jobs=1", source, place / "to" / "x")
        running.read_until("%")
        running.process.send_signal(number)
        status, text = running.finish()
        assert status == -number, text
        assert names_in(place / "to") == []
        assert text.endswith("interrupted; DEST is unchanged\r\n"), text

    def test_ignored_signals_stay_ignored(self, mxfs_bin, place, source):
        """As under nohup, SIGHUP stays ignored."""
        done = subprocess.run(
            [mxfs_bin, "export", source, place / "x"], check=False, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)
        )
        assert done.returncode == 0

    def test_progress(self, mxfs_bin, place):
        """The scalar kernel takes long enough to measure a rate."""
        source = experts(place / "m.safetensors", 8)
        status, text = Terminal(mxfs_bin, "export", "--kernel=scalar", "--jobs=1", source, place / "x").finish()
        assert status == 0, text
        lines = text.split("\r")[1:-2]
        for line in lines:
            assert re.match(r"\[[#.]{5,}\] +\d+%  [\d.]+ \w+ of 398\.1 MB  [\d.]+ \w+/s  ETA (-|[\d:]+)\x1b\[K$", line) and len(line) < 104, repr(line)
        assert re.search(r"[MG]B/s  ETA 0:", lines[-1]), lines
        assert re.search(r"\r\x1b\[K\S+/x: 398\.1 MB in [\d.]+ (ms|s), [\d.]+ \wB/s\r\n$", text), repr(text[-200:])

    @pytest.mark.parametrize("columns", [20, 40, 60, 80])
    def test_narrow_terminal(self, columns, mxfs_bin, place):
        """The bar is never wider than the terminal, and shows each part as soon as there is room."""
        source = experts(place / "m.safetensors", 2)
        status, text = Terminal(mxfs_bin, "export", source, place / "x", columns=columns).finish()
        assert status == 0, text
        bar, sizes = r"(\[[#.]{5,}\] +)?", r"[\d.]+ \w+ of 99\.5 MB  " if columns >= 60 else ""
        for line in text.split("\r")[1:-2]:
            shown = line.removesuffix("\x1b[K")
            assert len(shown) < columns, repr(line)
            assert columns < 40 or re.fullmatch(rf"{bar} *\d+%  {sizes}[\d.]+ \w+/s  ETA (-|[\d:]+)", shown), repr(line)

    def test_quiet(self, mxfs_bin, place):
        """-q shows no bar, even in a terminal."""
        source = experts(place / "m.safetensors", 1)
        for command in (["export", source, place / "x"], ["verify", source, place / "x"]):
            assert Terminal(mxfs_bin, "-q", *command).finish() == (0, "")
        status, text = Terminal(mxfs_bin, "-q", "list", "--hash", source).finish()
        assert status == 0 and "\x1b" not in text and "XXH128" in text
        with open(place / "x", "r+b") as f:
            f.seek(-1, os.SEEK_END)
            f.write(b"\x7f")
        status, text = Terminal(mxfs_bin, "-q", "verify", source, place / "x").finish()
        assert status == 1 and text.startswith("different: ") and "\x1b" not in text

    def test_hours_to_go(self, mxfs_bin, place):
        """Export streams ten (sparse) terabytes to a reader that closes the pipe."""
        reading, writing = os.pipe()
        running = Terminal(mxfs_bin, "export", experts(place / "m.safetensors", 200_000), "-", stdout=writing)
        os.close(writing)
        with subprocess.Popen(["cat"], stdin=reading, stdout=subprocess.DEVNULL) as reader:
            os.close(reading)
            running.read_until(r"GB of 10\.0 TB  [\d.]+ \wB/s  ETA \d+:\d\d:\d\d\x1b")
            reader.kill()
        assert running.finish()[0] == -signal.SIGPIPE

    def test_memory(self, mxfs_bin, sanitized, place):
        if sanitized:
            pytest.skip("a sanitizer's memory")
        # Through a small process: the peak of a child includes that of the process that forked it.
        script = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
        source = experts(place / "m.safetensors", 4)
        done = subprocess.run([sys.executable, "-I", "-c", script, mxfs_bin, "export", source, place / "x"], capture_output=True, text=True, check=True)
        assert int(done.stdout) < 100_000, done
        assert (place / "x").stat().st_size > 150e6

    def test_source_that_changes(self, mxfs_bin, place):
        """A source truncated halfway gives one error and leaves nothing."""
        source = experts(place / "m.safetensors", 24)
        (place / "to").mkdir()
        running = Terminal(mxfs_bin, "export", "--kernel=scalar", "--jobs=1", source, place / "to" / "x")
        running.read_until("%")
        os.truncate(source, 100_000)
        status, text = running.finish()
        assert status == 5 and "cannot read tensor" in text, text
        assert names_in(place / "to") == []


class TestStream:
    @pytest.mark.parametrize("options", [[], ["--jobs=1"], ["--jobs=5"]], ids=str)
    def test_bytes(self, options, run, source, model):
        done = run("export", *options, source, "-")
        assert done.rc == 0 and not done.err
        assert_same(done.out, model.expected_bytes())

    def test_pipe(self, mxfs_bin, place):
        """Many pieces, written in order, give the same bytes as the file."""
        source = experts(place / "m.safetensors", 2)
        subprocess.run([mxfs_bin, "export", source, place / "x"], check=True)
        assert subprocess.run(f'"{mxfs_bin}" export "{source}" - | cmp - "{place}/x"', shell=True, check=False).returncode == 0

    def test_bar_of_a_stream(self, mxfs_bin, place):
        with open(place / "x", "wb") as f:
            status, text = Terminal(mxfs_bin, "export", experts(place / "m.safetensors", 1), "-", stdout=f).finish()
        assert status == 0 and "% " in text and "ETA" in text

    def test_terminal(self, mxfs_bin, source):
        status, text = Terminal(mxfs_bin, "export", source, "-").finish()
        assert status == 2 and "stdout is a terminal; redirect it" in text and text.count("\n") == 1

    def test_folder(self, run, folder):
        run("export", folder[1], "-").fails(2, "cannot stream a folder")

    def test_full(self, run, source):
        with open("/dev/full", "wb") as full:
            run("export", source, "-", stdout=full).fails(6, "stdout")

    def test_reader_that_leaves(self, mxfs_bin, place):
        source = experts(place / "m.safetensors", 2)
        script = f'"{mxfs_bin}" export "{source}" - | head -c 1000 >/dev/null; echo "${{PIPESTATUS[0]}}"'
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
        assert done.stdout == "141\n" and not done.stderr, done


class TestProcessorsThatComeAndGo:
    """The default of --jobs can change while a command runs."""

    @pytest.mark.parametrize("command", ["export", "stream", "verify", "list"])
    def test_more_than_at_the_start(self, command, run, place, source, model, sanitized):
        if sanitized:
            pytest.skip("sanitizers want to be the first library")
        words = {"export": ["export", source, place / "out"], "stream": ["export", source, "-"], "verify": ["verify", source, place / "want.safetensors"], "list": ["list", "--hash", source]}
        (place / "want.safetensors").write_bytes(model.expected_bytes())
        done = run(*words[command], env=preloaded(SUPPORT / "processors.c", place))
        assert done.rc == 0 and not done.err, done

    @pytest.mark.parametrize("first,then", [(1, 2), (2, 1)])
    def test_from_outside(self, first, then, mxfs_bin, place):
        """The affinity changes in the middle of a stream, as with taskset -p."""
        processors = sorted(os.sched_getaffinity(0))
        if len(processors) < 2:
            pytest.skip("there is one processor")
        path = experts(place / "m.safetensors", 1)
        own = set(processors[:first])
        with subprocess.Popen(
            [mxfs_bin, "export", path, "-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=lambda: os.sched_setaffinity(0, own)
        ) as p:
            got = len(p.stdout.read(1))  # the workers are running
            for task in os.listdir(f"/proc/{p.pid}/task"):
                os.sched_setaffinity(int(task), set(processors[:then]))
            while data := p.stdout.read(1 << 20):
                got += len(data)
            assert p.wait(60) == 0 and not p.stderr.read()
        assert got > 49_000_000


PLANTED = {
    "BOOL": None, "U8": np.uint8([1, 2, 3, 200, 5, 6]), "I8": np.int8([1, -2, 3, -128, 5, 6]), "I16": np.int16([1, 2, 3, -30000, 5, 6]),
    "U16": np.uint16([1, 2, 3, 60000, 5, 6]), "I32": np.int32([1, 2, 3, -(2**31), 5, 6]), "U32": np.uint32([1, 2, 3, 2**32 - 1, 5, 6]),
    "I64": np.int64([1, 2, 3, -(2**63), 5, 6]), "U64": np.uint64([1, 2, 3, 2**64 - 1, 5, 6]), "F16": np.float16([1, 2, 3, 6e-8, 5, 6]),
    "BF16": np.float32([1, 2, 3, 1e-40, 5, 6]).astype(ml_dtypes.bfloat16), "F32": np.float32([1, 2, 3, 1.1, 5, 6]), "F64": np.float64([1, 2, 3, 1e-310, 5, 6]),
    "F8_E4M3": np.float32([1, 2, 3, 448, 5, 6]).astype(ml_dtypes.float8_e4m3fn), "F8_E5M2": np.float32([1, 2, 3, 2**-16, 5, 6]).astype(ml_dtypes.float8_e5m2),
    "F8_E4M3FNUZ": np.float32([1, 2, 3, 240, 5, 6]).astype(ml_dtypes.float8_e4m3fnuz),
    "F8_E5M2FNUZ": np.float32([1, 2, 3, 57344, 5, 6]).astype(ml_dtypes.float8_e5m2fnuz),
    "F8_E8M0": np.float32([1, 2, 4, 2**-20, 8, 16]).astype(ml_dtypes.float8_e8m0fnu),
}  # fmt: skip


def verify_line(run, place, mine, theirs, *options):
    """The one line that reports how tensor t differs."""
    rt.save(place / "a.safetensors", {"t": mine})
    rt.save(place / "b.safetensors", {"t": theirs})
    done = run("verify", *options, place / "a.safetensors", place / "b.safetensors")
    assert done.rc == 1 and not done.err, done
    first, last = done.text.splitlines()
    assert last == "total: 0 tensors equal, 1 different, 0 missing, 0 extra"
    return first


class TestVerify:
    @pytest.mark.parametrize("name", models.MODELS)
    def test_equal(self, name, run, place):
        model = models.MODELS[name]()
        source = model.write(place / "m" / "m.safetensors")
        order = dict(sorted(model.expected().items(), reverse=True))
        (place / "ref.safetensors").write_bytes(rt.compose(order))
        done = run("verify", source, place / "ref.safetensors")
        assert done.rc == 0 and not done.err, done
        assert re.fullmatch(rf"equal: {len(order)} tensors, [\d.]+ \w+, bit for bit\n", done.text)

    def test_any_sharding(self, run, place, folder):
        """One file is compared with three shards, and three shards with two others that have no index."""
        sharded, source = folder
        expected = sharded.model.expected()
        rt.save(place / "one.safetensors", expected)
        (place / "two").mkdir()
        for i in range(2):
            rt.save(place / "two" / f"part{i}.safetensors", {n: t for k, (n, t) in enumerate(expected.items()) if k % 2 == i})
        for options in [], ["--jobs=1"], ["--jobs=9"]:
            assert run("verify", *options, source, place / "one.safetensors").rc == 0
            assert run("verify", *options, source, place / "two").rc == 0

    def test_the_export_is_equal(self, run, place, folder):
        assert run("export", folder[1], place / "out").rc == 0
        assert run("verify", folder[1], place / "out").rc == 0

    def test_a_packed_reference_is_not(self, run, source):
        """The tensors of a reference are taken as stored."""
        done = run("verify", source, source)
        assert done.rc == 1 and "gate_up_proj_blocks: only in the reference" in done.text, done

    def test_names(self, run, place, source, model):
        expected = model.expected()
        gone = "model.layers.0.mlp.experts.down_proj"
        del expected[gone]
        expected["new\x1b.one"] = rt.tensor(np.uint8([1]))
        rt.save(place / "ref.safetensors", expected)
        done = run("verify", source, place / "ref.safetensors")
        assert done.rc == 1
        assert done.text.splitlines() == [
            f"missing: {gone}: not in the reference", "extra: new\\x1b.one: only in the reference",
            f"total: {len(expected) - 1} tensors equal, 0 different, 1 missing, 1 extra",
        ]  # fmt: skip
        assert run("verify", "--only=*.layers.1.*", source, place / "ref.safetensors").rc == 0

    def test_kinds(self, run, place, source, model):
        expected = model.expected()
        rt.save(place / "ref.safetensors", {**expected, "zoo.one": rt.tensor(np.uint8([[7]])), "zoo.scalar": rt.tensor(np.int32(1))})
        done = run("verify", source, place / "ref.safetensors")
        assert done.rc == 1
        assert "different: zoo.one: U8 [1] against U8 [1,1]\n" in done.text and "different: zoo.scalar: F32 [] against I32 []\n" in done.text

    def test_planted(self, run, place, source, model):
        """Differences in a decoded tensor are added up across pieces: count, first, values, largest."""
        name = "model.layers.0.mlp.experts.gate_up_proj"
        expected = model.expected()
        good = expected[name].array()
        bad = good.copy()
        places = [(0, 3, 7), (1, 50, 165), (2, 95, 0)]
        for at, value in zip(places, (0.5, -1000.0, 3.0)):
            bad[at] = value
        rt.save(place / "ref.safetensors", {**expected, name: rt.tensor(bad)})
        done = run("verify", source, place / "ref.safetensors")
        assert done.rc == 1
        apart = [abs(float(good[at]) - float(bad[at])) for at in places]
        at = ",".join(map(str, places[int(np.argmax(apart))]))
        bits = good[places[0]].view(np.uint16)
        assert done.text.splitlines()[0] == (
            f"different: {name}: 3 of {good.size} values, first at [0,3,7]: {float(good[places[0]]):.9g} (0x{bits:04x}) "
            f"against 0.5 (0x3f00); largest difference {max(apart):.9g} at [{at}]"
        )

    @pytest.mark.parametrize("kind", [k for k, v in PLANTED.items() if v is not None])
    def test_values(self, kind, run, place):
        a = PLANTED[kind].reshape(2, 3)
        b = a.copy()
        b[1, 0] = a[0, 0]
        line = verify_line(run, place, rt.tensor(a), rt.tensor(b))
        found = re.fullmatch(r"different: t: 1 of 6 values, first at \[1,0\]: (\S+)(?: \(0x(\w+)\))? against 1(?: \(0x\w+\))?; largest difference (\S+) at \[1,0\]", line)
        assert found, line
        if kind.startswith(("I", "U")):
            assert int(found[1]) == int(a[1, 0]) and float(found[3]) == pytest.approx(abs(int(a[1, 0]) - 1), rel=1e-8)
        else:
            assert float(found[1]) == pytest.approx(float(a[1, 0]), rel=1e-8) and float(found[3]) == pytest.approx(abs(float(a[1, 0]) - 1))
            assert found[2] == a[1:, :1].tobytes()[::-1].hex()

    def test_small_floats(self, run, place):
        """F4 values are stored two in a byte, low nibble first."""
        line = verify_line(run, place, rt.raw("F4", (2, 4), b"\x21\x43\x65\xf7"), rt.raw("F4", (2, 4), b"\x21\x43\x65\x77"))
        assert line == "different: t: 1 of 8 values, first at [1,3]: -6 (0xf) against 6 (0x7); largest difference 12 at [1,3]"

    def test_not_numbers(self, run, place):
        """NaNs are compared by their bits, and counted."""
        nan = lambda *bits: np.uint32(bits).view(np.float32)
        line = verify_line(run, place, rt.tensor(nan(0x7FC00000, 0x7FC00000, 0, 0x7F800000)), rt.tensor(nan(0x7FC00001, 0, 0x80000000, 0x7F800000)))
        assert line == (
            "different: t: 3 of 4 values, first at [0]: nan (0x7fc00000) against nan (0x7fc00001); "
            "largest difference 0 at [2]; 1 NaN in one of the two; 1 NaN in both, with different bits"
        )

    def test_complex(self, run, place):
        line = verify_line(run, place, rt.tensor(np.complex64([1, 2 + 3j])), rt.tensor(np.complex64([1, 2 - 1j])))
        assert line == (
            "different: t: 1 of 2 values, first at [1]: 2+3i (0x4040000040000000) against 2-1i (0xbf80000040000000); largest difference 4 at [1]"
        )

    def test_many_dimensions(self, run, place):
        """With more than 32 dimensions, the flat index is printed."""
        shape = (1,) * 39 + (4,)
        line = verify_line(run, place, rt.raw("U8", shape, b"\1\2\3\4"), rt.raw("U8", shape, b"\1\2\7\4"))
        assert line == "different: t: 1 of 4 values, first at 2: 3 against 7; largest difference 4 at 2"

    def test_differences_far_apart(self, run, place):
        """Several threads compare a large tensor in pieces."""
        a = np.zeros(20 << 20, np.uint8)
        b = a.copy()
        for at, value in ((5, 1), (7 << 20, 9), ((20 << 20) - 1, 4)):
            b[at] = value
        line = verify_line(run, place, rt.tensor(a), rt.tensor(b), "--jobs=3")
        assert line == f"different: t: 3 of {20 << 20} values, first at [5]: 0 against 1; largest difference 9 at [{7 << 20}]"

    def test_folders_below(self, run, place):
        """Tensors in subfolders are named with their folder."""
        for root, value in (("a", 1), ("b", 2)):
            (place / root / "sub").mkdir(parents=True)
            rt.save(place / root / "sub" / "m.safetensors", {"t": rt.tensor(np.uint8([value]))})
        done = run("verify", place / "a", place / "b")
        assert done.rc == 1 and done.text.splitlines()[0] == "different: sub:t: 1 of 1 values, first at [0]: 1 against 2; largest difference 1 at [0]"

    @pytest.mark.parametrize("changed", ["view", "reference"])
    def test_source_that_changes(self, changed, mxfs_bin, run, place):
        """A source or reference truncated halfway gives no verdict."""
        paths = {"view": experts(place / "m.safetensors", 24), "reference": place / "ref.safetensors"}
        sparse(paths["reference"], {t["name"]: ("BF16", t["shape"]) for t in listing(run, paths["view"])["tensors"]}, 2)
        running = Terminal(mxfs_bin, "verify", "--kernel=scalar", "--jobs=1", paths["view"], paths["reference"])
        running.read_until("%")
        os.truncate(paths[changed], 100_000)
        status, text = running.finish()
        assert status == 5 and str(paths[changed]) in text and "equal" not in text, text

    def test_errors(self, run, place, source):
        rt.save(place / "empty.safetensors", {})
        run("verify", place / "empty.safetensors", place / "empty.safetensors").fails(6, "no tensors to compare")
        run("verify", source, place / "gone").fails(5, "gone")
        run("verify", place / "gone", source).fails(5, "gone")
        (place / "bad.safetensors").write_bytes(b"no")
        run("verify", source, place / "bad.safetensors").fails(3, "bad.safetensors")
        with open("/dev/full", "wb") as full:
            run("verify", source, source, stdout=full).fails(6, "stdout")

    def test_incomplete_reference(self, run, place):
        """An incomplete reference needs --partial, because some tensors would not be compared."""
        t = rt.tensor(np.uint8([1]))
        (place / "ref").mkdir()
        rt.save(place / "ref" / "one.safetensors", {"a": t})
        (place / "ref" / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}))
        rt.save(place / "a.safetensors", {"a": t})
        run("verify", place / "a.safetensors", place / "ref").fails(5, "ref", "1 of 2 shards missing", "two.safetensors", "--partial")
        assert run("verify", "--partial", place / "a.safetensors", place / "ref").rc == 0

    def test_twice(self, run, place, source, model):
        (place / "ref").mkdir()
        for name in "ab":
            rt.save(place / "ref" / f"{name}.safetensors", model.expected())
        run("verify", source, place / "ref").fails(6, "occurs in two files", "a.safetensors", "b.safetensors", "name one of them")


def hashes(tensors):
    """XXH3 (128 bits) of bytes, by the library's one-shot function."""

    class Hash(ctypes.Structure):
        _fields_ = [("low", ctypes.c_uint64), ("high", ctypes.c_uint64)]

    function = ctypes.CDLL("libxxhash.so.0").XXH3_128bits
    function.restype, function.argtypes = Hash, [ctypes.c_char_p, ctypes.c_size_t]
    out = {}
    for name, t in tensors.items():
        h = function(t.data, len(t.data))
        out[name] = f"{h.high:016x}{h.low:016x}"
    return out


class TestList:
    def test_hash(self, run, source, model):
        want = hashes(model.expected())
        assert want["zoo.empty"] == "99aa06d3014798d86001c324468d497f"  # the published hash of no bytes
        for options in [], ["--jobs=1"], ["--jobs=5"]:
            assert {t["name"]: t["xxh128"] for t in listing(run, source, "--hash", *options)["tensors"]} == want
        rows = [line.split("\t") for line in run("list", "--hash", source).text.splitlines() if "\t" in line]
        column = rows[0].index("XXH128")
        assert {row[0]: row[column] for row in rows[1:]} == want

    def test_hash_needs_the_bytes(self, mxfs_bin, place):
        source = experts(place / "m.safetensors", 24)
        running = Terminal(mxfs_bin, "list", "--hash", "--kernel=scalar", "--jobs=1", source)
        running.read_until("%")
        os.truncate(source, 100_000)
        status, text = running.finish()
        assert status == 5 and "cannot read tensor" in text, text

    def test_columns(self, run, source, model):
        """For programs: tabs and exact sizes, regardless of the terminal."""
        done = run("list", source, env={"COLUMNS": "20"})
        rows = [line.split("\t") for line in done.text.splitlines() if "\t" in line]
        assert rows[0] == ["NAME", "TYPE", "SHAPE", "BYTES", "SCHEME", "FROM"]
        for name, kind, shape, size, scheme, sources in rows[1:]:
            t = model.expected()[name]
            assert (kind, json.loads(shape), int(size)) == (t.dtype, list(t.shape), len(t.data))
            assert sources.split(" ") == list(model.parts.get(name, [name])) and (scheme == "plain") == (name not in model.parts)
        assert len(rows) - 1 == len(model.expected())

    def test_full(self, run, source):
        with open("/dev/full", "wb") as full:
            run("list", source, stdout=full).fails(6, "writing to stdout", "No space left")
            run("--help", stdout=full).fails(6, "writing to stdout", "No space left")

    def test_hash_in_a_terminal(self, mxfs_bin, source, model):
        status, text = Terminal(mxfs_bin, "list", "--hash", source, columns=200).finish()
        table = re.sub(r"^.*\x1b\[K", "", text, flags=re.S)  # without the progress bar
        rows = [line.split() for line in table.splitlines()[: len(model.expected()) + 1]]
        assert status == 0 and "XXH128" in rows[0]
        assert {row[0]: next(w for w in row if re.fullmatch("[0-9a-f]{32}", w)) for row in rows[1:]} == hashes(model.expected())

    def test_terminal(self, mxfs_bin, source, model):
        """For people: aligned, human-readable sizes, no tabs."""
        status, text = Terminal(mxfs_bin, "list", source, columns=200).finish()
        lines = text.replace("\r\n", "\n").splitlines()
        assert status == 0 and "\t" not in text
        rows = lines[: len(model.expected()) + 1]
        scheme = rows[0].index("SCHEME")
        assert all(line[scheme - 1] == " " and line[scheme] != " " and line == line.rstrip() for line in rows), text
        row = next(line for line in rows if line.startswith("model.embed_tokens.weight "))
        assert row.split() == ["model.embed_tokens.weight", "BF16", "[101,96]", "19.4", "kB", "plain"]
        row = next(line for line in rows if line.startswith("model.layers.0.mlp.experts.down_proj "))
        assert row.split()[-2:] == ["*_blocks", "*_scales"]

    def test_narrow_terminal(self, mxfs_bin, source, model):
        """On a narrow terminal the stored names are left out; a tensor's name is never cut."""
        wide, narrow = (Terminal(mxfs_bin, "list", source, columns=n).finish()[1].splitlines() for n in (200, 79))
        assert wide[0].endswith("SCHEME        FROM") and narrow[0].endswith("SCHEME") and len(wide) == len(narrow)
        for name in model.expected():
            (row,) = [line for line in narrow if line.startswith(name + " ")]
            assert row.split()[-1] == ("mxfp4-gptoss" if name in model.parts else "plain")
        assert not [line for line in narrow if re.search(r"\(\d+ -> \d+ bytes\)", line)]  # for programs

    def test_many_dimensions(self, run, place):
        """A long shape is not cut."""
        shape = [1] * 400 + [3]
        rt.save(place / "m.safetensors", {"x": rt.raw("U8", shape, np.zeros(3, np.uint8))})
        assert json.loads(run("list", place / "m.safetensors").text.splitlines()[1].split("\t")[2]) == shape

    def test_schemes(self, run, source, model):
        text = run("list", source).text
        found = {m[1]: int(m[2]) for m in re.finditer(r"^scheme: (\S+): (\d+) tensors, .* \(\d+ -> \d+ bytes\)$", text, re.M)}
        assert found.pop("plain") == len(model.expected()) - len(model.parts) and sum(found.values()) == len(model.parts)

    @pytest.mark.parametrize("into", ["file", "folder"])
    def test_json_of_a_path_that_is_not_text(self, into, run, place, model):
        """JSON must be text, so other bytes are escaped as everywhere."""
        name = os.fsdecode(b"m\xff\x1b")
        source = model.write(place / name / f"{name}.safetensors")
        told = listing(run, source if into == "file" else source.parent)
        assert {t["name"] for t in told["tensors"]} == set(model.expected())
        assert told["source"].endswith("m\\xff\\x1b.safetensors" if into == "file" else "m\\xff\\x1b")
        assert {t["file"] for t in told["tensors"]} == {"m\\xff\\x1b.safetensors"}

    def test_hostile_shard_name(self, run, place):
        """Only the index knows the name of a missing shard."""
        (place / "m").mkdir()
        rt.save(place / "m" / "one.safetensors", {"a": rt.tensor(np.uint8([1]))})
        index = {"weight_map": {"a": "one.safetensors", "b": "two\x1b[31m\n\u202e.safetensors"}}
        (place / "m" / "model.safetensors.index.json").write_text(json.dumps(index))
        for options in [], ["--tree"]:
            done = run("list", "--partial", *options, place / "m")
            assert "1 of 2 shards missing, first two\\x1b[31m\\x0a" in done.text and "\x1b" not in done.text and "\u202e" not in done.text, done

    def test_hostile_folder_name(self, run, place):
        """A folder with a model that is refused."""
        folder = place / "m" / "sub\x1b[31m\n\u202ex"
        folder.mkdir(parents=True)
        rt.save(folder / "m.safetensors", {"a": rt.tensor(np.uint8([1]))})
        (folder / "config.json").write_text(json.dumps({"quantization_config": {"quant_method": "unheard"}}))
        done = run("export", place / "m", place / "x").refuses(4, "sub\\x1b[31m\\x0a", "unheard")
        assert "\x1b" not in done.err and "\u202e" not in done.err and done.err.count("\n") == 1, done

    def test_only_scheme(self, run, source, model):
        assert {t["name"] for t in listing(run, source, "--only-scheme=mxfp4*")["tensors"]} == set(model.parts)
        done = run("list", "--only-scheme=plain", source)
        assert {line.split("\t")[0] for line in done.text.splitlines()[1:] if "\t" in line} == set(model.expected()) - set(model.parts)
        run("list", "--only-scheme=mxfp5", source).fails(2, "--only-scheme=mxfp5", "expected", "plain", "mxfp4-gptoss")

    def test_tree(self, run, place):
        one = rt.tensor(np.zeros((2, 3), np.float32))
        names = ["head", "m", "m.a.b.w", "m.a.b.v", *(f"m.l.{i}.w" for i in range(12)), "m.l.12.x", "m.l.13.w", "z..q"]
        rt.save(place / "t.safetensors", dict.fromkeys(names, one))
        done = run("list", "--tree", place / "t.safetensors")
        rows = [re.sub(r"  +(?=\S)", "  ", line) if not line.startswith(" ") else line for line in done.text.splitlines()]
        shown = [re.match(r"( *)(.+?)  ", line).groups() for line in rows if not re.match(r"\w+: ", line)]
        assert shown == [
            ("", "head"), ("", "m"), ("", "m"), ("  ", "a.b"), ("    ", "v"), ("    ", "w"), ("  ", "l"),
            ("    ", "0-11 (12 alike)"), ("      ", "w"), ("    ", "12.x"), ("    ", "13.w"), ("", "z..q"),
        ]  # fmt: skip
        assert re.search(r"^    0-11 \(12 alike\) +12 tensors, 288 bytes$", done.text, re.M), done.text

    def test_tree_of_folders(self, run, place):
        for name in ("unet", "vae"):
            model = models.gptoss_hf()
            model.write(place / "repo" / name / "m.safetensors")
        text = run("list", "--tree", place / "repo").text
        assert re.search(r"^unet/ +\d+ tensors", text, re.M) and re.search(r"^vae/ +\d+ tensors", text, re.M)


class TestUnmount:
    def test_unmount(self, run, mount, source):
        made = mount(source)
        done = run("-u", made.path)
        assert (done.rc, done.out, done.err) == (0, b"", "")
        assert not os.path.ismount(made.path) and made.wait() == 0

    def test_through_a_link(self, run, mount, source, place):
        made = mount(source)
        (place / "link").symlink_to(made.path)
        assert run("--unmount", place / "link").rc == 0
        assert not os.path.ismount(made.path)

    def test_in_use(self, run, mount, source):
        made = mount(source)
        with open(made.file, "rb"):
            run("-u", made.path).fails(6, "in use", "fuser", "fusermount3 -uz")
        assert run("-u", made.path).rc == 0

    def test_dead(self, run, mount, source):
        made = mount(source)
        made.expected_status = -signal.SIGKILL
        os.kill(made.pid, signal.SIGKILL)
        made.wait()
        assert run("-u", made.path).rc == 0
        assert not os.path.ismount(made.path)

    def test_what_is_not_ours(self, run, place):
        run("-u", place).fails(6, str(place), "nothing is mounted")
        run("-u", "/proc").fails(6, "type proc")
        run("-u", place / "gone").fails(6, "gone", "No such file")

    def test_ordinary_user(self, as_user):
        done = as_user("""
            python3 -c 'import struct; open("s","wb").write(struct.pack("<Q",8)+b"{}      ")'
            mkdir mnt; mxfs s mnt; ls mnt; mxfs -u mnt; ls -A mnt; echo "rc=$?"; mxfs -u mnt || echo "rc=$?"
        """)
        assert done.stdout.endswith("s\ntensors\nrc=0\nrc=6\n") and "nothing is mounted" in done.stderr, done


    def test_mount_of_another_user(self, place, as_user):
        """No other user can unmount root's mount, with or without a trailing slash, or clear a dead mount of root's."""
        source = models.gptoss_hf().write(place / "m.safetensors")
        done = as_user(
            f"""
            for name in mnt mnt/; do mxfs -u $name || echo "rc=$?"; done
            mxfs "{source}" dead || echo "rc=$?"
            grep -c ' fuse.mxfs ' /proc/self/mounts
            """,
            prepare=f"""
            mkdir mnt dead
            chown 65534 mnt dead
            mxfs "{source}" mnt
            mxfs --allow-other "{source}" dead
            kill -KILL $(grep -lx mxfs /proc/[0-9]*/comm | cut -d/ -f3 | xargs -I@ sh -c 'grep -q dead /proc/@/cmdline && echo @')
            """,
        )
        assert done.stdout == "rc=6\nrc=6\nrc=6\n2\n", done
        told = [line for line in done.stderr.splitlines() if line.startswith("mxfs: ")]
        assert [re.sub(r"^mxfs: \S+/", "", line) for line in told[:2]] == ["mnt: not unmounted"] * 2, done
        assert "dead: a dead mxfs mount is in the way and cannot be cleared" in told[2] and "fusermount3 -u" in told[2], done


COMMANDS = {"mount": ["S", "D"], "list": ["list", "S"], "cat": ["cat", "S", "t"], "export": ["export", "S", "D"], "verify": ["verify", "S", "R"], "stats": ["stats", "D"], "-u": ["-u", "D"]}
GOOD = {"TYPE": "bf16", "LIST": "none", "HOW": "raw", "GLOB": "*", "SIZE": "8M", "N": "3", "NAME": "scalar", "NAMES": "fp8,nvfp4"}
TOGETHER = {("jobs", "list"): "--hash", ("follow-symlinks", "mount"): "--allow-other"}  # options that need another one
ALONE = {"help", "version", "generate"}  # options that act as commands


@pytest.fixture(scope="module")
def table(mxfs_bin):
    """name -> (letter, placeholder of the value) of every option, from --help."""
    text = subprocess.run([mxfs_bin, "--help"], capture_output=True, text=True, check=True).stdout
    rows = re.findall(r"^  (?:-(\w), |    )--([\w-]+)(?:=(\w+))?", text, re.M)
    assert len(rows) > 15
    return {name: (letter, arg) for letter, name, arg in rows}


def test_cat_of_a_name_in_two_files(run, place):
    """A name in two folders or two files is ambiguous, so cat fails."""
    for root, names in (("folders", ("u/m", "v/m")), ("files", ("u", "v"))):
        for value, name in enumerate(names):
            (place / root / name).parent.mkdir(parents=True, exist_ok=True)
            rt.save(place / root / f"{name}.safetensors", {"t": rt.tensor(np.uint8([value])), f"only{value}": rt.tensor(np.uint8([value]))})
        run("cat", place / root, "t").fails(6, '"t" occurs in two files', f"{names[0]}.safetensors", f"{names[1]}.safetensors", "name one of them")
        assert run("cat", place / root, "only1").out == b"\1" and run("cat", place / root / f"{names[1]}.safetensors", "t").out == b"\1"


REMEDY = r"expected|see mxfs --help|cannot be combined|requires|takes no value|; add "


class TestWrongUse:
    """Every option, with every command and with wrong values, fails with one line that says what to do."""

    def wrong(self, run, place, *args):
        done = run(*args, cwd=place).fails(2)
        assert done.out == b"" and re.search(REMEDY, done.err), (args, done)
        return done.err

    def test_options_and_commands(self, run, place, table):
        for name, (_, arg) in table.items():
            if name in ALONE:
                continue
            option = f"--{name}={GOOD.get(arg, '3')}" if arg else f"--{name}"
            taken = {}
            for command, words in COMMANDS.items():
                if name == "unmount":
                    words = ["D"]
                elif (name, command) in TOGETHER:
                    words = [TOGETHER[name, command], *words]
                if name == "schemes" and command == "list":
                    words = words[:1]  # without a source, so that it works
                done = run(option, *words, cwd=place)
                said = re.match(r"mxfs: --([\w-]+) applies only to (.+) \(see", done.err)
                taken[command] = not said
                if said:
                    done.fails(2)
                    assert said[1] == name
                    allowed = said[2].split(", ")
                else:  # none of the operands exist
                    assert done.rc == 0 if name == "schemes" else done.rc in (5, 6), (option, words, done)
            assert any(taken.values()), name
            assert all(taken.values()) or sorted(c for c, t in taken.items() if t) == sorted(allowed), (name, taken, allowed)

    @pytest.mark.parametrize("value", ["", "nonsense", "-1", "99999999999999999999", "1e3", "\x1b[31m\nred", "bf16,", "\udcff", "x" * 5000], ids=ascii)
    def test_values(self, value, run, place, table):
        free = {"only", "only-scheme"}  # accept any text except ""
        for name, (_, arg) in table.items():
            if not arg:
                if value:
                    self.wrong(run, place, f"--{name}={value}", "S", "D")
                continue
            if value and name in free:
                continue
            words = next(w for c, w in COMMANDS.items() if c in self.commands_of(run, place, name, arg))
            said = self.wrong(run, place, f"--{name}={value}", *words)
            assert name in said and "expected" in said, (name, said)
            if "," not in value:
                self.wrong(run, place, "-o", f"{name.replace('-', '_')}={value}", *words)

    def commands_of(self, run, place, name, arg):
        """Commands that take an option."""
        if name in ALONE:
            return set(COMMANDS)
        return {c for c, w in COMMANDS.items() if "applies only" not in run(f"--{name}={GOOD.get(arg, '3')}", *w, cwd=place).err}

    def test_no_value(self, run, place, table):
        for name, (letter, arg) in table.items():
            if arg:
                self.wrong(run, place, "S", "D", f"--{name}")
                self.wrong(run, place, "-o", name, "S", "D")
                if letter:
                    self.wrong(run, place, "S", "D", f"-{letter}")
            else:
                self.wrong(run, place, "-o", f"{name}=1", "S", "D")

    @pytest.mark.parametrize("word", ["-z", "-zq", "-qz", "-qzv"])
    def test_letters_in_one_word(self, word, run, place):
        """The message names the wrong letter."""
        assert self.wrong(run, place, "list", word, "S").startswith("mxfs: -z: unknown")

    @pytest.mark.parametrize("command", COMMANDS)
    def test_operands(self, command, run, place):
        words = COMMANDS[command]
        flags = [w for w in words if w.startswith("-")]
        assert "too few" in self.wrong(run, place, *words[:-1])
        assert "too many" in self.wrong(run, place, *words, "more")
        if command != "cat":
            assert "empty" in self.wrong(run, place, *words[:-1], "")
        self.wrong(run, place, *flags, *words, "--no-such-option")

    @pytest.mark.parametrize("options", [["--tree", "--json"], ["--tree", "--hash"], ["--jobs=2"], ["-q", "-v"]], ids=" ".join)
    def test_combinations(self, options, run, place):
        self.wrong(run, place, "list", *options, "S")

    @pytest.mark.parametrize(
        ("options", "name"),
        [("-q -v", "--quiet"), ("--follow-symlinks", "--follow-symlinks"), ("--readahead=8K --direct-io", "--readahead"),
         ("--xattr --views=none", "--xattr"), ("-o xattr,views=none", "--xattr")],
    )  # fmt: skip
    def test_combinations_of_a_mount(self, options, name, run, place, source):
        (place / "mnt").mkdir()
        assert name in self.wrong(run, place, *options.split(), source, place / "mnt")
