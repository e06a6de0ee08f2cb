# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""mxfs as part of a system: mount(8), its messages, how it stops, and its errors when it cannot start."""

import os
import select
import shutil
import signal
import subprocess
import sys
import textwrap
import time
import types

import pytest

import refmodels
from conftest import mounted


@pytest.fixture
def model():
    return refmodels.quark()


@pytest.fixture
def source(model, place):
    return model.write(place / "src" / "model.safetensors")


@pytest.mark.parametrize("kind", ["fuse.mxfs", "fuse"])
def test_mount_8(kind, source, model, place, mxfs_bin, fuse, alone):
    """`mount -t fuse.mxfs SOURCE DIR -o ...` with every option that /etc/fstab may contain."""
    folder, want = place / "mnt", place / "want"
    folder.mkdir()
    want.write_bytes(model.expected_bytes("F32"))
    name = source if kind == "fuse.mxfs" else f"mxfs#{source}"
    options = "rw,nofail,_netdev,x-systemd.automount,noatime,dtype=f32,views=none,cache_size=2M"
    # mount(8) looks for helpers only in its own PATH; a private namespace can bind one there.
    script = f"""set -e
        mount -t tmpfs none /usr/local/bin
        ln -s "{mxfs_bin}" /usr/local/bin/mxfs
        mount -t {kind} "{name}" "{folder}" -o {options}
        grep " {folder} fuse.mxfs ro,nosuid,nodev" /proc/self/mounts
        cmp "{folder}/model.safetensors" "{want}"
        umount "{folder}"
        ! grep " {folder} " /proc/self/mounts"""
    done = alone("sh", "-c", script)
    assert done.returncode == 0, done
    assert done.stdout.startswith(str(source))


def test_fstab(source, model, place, mxfs_bin, fuse, alone):
    """`mount DIR` with a line of /etc/fstab that has every usual word, and `umount DIR`."""
    folder, want, fstab = place / "mnt", place / "want", place / "fstab"
    folder.mkdir()
    want.write_bytes(model.expected_bytes())
    words = "rw,defaults,nodev,nosuid,noexec,noatime,nodiratime,lazytime,user,nofail,noauto,_netdev,x-gvfs-show"
    fstab.write_text(f"{source} {folder} fuse.mxfs {words},allow_other,uid=12,umask=077 0 0\n")
    script = f"""set -e
        mount -t tmpfs none /usr/local/bin
        ln -s "{mxfs_bin}" /usr/local/bin/mxfs
        mount --bind "{fstab}" /etc/fstab
        mount "{folder}"
        grep -c " {folder} fuse.mxfs ro,nosuid,nodev" /proc/self/mounts
        test "$(stat -c '%u %a' "{folder}/model.safetensors")" = "12 400"
        cmp "{folder}/model.safetensors" "{want}"
        umount "{folder}"
        ! grep " {folder} " /proc/self/mounts"""
    done = alone("sh", "-c", script)
    assert done.returncode == 0 and done.stdout == "1\n", done


