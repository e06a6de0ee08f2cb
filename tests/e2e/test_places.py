# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""Mounts are taken away when they should be, and no other ones are, whatever happens to the folders above them."""

import ctypes
import os
import shutil
import signal
import subprocess
import time

import pytest

import refmodels
from conftest import children, mounted, wait_end, wait_for_mounts

MNT_FORCE = 1
LIBC = ctypes.CDLL(None)

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounts of others need root")


@pytest.fixture
def source(place):
    return refmodels.quark().write(place / "src" / "m.safetensors")


def helper_of(made):
    with open(f"/proc/{made.pid}/task/{made.pid}/children", encoding="ascii") as f:
        (pid,) = map(int, f.read().split())
    return pid


def wait_until_ready(made, limit=20):
    """Returns when a daemon in the foreground has said what it serves."""
    end = time.monotonic() + limit
    while "dequantized" not in made.stderr:
        assert time.monotonic() < end, made.stderr


# Root mounts in a folder of a user, who exchanges a folder above for a link to a place where root has mounted
# something else. It stays; and the mxfs mount goes, by every way to take one away.
EXCHANGED = r"""
mkdir -p "$1/victim/mnt"
mount -t tmpfs victim "$1/victim/mnt"
touch "$1/victim/mnt/precious"
folder="$1/home/folder"
mkdir -p "$folder/a/mnt"
ln -s "$1/victim" "$folder/link"
chown -hR 65534:65534 "$folder"
for i in $(seq 8); do
    for way in 'kill -TERM $pid' 'kill -INT $pid' 'until "$2" -u "$folder/a/mnt" 2>/dev/null; do :; done' 'kill -KILL $pid'; do
        "$2" -q --auto-unmount "$SOURCE" "$folder/a/mnt"
        pid=$(grep -lx mxfs /proc/[0-9]*/comm | cut -d/ -f3)
        helper=$(grep -lx mxfs-unmount /proc/[0-9]*/comm | cut -d/ -f3)
        setpriv --reuid=65534 --regid=65534 --clear-groups "$EXCHANGE" "$folder" a link &
        attack=$!
        eval "$way"
        tail -s 0.02 --pid="$pid" -f /dev/null
        tail -s 0.02 --pid="$helper" -f /dev/null
        kill $attack
        wait $attack || true
        test -L "$folder/link" ||
            { mv "$folder/a" "$folder/swap"; mv "$folder/link" "$folder/a"; mv "$folder/swap" "$folder/link"; }
        test -e "$1/victim/mnt/precious" || { echo "$way: the victim was unmounted"; exit 1; }
        ! grep fuse.mxfs /proc/self/mountinfo || { echo "$way: a mount was left"; exit 1; }
    done
done
"""


def test_folders_above_are_exchanged(source, place, as_user, compiled):
    exchange = shutil.copy(compiled("exchange"), place)
    done = as_user("true", prepare=f"SOURCE='{source}'; EXCHANGE='{exchange}'\n{EXCHANGED}")
    assert done.returncode == 0, done


# In a namespace where nothing is mounted there, the mountpoint itself can be renamed.
RENAMED = r"""
mkdir -p "$1/home/mnt"
mkfifo "$1/go"
unshare --mount --propagation private bash -c 'read <"$1/go"; mv "$1/home/mnt" "$1/home/elsewhere"; mkdir "$1/home/mnt"' - "$1" &
other=$!
until test "$(readlink /proc/$other/ns/mnt)" != "$(readlink /proc/self/ns/mnt)"; do :; done
"$2" -q "$SOURCE" "$1/home/mnt"
echo >"$1/go"
wait $other
test -e "$1/home/elsewhere/m.safetensors"
pid=$(grep -lx mxfs /proc/[0-9]*/comm | cut -d/ -f3)
kill -TERM $pid
tail -s 0.02 --pid=$pid -f /dev/null
! grep fuse.mxfs /proc/self/mountinfo
"""


def test_mountpoint_is_renamed(source, as_user):
    done = as_user("true", prepare=f"SOURCE='{source}'\n{RENAMED}")
    assert done.returncode == 0, done


# A filesystem can be unmounted as soon as the mount in it has been.
ABOVE = r"""
mkdir "$1/disk"
for i in $(seq 20); do
    mount -t tmpfs disk "$1/disk"
    mkdir "$1/disk/mnt"
    "$2" -q "$SOURCE" "$1/disk/mnt"
    umount "$1/disk/mnt"
    umount "$1/disk"
done
"""


