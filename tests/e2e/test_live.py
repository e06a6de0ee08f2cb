# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""Features of a running mount apart from its files: extended attributes, the idle timeout, owners and
permissions, statistics."""

import errno
import json
import os
import pathlib
import re
import shutil
import signal
import stat
import subprocess
import time

import pytest

import refmodels as models
from conftest import mounted, wait_for_mounts
from helpers import Terminal, assert_file, assert_same, listing

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
                    continue  # NumPy has no type for it, so there is no file
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
        """A value longer than the first buffer, from names with every odd byte; a value too long for any buffer gives E2BIG."""
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


class TestIdleTimeout:
    """--idle-timeout. If a mount should stay, a second one without users tells when the time is up."""

    @staticmethod
    def outlives_an_idle_one(made, source, mount):
        for _ in range(2):
            other = mount(source, "--idle-timeout=1")
            wait_for_mounts(lambda path=other.path: not mounted(path))
            assert mounted(made.path)

    @pytest.mark.parametrize("foreground", [False, True], ids=["background", "foreground"])
    def test_nobody_comes(self, foreground, source, mount):
        made = mount(source, "--idle-timeout=1", foreground=foreground)
        wait_for_mounts(lambda: not mounted(made.path))
        assert made.wait() == 0 and os.listdir(made.path) == []
        if foreground:
            lines = made.stderr.splitlines()
            assert len(lines) == 3 and "idle for 1 seconds" in lines[1] and "unmounted" in lines[2], lines

    def test_an_open_file_holds_it(self, source, mount, model):
        made = mount(source, "-o", "idle_timeout=1")
        with open(made.file, "rb", buffering=0) as f:
            self.outlives_an_idle_one(made, source, mount)
            assert_same(f.readall(), model.expected_bytes())
        wait_for_mounts(lambda: not mounted(made.path))
        assert made.wait() == 0

    def test_somebody_inside_holds_it(self, source, mount):
        """A working directory keeps the mount, without requests and open files."""
        made = mount(source, "-o", "idle_timeout=1")
        with subprocess.Popen(["cat"], cwd=made / "tensors", stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as inside:
            self.outlives_an_idle_one(made, source, mount)
            inside.stdin.close()
        wait_for_mounts(lambda: not mounted(made.path))
        assert made.wait() == 0

    def test_requests_hold_it(self, source, mount):
        """Each look-up of a new name is a request."""
        made, other = mount(source, "--idle-timeout=2"), mount(source, "--idle-timeout=1")
        asked = 0

        def gone():
            nonlocal asked
            asked += 1
            assert not os.path.exists(made / f"no{asked}")
            return not mounted(other.path)

        for _ in range(4):
            wait_for_mounts(gone)
            assert mounted(made.path)
            other = mount(source, "--idle-timeout=1")
        wait_for_mounts(lambda: not mounted(made.path))

    def test_another_mount_on_top_stays(self, source, mount):
        """If another mount covers ours, neither of the two is unmounted."""
        if os.geteuid() != 0:
            pytest.skip("needs root to mount a tmpfs")
        made = mount(source, "--idle-timeout=1")
        subprocess.run(["mount", "-t", "tmpfs", "none", made.path], check=True)
        try:
            self.outlives_an_idle_one(made, source, mount)
        finally:
            subprocess.run(["umount", made.path], check=True)
        wait_for_mounts(lambda: not mounted(made.path))
        assert made.wait() == 0

    def test_ordinary_user(self, source, as_user):
        done = as_user(f"""
            mkdir mnt
            mxfs --idle-timeout=1 "{source}" mnt
            pid=$(grep -lx mxfs /proc/[0-9]*/comm | cut -d/ -f3)
            tail --pid="$pid" -f /dev/null
            ! mountpoint -q mnt
            echo done
        """)
        assert done.returncode == 0 and done.stdout == "done\n" and done.stderr == "", done


class TestIdentity:
    """uid=, gid= and umask=."""

    @staticmethod
    def look(path):
        s = path.stat()
        return s.st_uid, s.st_gid, stat.S_IMODE(s.st_mode)

    @pytest.mark.parametrize("options", [["--uid=12", "--gid=13", "--umask=027"], ["-o", "uid=12,gid=13,umask=027"]], ids=["long", "list"])
    def test_shown(self, options, source, mount):
        if os.geteuid() != 0:
            pytest.skip("needs root or user 12")
        made = mount(source, *options)
        for path in (made.file, next((made / "tensors").iterdir())):
            assert self.look(path) == (12, 13, 0o440)
        for path in (made.path, made / "tensors"):
            assert self.look(path) == (12, 13, 0o550)

    def test_one_of_them(self, source, mount):
        assert self.look(mount(source, "--umask=077").file) == (os.getuid(), os.getgid(), 0o400)

    def test_others(self, source, mount):
        """With allow_other the kernel enforces the modes that are shown; root may show more than the source allows."""
        if os.geteuid() != 0 or not shutil.which("setpriv"):
            pytest.skip("needs root and setpriv")
        source.chmod(0o600)
        cases = {
            (): False,
            ("--umask=0",): True,
            ("--umask=007",): False,
            ("--uid=4321",): True,
            ("--gid=4321", "--umask=007"): True,
            ("--gid=4321",): False,
        }
        for options, readable in cases.items():
            made = mount(source, "--allow-other", *options)
            who = ["setpriv", "--reuid=4321", "--regid=4321", "--clear-groups", "cat", made.file]
            done = subprocess.run(who, capture_output=True, check=False)
            assert (done.returncode == 0) == readable, (options, done.stderr)

    def test_not_theirs_to_give(self, source, as_user):
        """An ordinary user can let others read a file of another user, but cannot show it with another owner."""
        source.chmod(0o644)
        done = as_user(f"""
            mkdir mnt
            mxfs --allow-other --uid=1 "{source}" mnt
        """)
        assert done.returncode == 2 and done.stderr.count("\n") == 1, done
        assert "--uid with --allow-other: only root and the owner of" in done.stderr


def wait_until(condition, limit=30):
    """Waits for a message that the kernel sends to the daemon at some later time."""
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end


class TestStatistics:
    """mxfs stats MOUNTPOINT, and SIGUSR1."""

    @pytest.fixture
    def stats(self, run):
        def ask(mountpoint):
            done = run("stats", "--json", mountpoint)
            assert done.rc == 0 and not done.err, done
            return json.loads(done.out)

        return ask

    def test_a_fresh_mount(self, source, mount, run, stats):
        first = stats(mount(source, "--cache-size=2M").path)
        assert run("--version").text == f"mxfs {first.pop('version')}\n"
        assert first.pop("cache_limit") == 2 << 20
        assert first.pop("uptime_seconds") >= 0
        assert set(first.values()) == {0}, first

    def test_reading(self, source, mount, stats, model):
        """A file of transposed tensors goes through the cache unit by unit."""
        made = mount(source)
        assert_file(made.file, model.expected_bytes())
        s = stats(made.path)
        assert s["bytes_served"] == len(model.expected_bytes()) and s["reads"] > 0 and s["errors"] == 0
        assert 0 < s["cache_bytes"] <= s["cache_limit"] and s["cache_misses"] <= s["units_loaded"]
        assert s["units_loaded"] > 0 and s["load_seconds"] > 0 and s["decode_seconds"] > 0
        header = 8 + int.from_bytes(source.read_bytes()[:8], "little")
        assert s["bytes_read"] >= source.stat().st_size - header

    def test_what_is_not_used_up_is_found_again(self, source, mount, stats):
        """Two reads of a unit that leave most of it unread are one load and one hit, without the page cache."""
        made = mount(source, "--views=tensors", "--direct-io")
        fd = os.open(made / "tensors" / "model.layers.0.mlp.experts.down_proj", os.O_RDONLY)
        try:
            first = os.pread(fd, 64, 0)
            s = stats(made.path)
            assert os.pread(fd, 64, 0) == first
            t = stats(made.path)
        finally:
            os.close(fd)
        assert s["units_loaded"] == s["cache_misses"] == 1 and s["cache_hits"] == 0, s
        assert t["units_loaded"] == t["cache_misses"] == 1 and t["cache_hits"] == 1, t
        assert t["bytes_read"] == s["bytes_read"] and t["uptime_seconds"] >= s["uptime_seconds"]

    def test_streams_use_no_units(self, mount, stats, place):
        model = models.quark()
        made = mount(model.write(place / "m.safetensors"))
        assert_file(made.file, model.expected_bytes())
        s = stats(made.path)
        assert s["units_loaded"] == s["cache_misses"] == s["cache_bytes"] == 0 and s["decode_seconds"] > 0

    def test_open_files(self, source, mount, stats):
        made = mount(source)
        with open(made.file, "rb"), open(made / "tensors" / "model.embed_tokens.weight", "rb"):
            assert stats(made.path)["open_files"] == 2
        wait_until(lambda: stats(made.path)["open_files"] == 0)

    def test_errors(self, source, mount, stats):
        made = mount(source)
        os.truncate(source, 100)
        with pytest.raises(OSError):
            (made / "tensors" / "model.embed_tokens.weight").read_bytes()
        assert stats(made.path)["errors"] > 0

    def test_for_people(self, source, mount, run):
        made = mount(source)
        made.file.read_bytes()
        done = run("stats", made.path)
        assert done.rc == 0 and not done.err
        rows = [line.split("  ", 1) for line in done.text.splitlines()]
        assert [name.replace(" ", "_") for name, _ in rows] == list(json.loads(run("stats", "--json", made.path).out))
        assert dict(rows)["bytes served"].strip() == str(made.file.stat().st_size)

    def test_in_a_terminal(self, source, mount, mxfs_bin):
        """For people, sizes and times have units."""
        made = mount(source, "--cache-size=2M")
        size = len(made.file.read_bytes())
        status, text = Terminal(mxfs_bin, "stats", made.path).finish()
        rows = dict(re.split("  +", line) for line in text.splitlines())
        assert status == 0 and rows["bytes served"] == f"{size / 1000:.1f} kB" and rows["cache limit"] == "2.1 MB"
        assert int(rows["reads"]) > 0 and re.fullmatch(r"[\d.]+ (ms|s)", rows["uptime"]) and rows["decode time"].endswith(" ms")

    def test_on_a_signal(self, source, mount):
        """SIGUSR1 logs the same numbers."""
        made = mount(source, foreground=True)
        size = len(made.file.read_bytes())
        os.kill(made.pid, signal.SIGUSR1)
        wait_until(lambda: f"bytes served {size}, " in made.stderr)
        (line,) = [line for line in made.stderr.splitlines() if "bytes served" in line]
        assert line.startswith("mxfs: version ") and "open files" in line and "decode seconds" in line

    def test_no_file_of_it(self, source, mount, run):
        """Statistics add no file, so `cp -r` copies the same files."""
        made = mount(source)
        before = sorted(p.name for p in made.path.rglob("*"))
        run("stats", made.path)
        assert sorted(p.name for p in made.path.rglob("*")) == before

    def test_not_a_mount(self, source, mount, run, place):
        made = mount(source)
        run("stats", place).fails(6, str(place), "nothing is mounted here")
        run("stats", made / "tensors").fails(6, "tensors", "nothing is mounted here")
        run("stats", place / "absent").fails(6, "absent", "No such file")
        run("stats", "/proc").fails(6, "/proc", "type proc", "not an mxfs mount")

    def test_dead(self, source, mount, run):
        made = mount(source)
        os.kill(made.pid, signal.SIGKILL)
        made.expected_status = -signal.SIGKILL
        made.wait()
        if mounted(made.path):  # otherwise it is already unmounted
            run("stats", made.path).fails(6, str(made.path), "has exited", "mxfs -u")

    @pytest.mark.parametrize("layout, words", [(0, "older mxfs"), (2, "served by mxfs 9.9.9"), (-1, "no mxfs answers"), (-2, "no mxfs answers")])
    def test_other_versions(self, layout, words, run, serve):
        folder = serve("otherfs", layout)
        run("stats", folder).fails(6, str(folder), words)

    def test_who_may_look(self, source, mount, mxfs_bin, place):
        """Other users can read the statistics if they can see the files."""
        if os.geteuid() != 0 or not shutil.which("setpriv"):
            pytest.skip("needs root and setpriv")
        program = shutil.copy(mxfs_bin, place / "mxfs")
        who = ["setpriv", "--reuid=4321", "--regid=4321", "--clear-groups", program, "stats"]
        done = subprocess.run([*who, mount(source).path], capture_output=True, text=True, check=False)
        assert done.returncode == 6 and done.stderr.count("\n") == 1 and "--allow-other" in done.stderr, done
        done = subprocess.run([*who, mount(source, "--allow-other").path], capture_output=True, text=True, check=False)
        assert done.returncode == 0 and "bytes served" in done.stdout, done

    def test_ordinary_user(self, source, as_user):
        done = as_user(f"""
            mkdir mnt
            mxfs "{source}" mnt
            cat mnt/m.safetensors >/dev/null
            mxfs stats mnt | grep -c "^bytes served  *[1-9]"
            fusermount3 -u mnt
        """)
        assert done.returncode == 0 and done.stdout == "1\n", done


class TestReadahead:
    """--readahead sets the mount's readahead in the kernel."""

    @staticmethod
    def window(made):
        """The readahead in sysfs, after a file of the mount was opened."""
        with open(made.file, "rb") as f:
            f.read(1)
            device = os.fstat(f.fileno()).st_dev
        return int(pathlib.Path(f"/sys/class/bdi/{os.major(device)}:{os.minor(device)}/read_ahead_kb").read_text(encoding="ascii")) << 10

    @pytest.mark.skipif(not os.access("/sys/class/bdi", os.W_OK) or os.geteuid() != 0, reason="needs root and a writable /sys")
    @pytest.mark.parametrize("option, size", [([], 512 << 10), (["--readahead=2M"], 2 << 20), (["-o", "readahead=64K"], 64 << 10)])
    def test_root(self, option, size, source, mount, model):
        made = mount(source, *option)
        assert self.window(made) == size
        assert_file(made.file, model.expected_bytes())

    def test_ordinary_user(self, source, as_user):
        """Only root can set more than the kernel offers; others get a warning, and the mount works."""
        done = as_user(f"""
            mkdir mnt
            for size in 64K 1M; do
                mxfs --readahead=$size "{source}" mnt
                cat mnt/m.safetensors | wc -c
                cat /sys/class/bdi/$(mountpoint -d mnt)/read_ahead_kb
                fusermount3 -u mnt
            done
        """)
        shown = done.stdout.split()
        assert done.returncode == 0 and shown[0] == shown[2] and shown[1] == "64" and shown[3] == "128", done
        assert done.stderr.count("\n") == 1 and "--readahead=1024K" in done.stderr and "root" in done.stderr, done