class TestOverItsOwnSource:
    """Files are opened before mounting, so a mount may cover its own source."""

    @pytest.fixture
    def own(self, place):
        """A folder over which the fixture `mount` mounts."""
        folder = place / "own" / "mnt"
        folder.mkdir(parents=True)
        return types.SimpleNamespace(directory=folder.parent, path=folder)

    @staticmethod
    def put_model(model, folder):
        (folder / "sub").mkdir()
        (folder / "README.md").write_text("words\n")
        (folder / "sub" / "notes").write_text("more words\n")
        model.write(folder / "model.safetensors")
        return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}

    def looks_right(self, made, model):
        assert (made / "model.safetensors").read_bytes() == model.expected_bytes()
        assert (made / "README.md").read_text() == "words\n"
        assert (made / "sub" / "notes").read_text() == "more words\n"

    def comes_back(self, made, before):
        assert made.unmount().returncode == 0 and made.wait() == 0
        assert {p.relative_to(made.path): p.read_bytes() for p in made.path.rglob("*") if p.is_file()} == before

    @pytest.mark.parametrize("foreground", [False, True], ids=["background", "foreground"])
    def test_folder_on_itself(self, foreground, own, model, mount):
        before = self.put_model(model, own.path)
        made = mount(own.path, over=own, foreground=foreground)
        self.looks_right(made, model)
        self.comes_back(made, before)

    def test_from_inside(self, own, model, mount, mxfs_bin):
        """`mxfs . .` in the folder itself."""
        before = self.put_model(model, own.path)
        made = mount(own.path, over=own, cwd=own.path, command=["sh", "-c", 'exec "$0" . .', mxfs_bin])
        self.looks_right(made, model)
        self.comes_back(made, before)

    def test_file_inside_the_mountpoint(self, own, model, mount):
        before = self.put_model(model, own.path)
        made = mount(own.path / "model.safetensors", over=own)
        assert sorted(os.listdir(made.path)) == ["model.safetensors", "npy", "tensors"]
        assert made.file.read_bytes() == model.expected_bytes()
        self.comes_back(made, before)

    def test_mountpoint_inside_the_source(self, own, model, mount):
        """Inside such a mount, the mountpoint is the folder that it was before."""
        self.put_model(model, own.directory)
        (own.path / "below").write_text("kept\n")
        made = mount(own.directory, over=own)
        self.looks_right(made, model)
        assert (made / "mnt" / "below").read_text() == "kept\n" and not (made / "below").exists()
        assert made.unmount().returncode == 0 and made.wait() == 0
        assert (own.path / "below").read_text() == "kept\n"

    def test_by_signal_and_once_more(self, own, model, mount):
        before = self.put_model(model, own.path)
        made = mount(own.path, over=own)
        os.kill(made.pid, signal.SIGTERM)
        assert made.wait() == 0
        again = mount(own.path, over=own)
        self.looks_right(again, model)
        self.comes_back(again, before)

    def test_killed(self, own, model, mount):
        """A dead mount that covers the source is cleared, too."""
        self.put_model(model, own.path)
        made = mount(own.path, over=own)
        os.kill(made.pid, signal.SIGKILL)
        made.expected_status = -signal.SIGKILL
        made.wait()
        again = mount(own.path, over=own)
        assert "cleared the dead mount" in again.stderr
        self.looks_right(again, model)

    def test_ordinary_user(self, source, as_user):
        done = as_user(f"""
            mkdir m
            cp "{source}" m/
            mxfs m m
            ls m
            mxfs list m | grep -c plain
            fusermount3 -u m
            cmp m/model.safetensors "{source}"
        """)
        assert done.returncode == 0 and done.stdout.startswith("model.safetensors\n"), done


def test_unmount_command(source, mount, run):
    made = mount(source)
    assert run("-u", made.path).rc == 0
    assert not mounted(made.path) and made.wait() == 0
    again = run("-u", made.path)
    assert again.rc == 6 and str(made.path) in again.err and again.err.count("\n") == 1


def test_stop_timeout(source, mount):
    """After SIGTERM an open file keeps the daemon for --stop-timeout and no longer."""
    made = mount(source, "--stop-timeout=1")
    with open(made.file, "rb"):
        begin = time.monotonic()
        os.kill(made.pid, signal.SIGTERM)
        assert made.wait(20) == 0
        assert 0.9 < time.monotonic() - begin < 15
    assert not mounted(made.path)


def test_stop_timeout_under_other_signals(source, mount):
    """A process that keeps asking for statistics does not delay the end."""
    made = mount(source, "--stop-timeout=2")
    with open(made.file, "rb"):
        ended = os.pidfd_open(made.pid)
        os.kill(made.pid, signal.SIGTERM)
        for _ in range(100):  # several of them in that time
            if select.select([ended], [], [], 0.2)[0]:
                break
            os.kill(made.pid, signal.SIGUSR1)
        else:
            pytest.fail("the daemon does not stop")
        os.close(ended)
    assert made.wait() == 0 and not mounted(made.path)


@pytest.mark.parametrize("closed", [[0], [0, 1, 2]], ids=["stdin", "all"])
def test_closed_descriptors(closed, source, model, mount, mxfs_bin):
    """The source must not get the number of a closed standard descriptor, which the daemon replaces."""
    closing = " ".join(f"{fd}>&-" for fd in closed)
    made = mount(source, command=["sh", "-c", f'exec "$0" "$@" {closing}', mxfs_bin])
    assert made.file.read_bytes() == model.expected_bytes()


def test_ignored_children(source, place, run, mxfs_bin):
    """A launcher may leave SIGCHLD ignored, so that nothing could wait for a failed child."""
    (place / "file").touch()
    done = subprocess.run(
        [mxfs_bin, source, place / "file"], capture_output=True, text=True, check=False,
        preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN),
    )  # fmt: skip
    assert done.returncode == 6 and done.stderr.count("\n") == 1 and "not a directory" in done.stderr, done


