# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""The life of a mount: attributes, writing refused, signals, a source that changes, ordinary users."""

import errno
import os
import pathlib
import re
import signal
import stat
import subprocess
import sys
import threading

import numpy as np
import pytest

import refmodels as models
import reftensor as rt
from conftest import mounted, wait_for_mounts
from helpers import assert_file, assert_same


@pytest.fixture
def model():
    return models.gptoss_hf()


@pytest.fixture
def source(model, place):
    """A file written an hour ago, so that any change shows in its mtime."""
    path = model.write(place / "m.safetensors")
    then = path.stat().st_mtime_ns - 3_600_123_456_789
    os.utime(path, ns=(then, then))
    return path


class TestAttributes:
    def test_mount_table(self, source, mount):
        kind, what, options = mounted(mount(source).path)
        assert kind == "fuse.mxfs" and what == str(source)
        assert {"ro", "nosuid", "nodev"} <= set(options.split(","))

    def test_relative_source_in_mount_table(self, source, mount):
        assert mounted(mount(source.name, cwd=source.parent).path)[1] == str(source)

    def test_files(self, source, mount):
        made = mount(source)
        files = [made.file, *(made / "tensors").iterdir(), *(made / "npy").iterdir()]
        inodes = set()
        for path in files:
            s = path.stat()
            assert stat.S_ISREG(s.st_mode) and stat.S_IMODE(s.st_mode) == 0o444, path
            assert (s.st_uid, s.st_gid) == (os.getuid(), os.getgid())
            assert s.st_blocks == -(-s.st_size // 512) and s.st_blksize == 1 << 20 and s.st_nlink == 1, path
            assert s.st_mtime_ns == source.stat().st_mtime_ns
            inodes.add(s.st_ino)
        assert len(inodes) == len(files)

    def test_folders(self, source, mount):
        made = mount(source)
        for path in (made.path, made / "tensors", made / "npy"):
            s = path.stat()
            assert stat.S_ISDIR(s.st_mode) and stat.S_IMODE(s.st_mode) == 0o555, path
        names = {e.name: e.inode() for e in os.scandir(made.path)}
        assert names == {n: os.stat(made / n).st_ino for n in ("m.safetensors", "tensors", "npy")}
        assert os.stat(made / "tensors" / "..").st_ino == os.stat(made.path).st_ino

    def test_inodes_are_stable(self, source, mount):
        inodes = []
        for _ in range(2):
            made = mount(source)
            inodes.append({str(p.relative_to(made.path)): p.stat().st_ino for p in made.path.rglob("*")})
        assert inodes[0] == inodes[1]

    def test_statfs(self, source, mount, model):
        s = os.statvfs(mount(source).path)
        assert s.f_flag & os.ST_RDONLY and s.f_namemax >= 255
        assert s.f_blocks * s.f_frsize >= len(model.expected_bytes())
        assert s.f_bfree == s.f_bavail == 0

    def test_many_entries(self, mount, place):
        """A folder too large for one reply is listed twice and from the middle."""
        source = place / "many.safetensors"
        names = [f"model.layers.{i:05}.some.rather.long.name.weight" for i in range(5000)]
        rt.save(source, {n: rt.tensor(np.uint16([i])) for i, n in enumerate(names)})
        made = mount(source)
        assert sorted(os.listdir(made / "tensors")) == names
        assert sorted(os.listdir(made / "npy")) == [n + ".npy" for n in names]
        assert subprocess.run(["ls", "-l", made / "tensors"], capture_output=True, check=True).stdout.count(b"\n") == 5001
        for i in (0, 2500, 4999):
            assert (made / "tensors" / names[i]).read_bytes() == i.to_bytes(2, "little")


# Prints NAME and error of each call that was not refused as it should be. No file can be opened for writing,
# so calls that need such a descriptor fail for that reason before they look at the mount.
CHANGES = """
import errno, os, stat, sys
file, folder, new = sys.argv[1:]
READ = os.open(file, os.O_RDONLY)
changes = {
    "write": lambda: os.open(file, os.O_RDWR),
    "append": lambda: os.open(file, os.O_WRONLY | os.O_APPEND),
    "truncate-open": lambda: os.open(file, os.O_RDONLY | os.O_TRUNC),
    "create": lambda: os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL),
    "create-below": lambda: os.open(folder + "/new", os.O_WRONLY | os.O_CREAT),
    "temporary": lambda: os.open(folder, os.O_WRONLY | os.O_TMPFILE),
    "truncate": lambda: os.truncate(file, 0),
    "mkdir": lambda: os.mkdir(new),
    "rmdir": lambda: os.rmdir(folder),
    "unlink": lambda: os.unlink(file),
    "rename": lambda: os.rename(file, new),
    "rename-folder": lambda: os.rename(folder, new),
    "symlink": lambda: os.symlink("x", new),
    "link": lambda: os.link(file, new),
    "mknod": lambda: os.mknod(new, stat.S_IFREG | 0o600),
    "mkfifo": lambda: os.mkfifo(new),
    "chmod": lambda: os.chmod(file, 0o644),
    "fchmod": lambda: os.fchmod(READ, 0o644),
    "chown": lambda: os.chown(file, 1, 1),
    "fchown": lambda: os.fchown(READ, 1, 1),
    "utime": lambda: os.utime(file),
    "utime-folder": lambda: os.utime(folder),
    "setxattr": lambda: os.setxattr(file, "user.x", b"1"),
    "removexattr": lambda: os.removexattr(file, "user.x"),
    "fallocate": lambda: os.posix_fallocate(READ, 0, 1),
    "ftruncate": lambda: os.ftruncate(READ, 0),
}
other = {"fallocate": errno.EBADF, "ftruncate": errno.EINVAL}
for name, change in changes.items():
    try:
        change()
        print(name, "succeeded")
    except OSError as e:
        if e.errno != other.get(name, errno.EROFS):
            print(name, e)
print("tried", len(changes))
"""


class TestReadOnly:
    def test_everything_is_refused(self, source, mount, model):
        made = mount(source)
        file = made.file
        done = subprocess.run(
            [sys.executable, "-c", CHANGES, file, made / "tensors", made / "new"], capture_output=True, text=True, check=True
        )
        assert re.fullmatch(r"tried \d+\n", done.stdout), done.stdout
        assert not os.access(file, os.W_OK) and os.access(file, os.R_OK) and not os.access(file, os.X_OK)
        assert_file(file, model.expected_bytes())

    def test_remount_shows_the_options_hold(self, source, mount):
        """`-o rw` is accepted, because fstab may contain it, and changes nothing."""
        made = mount(source, "-o", "rw")
        assert "ro" in mounted(made.path)[2].split(",")
        with pytest.raises(OSError) as e:
            os.mkdir(made / "new")
        assert e.value.errno == errno.EROFS

    def test_absent_names(self, source, mount):
        made = mount(source)
        for path in ("nothing", "tensors/nothing", "npy/nothing", "m.safetensors/x", "tensors/lm_head.weight/x"):
            with pytest.raises(OSError) as e:
                os.stat(made / path)
            assert e.value.errno in (errno.ENOENT, errno.ENOTDIR), path

    def test_xattrs(self, source, mount):
        made = mount(source)
        try:
            assert os.listxattr(made.file) == []
        except OSError as e:
            assert e.errno == errno.ENOTSUP


class TestDaemon:
    def test_answers_at_once(self, source, mount, model):
        """When the program returns, the mount is complete (the fixture checks that it exists)."""
        for _ in range(5):
            made = mount(source)
            assert set(os.listdir(made.path)) == {"m.safetensors", "tensors", "npy"}
            assert made.file.stat().st_size == len(model.expected_bytes())

    def test_background_is_quiet(self, source, mount):
        made = mount(source)
        assert (made.directory / "stdout").read_bytes() == b""

    def test_daemon_is_detached(self, source, mount):
        """The daemon has its own session, / as working directory, no terminal and none of our files."""
        made = mount(source)
        assert os.getsid(made.pid) != os.getsid(0)
        assert os.readlink(f"/proc/{made.pid}/cwd") == "/"
        for fd in range(3):
            assert os.path.exists(f"/proc/{made.pid}/fd/{fd}")
        held = {os.readlink(f"/proc/{made.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{made.pid}/fd")}
        assert not {h for h in held if h.startswith(str(made.directory))}, held

    @pytest.mark.parametrize("foreground", [False, True], ids=["background", "foreground"])
    def test_unmount_ends_it(self, foreground, source, mount):
        made = mount(source, foreground=foreground)
        assert made.unmount().returncode == 0
        assert made.wait() == 0 and not mounted(made.path)

    @pytest.mark.parametrize("foreground", [False, True], ids=["background", "foreground"])
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT], ids=lambda s: s.name)
    def test_signals(self, number, foreground, source, mount):
        made = mount(source, foreground=foreground)
        os.kill(made.pid, number)
        assert made.wait() == 0 and not mounted(made.path)
        assert os.listdir(made.path) == []

    def test_sigterm_with_an_open_file(self, source, mount, model):
        """SIGTERM unmounts at once; a reader with an open file can finish, then the daemon ends."""
        made = mount(source)
        with open(made.file, "rb", buffering=0) as f:
            first = f.read(10)
            os.kill(made.pid, signal.SIGTERM)
            wait_for_mounts(lambda: not mounted(made.path))
            assert_same(first + f.readall(), model.expected_bytes())
        assert made.wait() == 0

    def test_statistics_on_request(self, source, mount, model):
        """SIGUSR1 logs a line and does not kill the daemon."""
        made = mount(source, foreground=True)
        os.kill(made.pid, signal.SIGUSR1)
        assert_file(made.file, model.expected_bytes())
        assert made.unmount().returncode == 0 and made.wait() == 0

    def test_killed(self, source, mount, model):
        """The next mxfs on a mountpoint clears a dead mount there, with a message."""
        made = mount(source)
        made.expected_status = -signal.SIGKILL
        os.kill(made.pid, signal.SIGKILL)
        made.wait()
        with pytest.raises(OSError) as e:
            os.listdir(made.path)
        assert e.value.errno == errno.ENOTCONN
        again = mount(source, over=made)
        assert "dead" in again.stderr
        assert_file(again.file, model.expected_bytes())

    def test_unmount_while_reading(self, source, mount, model):
        """A reader at work during a lazy unmount gets its bytes or an error."""
        made = mount(source)
        want = model.expected_bytes()
        wrong = []

        def reader():
            try:
                while True:
                    with open(made.file, "rb") as f:
                        if f.read() != want:
                            wrong.append("other bytes")
                            return
            except OSError:
                return

        threads = [threading.Thread(target=reader) for _ in range(4)]
        for t in threads:
            t.start()
        os.kill(made.pid, signal.SIGTERM)
        assert made.wait() == 0
        for t in threads:
            t.join()
        assert not wrong

    def test_debug(self, source, mount, model):
        made = mount(source, "-d", foreground=True)
        assert_file(made.file, model.expected_bytes())
        assert made.stderr

    def test_foreground_says_what_it_mounted(self, source, mount):
        """In the foreground the daemon prints a line at the start and none per request."""
        made = mount(source, foreground=True)
        made.file.read_bytes()
        assert made.unmount().returncode == 0 and made.wait() == 0
        assert 1 <= made.stderr.count("\n") <= 3 and "m.safetensors" in made.stderr, made.stderr

    def test_two_mounts_of_one_source(self, source, mount, model):
        for made in (mount(source), mount(source)):
            assert_file(made.file, model.expected_bytes())

    def test_mount_on_a_mount(self, source, mount, model):
        """Mounting a mount shows the same file, because nothing in it is quantized."""
        first = mount(source, "--views=none")
        second = mount(first.file)
        assert_file(second.file, model.expected_bytes())

    def test_mountpoint_with_files(self, source, mount, mxfs_bin):
        """Files that a mount hides reappear after it."""
        made = mount(source, command=["sh", "-c", 'for last; do :; done; echo kept >"$last/file"; exec "$0" "$@"', mxfs_bin])
        assert not (made / "file").exists()
        made.unmount()
        made.wait()
        assert (made.path / "file").read_text() == "kept\n"