def test_filesystem_above_is_free(source, as_user):
    done = as_user("true", prepare=f"SOURCE='{source}'\n{ABOVE}")
    assert done.returncode == 0, done


LINKED = r"""
mkdir -p "$1/etc" "$1/home/own"
chown 65534 "$1/home/own"
ln -s "$1/etc" "$1/home/link"
ln -s own "$1/home/fair"
chown -h 65534 "$1/home/link" "$1/home/fair"
! "$2" -q "$SOURCE" "$1/home/link" 2>"$1/said"
grep -q "a symbolic link of another user" "$1/said"
! grep fuse.mxfs /proc/self/mountinfo
"$2" -q "$SOURCE" "$1/etc"
! "$2" -u "$1/home/link" 2>"$1/said"
grep -q "a symbolic link of another user" "$1/said"
"$2" -u "$1/etc"
"$2" -q "$SOURCE" "$1/home/fair"
"$2" -u "$1/home/fair"
! grep fuse.mxfs /proc/self/mountinfo
"""


def test_links_of_another_user(source, as_user):
    """Lead root to their folders, not to root's."""
    done = as_user("true", prepare=f"SOURCE='{source}'\n{LINKED}")
    assert done.returncode == 0, done


def test_aborted_while_in_use(source, mount):
    """The connection has gone, the mount has not: the daemon does not leave it behind."""
    made = mount(source)
    with open(made.file, "rb"):
        assert LIBC.umount2(os.fsencode(made.path), MNT_FORCE) != 0
        assert made.wait() == 0
        assert not mounted(made.path)


def test_numbers_are_reused(source, mount):
    """The next mount has the numbers of one that has gone before its daemon noticed."""
    for _ in range(5):
        first = mount(source)
        os.kill(first.pid, signal.SIGSTOP)
        assert LIBC.umount2(os.fsencode(first.path), 0) == 0  # umount(8) would ask the daemon
        second = mount(source)
        os.kill(first.pid, signal.SIGCONT)
        assert first.wait() == 0
        assert mounted(second.path) and second.file.read_bytes()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda s: s.name)
def test_helper_does_not_answer(number, source, mount):
    """The daemon ends all the same, and says what it leaves; the helper takes it away when it can."""
    made = mount(source, foreground=True)
    wait_until_ready(made)
    helper = helper_of(made)
    os.kill(helper, signal.SIGSTOP)
    os.kill(made.pid, number)
    os.kill(made.pid, number)
    made.expected_status = 6
    made.wait()
    assert "not unmounted: Connection timed out" in made.stderr and "fusermount3 -u" in made.stderr
    assert helper in children()  # an orphan, ours now
    os.kill(helper, signal.SIGCONT)
    wait_for_mounts(lambda: not mounted(made.path))
    assert wait_end(helper) == 0


def test_covered_by_another_mount(source, mount):
    """A mount of root on top is left alone, and with it the dead mount below."""
    made = mount(source, foreground=True)
    wait_until_ready(made)
    subprocess.run(["mount", "-t", "tmpfs", "cover", made.path], check=True)
    try:
        os.kill(made.pid, signal.SIGTERM)
        made.expected_status = 6
        made.wait()
        assert mounted(made.path) and os.statvfs(made.path).f_files
        assert "not unmounted: another mount is on top of it" in made.stderr
    finally:
        subprocess.run(["umount", made.path], check=True)
    subprocess.run(["umount", made.path], check=True)
    assert not mounted(made.path)


def test_helper_takes_no_second_mount(source, mount):
    """A daemon that was taken over cannot make its helper adopt what is mounted there later."""
    made = mount(source)
    with open(made.file, "rb") as f:
        subprocess.run(["umount", "-l", made.path], check=True)
        subprocess.run(["mount", "-t", "tmpfs", "other", made.path], check=True)
        socket = socket_of(made.pid)
        try:
            for request in (b"m", b"d", b"r"):
                socket.send(request)
                assert socket.recv(8)
            assert mounted(made.path)
        finally:
            socket.close()
            subprocess.run(["umount", made.path], check=True)
        f.close()
    assert made.wait() == 0


def socket_of(pid):
    """A copy of the socket that a daemon has to its helper."""
    import socket  # noqa: PLC0415 - the name is what this function is about

    number = next(int(fd) for fd in os.listdir(f"/proc/{pid}/fd") if os.readlink(f"/proc/{pid}/fd/{fd}").startswith("socket:"))
    pidfd = os.pidfd_open(pid)
    fd = LIBC.syscall(438, pidfd, number, 0)  # pidfd_getfd
    os.close(pidfd)
    assert fd >= 0
    return socket.socket(fileno=fd)