def test_long_paths(source, place, mount, run):
    """A line of the mount table may be longer than the C library's buffer."""
    deep = place / "/".join(["s p" * 60] * 12)
    deep.mkdir(parents=True)
    shutil.copy(source, deep / "m.safetensors")
    (deep / "mnt").mkdir()
    assert run(deep / "m.safetensors", deep / "mnt").rc == 0
    done = run("-u", deep / "mnt")
    if os.path.ismount(deep / "mnt"):
        subprocess.run(["fusermount3", "-uz", deep / "mnt"], check=False)
    assert done.rc == 0, done


@pytest.mark.parametrize("words", ["list m", "export m d", "m mnt", "-u mnt", "stats mnt"])
def test_no_current_folder(words, mxfs_bin, place):
    gone = place / "gone"
    gone.mkdir()
    script = f'cd "{gone}" && rmdir "{gone}" && exec "{mxfs_bin}" {words}'
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode in (5, 6) and done.stderr.count("\n") == 1 and "the current folder no longer exists" in done.stderr, done


def test_second_signal_is_enough(source, mount):
    made = mount(source)
    with open(made.file, "rb"):
        begin = time.monotonic()
        os.kill(made.pid, signal.SIGTERM)
        os.kill(made.pid, signal.SIGINT)
        assert made.wait(20) == 0
        assert time.monotonic() - begin < 8


def test_verbose_and_quiet(source, place, mount):
    loud = mount(source, "-v", foreground=True)
    quiet = mount(source, "-q", foreground=True)
    assert loud.unmount().returncode == 0 and quiet.unmount().returncode == 0
    assert loud.wait() == 0 and "a model of 1 files" in loud.stderr and "dequantized" in loud.stderr
    assert quiet.wait() == 0 and quiet.stderr == ""


class TestCannotMount:
    """Each failure is one line that says what to do, with exit code 6, and leaves nothing mounted."""

    def fails(self, done, *words):
        assert done.rc == 6 and done.err.count("\n") == 1, done
        for word in words:
            assert word in done.err, done.err

    def test_no_mountpoint(self, source, place, run):
        self.fails(run(source, place / "absent"), str(place / "absent"), "No such file")

    def test_a_file_is_in_the_way(self, source, place, run):
        (place / "file").write_text("")
        self.fails(run(source, place / "file"), "not a directory")

    def test_no_device(self, source, place, mxfs_bin, alone):
        """In a namespace without /dev/fuse."""
        (place / "mnt").mkdir()
        script = f'mount -t tmpfs none /dev && exec "{mxfs_bin}" "{source}" "{place}/mnt"'
        # Keep /dev/null: the daemon replaces its terminal by it.
        script = script.replace("&& exec", "&& mknod -m 666 /dev/null c 1 3 && exec")
        done = alone("sh", "-c", script)
        assert done.returncode == 6 and done.stderr.count("\n") == 1, done
        assert "/dev/fuse" in done.stderr and "--device /dev/fuse" in done.stderr

    def test_not_permitted(self, source, place, mxfs_bin):
        """Root without CAP_SYS_ADMIN, as in a container."""
        if os.geteuid() != 0 or not shutil.which("capsh"):
            pytest.skip("needs root and capsh")
        (place / "mnt").mkdir()
        command = ["capsh", "--drop=cap_sys_admin", "--", "-c", f'"{mxfs_bin}" "{source}" "{place}/mnt"']
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        assert done.returncode == 6 and done.stderr.count("\n") == 1, done
        assert "--cap-add SYS_ADMIN" in done.stderr
        assert not mounted(place / "mnt")

    # Reasons why an ordinary user cannot mount: (commands that root runs first, the mxfs command, words of the remedy).
    USER = {
        "allow_other": ("", "mxfs --allow-other", ["'user_allow_other' is set in /etc/fuse.conf", "add the line user_allow_other"]),
        "no_helper": ("mount --bind /dev/null /usr/bin/fusermount3", "mxfs", ["failed to exec fusermount3", "install the package fuse3"]),
        "closed_device": ("chmod 600 /dev/fuse", "mxfs", ["cannot open /dev/fuse", "--device /dev/fuse"]),
        "no_new_privs": ("", "setpriv --no-new-privs mxfs", ["no_new_privs", "mount as root, or from outside"]),
        "not_ours": ("mkdir mnt", "mxfs", ["no write access to mountpoint", "a folder that the user owns"]),
        # A kernel with AppArmor, and Ubuntu's profile, which denies the helper's mount.
        "apparmor": (
            """mount -t tmpfs -o mode=755 none /sys/module
            mkdir -p /sys/module/apparmor/parameters && echo Y >/sys/module/apparmor/parameters/enabled
            mount -t tmpfs -o mode=755 none /etc/apparmor.d 2>/dev/null || (mkdir /etc/apparmor.d && mount -t tmpfs -o mode=755 none /etc/apparmor.d)
            touch /etc/apparmor.d/fusermount3
            printf '#!/bin/sh\necho fusermount3: mount failed: Permission denied >&2; exit 1' >../refuses
            chmod 755 ../refuses && mount --bind ../refuses /usr/bin/fusermount3""",
            "mxfs", ["mount failed: Permission denied", "below $HOME, /mnt, /media and /tmp", "/etc/apparmor.d/local/fusermount3"],
        ),
    }  # fmt: skip

    @pytest.mark.parametrize("why", USER)
    def test_as_an_ordinary_user(self, why, place, as_user):
        prepare, command, words = self.USER[why]
        source = refmodels.quark().write(place / "m.safetensors")
        done = as_user(f'mkdir -p mnt; {command} "{source}" mnt', prepare=prepare)
        assert done.returncode == 6 and done.stderr.count("\n") == 1, done
        assert "cannot mount" in done.stderr and all(word in done.stderr for word in words), done

    def test_a_dead_mount_of_somebody_else(self, source, place, mxfs_bin, fuse, alone):
        """Another filesystem's dead mount is left alone, and the message names the command that clears it."""
        (place / "mnt").mkdir()
        script = """import ctypes, os, subprocess, sys
            mxfs, source, folder = sys.argv[1:]
            device = os.open("/dev/fuse", os.O_RDWR)
            options = f"fd={device},rootmode=40000,user_id=0,group_id=0".encode()
            assert ctypes.CDLL(None).mount(b"other", folder.encode(), b"fuse.other", 0, options) == 0
            os.close(device)
            print(subprocess.run([mxfs, source, folder]).returncode, open("/proc/self/mounts").read().count(" fuse.other "))"""
        done = alone(sys.executable, "-c", textwrap.dedent(" " * 12 + script), mxfs_bin, source, place / "mnt")
        assert done.stdout == "6 1\n" and done.stderr.count("\n") == 1, done
        assert f"a dead mount is in the way; clear it with: fusermount3 -u {place}/mnt" in done.stderr

    def test_dead_mount_as_a_source(self, source, mount, run):
        made = mount(source)
        os.kill(made.pid, signal.SIGKILL)
        made.expected_status = -signal.SIGKILL
        made.wait()
        done = run("list", made.file)
        assert done.rc == 5 and done.err.count("\n") == 1 and "not connected" in done.err