class TestSourceThatChanges:
    """If the source changes, reads give the old bytes or EIO, never zeros or a mixture."""

    DATA = "model.layers.0.mlp.experts.gate_up_proj"

    @staticmethod
    def assert_eio(path, offset=0):
        fd = os.open(path, os.O_RDONLY)
        try:
            for _ in range(2):  # and reads keep failing
                with pytest.raises(OSError) as e:
                    os.pread(fd, 4096, offset)
                assert e.value.errno == errno.EIO
        finally:
            os.close(fd)

    @pytest.mark.parametrize("foreground", [False, True], ids=["background", "foreground"])
    @pytest.mark.parametrize("size", [0, 5000, -1])
    def test_truncated(self, size, foreground, source, mount):
        made = mount(source, foreground=foreground)
        os.truncate(source, size if size >= 0 else source.stat().st_size - 1)
        self.assert_eio(made / "tensors" / self.DATA)
        self.assert_eio(made / "tensors" / "model.embed_tokens.weight")
        if foreground:
            assert "m.safetensors" in made.stderr, made.stderr

    @pytest.mark.parametrize("later", [None, 1, 10**9], ids=["now", "nanosecond", "second"])
    def test_overwritten_in_place(self, later, source, mount):
        """Other bytes with the same size and a barely different mtime are a change."""
        before = source.stat().st_mtime_ns
        made = mount(source)
        with open(source, "r+b") as f:
            f.seek(-100, os.SEEK_END)
            f.write(b"x")
        if later:
            os.utime(source, ns=(before, before + later))
        self.assert_eio(made / "tensors" / self.DATA)
        self.assert_eio(made.file, 100_000)

    def test_grown(self, source, mount):
        """Another size with the old mtime is a change, too."""
        before = source.stat().st_mtime_ns
        made = mount(source)
        with open(source, "ab") as f:
            f.write(b"tail")
        os.utime(source, ns=(before, before))
        self.assert_eio(made / "tensors" / self.DATA)

    def test_changed_after_reading(self, source, mount, model):
        """Bytes that were read stay right; later reads fail."""
        made = mount(source)
        name = "model.layers.0.mlp.experts.down_proj"
        assert_same((made / "tensors" / name).read_bytes(), model.expected()[name].data)
        with open(source, "r+b") as f:
            f.seek(-100, os.SEEK_END)
            f.write(b"x")
        self.assert_eio(made / "tensors" / self.DATA)

    def test_the_rest_goes_on(self, source, mount):
        """The mount itself still works: names, sizes, unmounting."""
        made = mount(source)
        os.truncate(source, 0)
        self.assert_eio(made / "tensors" / self.DATA)
        assert len(os.listdir(made / "tensors")) > 10 and made.file.stat().st_size > 1000

    def test_replaced_by_rename(self, source, mount, model, place):
        made = mount(source)
        other = models.gptoss_hf(models.random_fill(99)).write(place / "new" / "m.safetensors")
        os.rename(other, source)
        assert_file(made.file, model.expected_bytes())

    def test_removed(self, source, mount, model):
        made = mount(source)
        source.unlink()
        assert_file(made.file, model.expected_bytes())

    def test_attributes_are_no_change(self, source, mount, model, place):
        """chmod and links change only the ctime, so reads go on."""
        made = mount(source)
        source.chmod(0o400)
        os.link(source, place / "second")
        assert_file(made.file, model.expected_bytes())

    def test_companion_shard_changes(self, mount, place):
        """A shard that contains only scales is watched, too."""
        vectors = pathlib.Path(__file__).resolve().parents[1] / "data" / "vectors" / "gptoss_dir" / "src"
        subprocess.run(["cp", "-r", vectors, place / "m"], check=True)
        scales = place / "m" / "model-00002-of-00004.safetensors"
        os.utime(scales, (1, 1))
        made = mount(place / "m" / "model-00001-of-00004.safetensors")
        with open(scales, "r+b") as f:
            f.seek(-1, os.SEEK_END)
            f.write(b"\0")
        self.assert_eio(made / "tensors" / "model.layers.0.mlp.experts.gate_up_proj")