BARE = """set -e
mount --make-rprivate /
# A root that cannot be written to, nothing in /etc (no mtab, fuse.conf or ld.so.cache), no /proc.
mount -t tmpfs -o ro none /etc
mount -o remount,bind,ro /
! touch /written 2>/dev/null
umount -l /proc
test ! -e /proc/self
for way in 'umount "$1/mnt"' 'kill -TERM $pid' 'kill -INT $pid' 'kill -KILL $pid'; do
    "$2" -f --auto-unmount --views=none "$1/src/model.safetensors" "$1/mnt" &
    pid=$!
    until test -e "$1/mnt/model.safetensors"; do :; done
    cmp "$1/mnt/model.safetensors" "$1/want"
    eval "$way"
    wait $pid || test "$way" = 'kill -KILL $pid'
    until test ! -e "$1/mnt/model.safetensors"; do :; done
done
"$2" --views=none "$1/src/model.safetensors" "$1/mnt"
cmp "$1/mnt/model.safetensors" "$1/want"
! "$2" -u "$1/mnt"
umount "$1/mnt"
test ! -e "$1/mnt/model.safetensors"
"""


def test_bare_system(source, model, place, mxfs_bin, fuse, sanitized, alone):
    """Root can mount, serve and unmount with a read-only root and without /proc and /etc/mtab."""
    if sanitized:
        pytest.skip("sanitizers need /proc")
    (place / "mnt").mkdir()
    (place / "want").write_bytes(model.expected_bytes())
    done = alone("bash", "-c", BARE, "-", place, mxfs_bin)
    assert done.returncode == 0, done
    # Without the mount table mxfs -u cannot tell whether this is an mxfs mount, and says what to do.
    assert "cannot tell what is mounted" in done.stderr and f"umount {place}/mnt" in done.stderr, done