class TestOrdinaryUser:
    SCRIPT = """
        mkdir mnt copy out
        mxfs "{source}" mnt
        trap 'fusermount3 -u mnt' EXIT
        cmp "mnt/m.safetensors" "{want}"
        dd if=mnt/m.safetensors bs=7919 status=none | cmp - "{want}"
        cp -r mnt/tensors copy/
        tar -C mnt -cf - m.safetensors | tar -C out -xf -
        cmp out/m.safetensors "{want}"
        test "$(stat -c '%u %a' mnt/m.safetensors)" = "65534 444"
        ! touch mnt/new 2>/dev/null
        python3 - <<'END'
import ml_dtypes  # gives NumPy a bfloat16
import numpy as np
import safetensors
import safetensors.numpy
want = safetensors.numpy.load_file("{want}", backend="pread")
for backend in ("mmap", "pread"):
    got = safetensors.numpy.load_file("mnt/m.safetensors", backend=backend)
    assert got.keys() == want.keys()
    for name, array in want.items():
        assert got[name].tobytes() == array.tobytes(), name
        raw = np.memmap("mnt/tensors/" + name, dtype=array.dtype, mode="r", shape=array.shape)
        assert raw.tobytes() == array.tobytes(), name
with safetensors.safe_open("mnt/m.safetensors", "np") as f:
    name = "model.layers.0.mlp.up_proj.weight"
    assert f.get_slice(name)[3:5, 7:50].tobytes() == want[name][3:5, 7:50].tobytes()
assert np.load("mnt/npy/" + name + ".npy", mmap_mode="r").shape == want[name].shape
END
        echo done
    """

    def test_reads_everything(self, place, as_user):
        model = models.compressed()
        source = model.write(place / "m.safetensors")
        (place / "want.safetensors").write_bytes(model.expected_bytes())
        done = as_user(self.SCRIPT.format(source=source, want=place / "want.safetensors"))
        assert done.returncode == 0 and done.stdout == "done\n", done

    def test_everything_is_refused(self, place, as_user):
        source = models.quark().write(place / "m.safetensors")
        script = place / "changes.py"
        script.write_text(CHANGES)
        done = as_user(f"""
            mkdir mnt
            mxfs "{source}" mnt
            python3 "{script}" mnt/m.safetensors mnt/tensors mnt/new
            cmp mnt/m.safetensors <(mxfs export -q "{source}" -)
            fusermount3 -u mnt
        """)
        assert done.returncode == 0 and re.fullmatch(r"tried \d+\n", done.stdout), done

    def test_sigterm(self, place, as_user):
        """In a private mount namespace the daemon ends cleanly on SIGTERM."""
        source = models.quark().write(place / "m.safetensors")
        done = as_user(f"""
            mkdir mnt
            mxfs "{source}" mnt
            pid=$(grep -lx mxfs /proc/[0-9]*/comm | cut -d/ -f3)
            head -c 10 mnt/m.safetensors >/dev/null
            kill -TERM "$pid"
            tail --pid="$pid" -f /dev/null
            ! mountpoint -q mnt
            ls -A mnt
            echo done
        """)
        assert done.returncode == 0 and done.stdout == "done\n", done

    def test_others_stay_out(self, place, as_user):
        """Without allow_other no other user can enter the mount, not even root."""
        source = models.quark().write(place / "m.safetensors")
        done = as_user(f"""
            mkdir mnt
            mxfs "{source}" mnt
            grep -q 'user_id=65534.*default_permissions' <(grep fuse.mxfs /proc/self/mountinfo)
            ! grep -q allow_other <(grep fuse.mxfs /proc/self/mountinfo)
            fusermount3 -u mnt
            echo done
        """)
        assert done.returncode == 0 and done.stdout == "done\n", done
