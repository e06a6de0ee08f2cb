# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""The daemon drops its privileges once it serves; its mount can still be unmounted in every way."""

import errno
import os
import pathlib
import re
import signal
import socket
import subprocess
import types

import pytest

import refmodels
from conftest import mounted, wait_end, wait_for_mounts
from helpers import preloaded

SUPPORT = pathlib.Path(__file__).resolve().parents[1] / "support"


@pytest.fixture
def model():
    return refmodels.quark()


@pytest.fixture
def source(model, place):
    return model.write(place / "m.safetensors")


@pytest.fixture(scope="module")
def instrumented(mxfs_bin):
    """Whether the program has no seccomp filter, because sanitizers or gcov need other system calls."""
    return re.search(rb"__(asan|tsan|msan)_init|\.gcda\0", pathlib.Path(mxfs_bin).read_bytes()) is not None


@pytest.fixture
def own_threads(mxfs_bin):
    """For tests that look at the rights of every thread."""
    if b"__tsan_init" in pathlib.Path(mxfs_bin).read_bytes():
        pytest.skip("the thread sanitizer has a thread of its own, which gives up nothing")


def privileges(pid):
    """The rights of each thread of a process: (CapEff, CapPrm, CapBnd, NoNewPrivs, Seccomp)."""
    keys = ("CapEff", "CapPrm", "CapBnd", "NoNewPrivs", "Seccomp")
    out = set()
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        text = (task / "status").read_text(encoding="ascii")
        out.add(tuple(int(re.search(rf"^{key}:\s+(\w+)", text, re.M).group(1), 16) for key in keys))
    return out


def helper_of(made):
    """The process that unmounts, which is the daemon's only child."""
    (pid,) = pathlib.Path(f"/proc/{made.pid}/task/{made.pid}/children").read_text(encoding="ascii").split()
    return int(pid)


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user has nothing to give up")
@pytest.mark.usefixtures("own_threads")
def test_privileges(source, model, mount, instrumented):
    """No thread keeps a capability; the helper keeps those that unmounting needs, and no files."""
    made = mount(source)
    assert made.file.read_bytes() == model.expected_bytes()  # so that libfuse has started its threads
    assert privileges(made.pid) == {(0, 0, 0, 1, 0 if instrumented else 2)}
    sys_admin, read_search = 1 << 21, 1 << 2
    helper = helper_of(made)
    ((effective, permitted, bounding, no_new, _),) = privileges(helper)
    assert effective == permitted == bounding == sys_admin | read_search and no_new == 1
    held = [os.readlink(f"/proc/{helper}/fd/{fd}") for fd in os.listdir(f"/proc/{helper}/fd")]
    assert sorted(h.split(":")[0] for h in held) == ["/dev/null"] * 3 + ["socket"]


def test_inherited_descriptors_are_closed(source, place, mxfs_bin, mount):
    """The daemon does not keep a pipe to the script that started it."""
    made = mount(source, command=["sh", "-c", f'exec 9>"{place}/held" && exec "$0" "$@"', mxfs_bin])
    held = {os.readlink(f"/proc/{made.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{made.pid}/fd")}
    assert str(place / "held") not in held and str(source) in held


def test_no_sandbox(source, model, mount):
    made = mount(source, "--no-sandbox")
    assert made.file.read_bytes() == model.expected_bytes()
    ((effective, *_, seccomp),) = privileges(made.pid)
    assert seccomp == 0 and (effective != 0) == (os.geteuid() == 0)
    os.kill(made.pid, signal.SIGTERM)
    assert made.wait() == 0 and not mounted(made.path)


@pytest.fixture(scope="module")
def escape(tmp_path_factory):
    return preloaded(SUPPORT / "escape.c", tmp_path_factory.mktemp("escape"))


@pytest.fixture(scope="module")
def failing(mxfs_bin, tmp_path_factory):
    if re.search(rb"__(asan|tsan)_init", pathlib.Path(mxfs_bin).read_bytes()):
        pytest.skip("no library may come before a sanitizer's")
    return preloaded(SUPPORT / "failsandbox.c", tmp_path_factory.mktemp("failing"))


@pytest.fixture
def victim():
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


def outcome_of(made):
    """The errors that the preloaded attacks met: {name: errno}."""
    out = {name: int(e) for name, e in re.findall(r"^escape: ([\w-]+) (\d+)$", made.stderr, re.M)}
    assert out.pop("attempts") == len(out) > 90
    return out


def test_a_hijacked_daemon(source, model, place, mount, escape, victim, instrumented):
    """Attacks from within are denied, and the mount stays served."""
    if instrumented:
        pytest.skip("it has no filter")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place / "private"))
        os.chmod(place / "private", 0o600)
        listener.listen()
        listener.setblocking(False)
        environment = {**escape, "ESCAPE_SOCKET": str(place / "private"), "ESCAPE_VICTIM": str(victim.pid)}
        made = mount(source, "--views=none", foreground=True, env=environment)
        assert made.file.read_bytes() == model.expected_bytes()
        with pytest.raises(BlockingIOError):
            listener.accept()
    outcome = outcome_of(made)
    # The C library's way to look at /proc and /sys, and libfuse's to open /dev/fuse, lead to no file.
    assert {outcome.pop(name) for name in ("open-look", "open-write")} == {errno.EACCES}
    assert set(outcome.values()) == {errno.EPERM}, {name: e for name, e in outcome.items() if e != errno.EPERM}
    assert victim.poll() is None
    os.kill(made.pid, signal.SIGTERM)
    assert made.wait() == 0 and not mounted(made.path)


@pytest.mark.parametrize("step", ["create", "seccomp"])
def test_a_kernel_that_lacks_a_part(step, source, model, place, mount, escape, failing, victim, instrumented):
    """The rest of the sandbox remains. Without Landlock not even /dev/fuse is opened."""
    if instrumented:
        pytest.skip("it has neither")
    lacking = {"create": errno.ENOSYS, "seccomp": errno.EINVAL}[step]
    environment = {"FAIL_STEP": step, "FAIL_ERRNO": str(lacking), "ESCAPE_SOCKET": "/absent", "ESCAPE_VICTIM": str(victim.pid)}
    both = ":".join([escape["LD_PRELOAD"], failing["LD_PRELOAD"]]) if step == "create" else failing["LD_PRELOAD"]
    made = mount(source, "--views=none", foreground=True, env={**environment, "LD_PRELOAD": both})
    assert f"continuing without {'Landlock' if step == 'create' else 'seccomp'}, which" in made.stderr
    assert made.file.read_bytes() == model.expected_bytes()
    assert {(p[0], p[1], p[3], p[4]) for p in privileges(made.pid)} == {(0, 0, 1, 2 if step == "create" else 0)}
    if step == "create":
        outcome = outcome_of(made)
        assert outcome.pop("open-look") == errno.EACCES
        assert outcome.pop("landlock") == errno.ENOSYS  # failsandbox.c's
        assert set(outcome.values()) == {errno.EPERM}, outcome
    os.kill(made.pid, signal.SIGTERM)
    assert made.wait() == 0 and not mounted(made.path)


STEPS = {
    "create": [errno.EMFILE, errno.ENOMEM, errno.EPERM],
    "add": [errno.ENOMEM],
    "restrict": [errno.E2BIG, errno.EPERM],
    "capset": [errno.EPERM],
    "no_new_privs": [errno.EINVAL],
    "seccomp": [errno.EFAULT],
    "load": [errno.ENOMEM],
}


@pytest.mark.parametrize("step, number", [(step, number) for step in STEPS for number in STEPS[step]])
def test_failing_to_enter(step, number, source, place, run, fuse, failing, instrumented):
    """Nothing is served without the sandbox, and the line says how it would be."""
    if instrumented and step in ("restrict", "load"):
        pytest.skip("it does not go that far")
    (place / "mnt").mkdir()
    done = run(source, place / "mnt", env={**failing, "FAIL_STEP": step, "FAIL_ERRNO": str(number)})
    assert done.rc == 6 and done.err.count("\n") == 1, done
    assert "cannot enter the sandbox: " in done.err and os.strerror(number) in done.err and "--no-sandbox" in done.err
    assert not mounted(place / "mnt")


@pytest.mark.usefixtures("own_threads")
def test_few_descriptors(source, model, place, mount, mxfs_bin, instrumented):
    """With any number of descriptors the daemon is confined, or there is none."""
    at = types.SimpleNamespace(directory=place / "few", path=place / "few" / "mnt")
    at.path.mkdir(parents=True)
    served = 0
    for limit in range(4, 24):
        made = None
        try:
            made = mount(source, command=["sh", "-c", f'ulimit -n {limit} && exec "$0" "$@"', mxfs_bin], over=at)
        except AssertionError as e:
            assert re.search(r"mxfs ended with [1-9]", str(e)) and not mounted(at.path), e
        if made:
            served += 1
            assert made.file.read_bytes() == model.expected_bytes()
            assert {(p[0], p[1], p[3], p[4]) for p in privileges(made.pid)} == {(0, 0, 1, 0 if instrumented else 2)}
            assert made.unmount().returncode == 0 and made.wait() == 0
    assert 0 < served < 20


WAYS = {
    "umount": lambda made, mxfs: subprocess.run(["umount", made.path], check=True),
    "fusermount3": lambda made, mxfs: subprocess.run(["fusermount3", "-u", made.path], check=True),
    "mxfs -u": lambda made, mxfs: subprocess.run([mxfs, "-u", made.path], check=True),
    "SIGTERM": lambda made, mxfs: os.kill(made.pid, signal.SIGTERM),
    "SIGINT": lambda made, mxfs: os.kill(made.pid, signal.SIGINT),
}


class TestUnmount:
    """Every way unmounts at once and ends daemon and helper."""

    @pytest.mark.skipif(os.geteuid() != 0, reason="umount needs root")
    @pytest.mark.parametrize("way", WAYS)
    @pytest.mark.parametrize("options", [(), ("--auto-unmount",), ("--allow-other",)], ids=" ".join)
    def test_as_root(self, way, options, source, model, mount, mxfs_bin):
        made = mount(source, *options)
        helper = os.pidfd_open(helper_of(made))
        assert made.file.read_bytes() == model.expected_bytes()
        WAYS[way](made, mxfs_bin)
        assert made.wait() == 0 and not mounted(made.path)
        with pytest.raises(ProcessLookupError):  # the daemon has waited for it
            signal.pidfd_send_signal(helper, 0)
        os.close(helper)

    @pytest.mark.parametrize("options", ["", "--auto-unmount", "--allow-other"])
    def test_as_user(self, options, place, as_user, instrumented):
        source = refmodels.quark().write(place / "m.safetensors")
        seccomp = 0 if instrumented else 2
        done = as_user(
            f"""
            mkdir mnt
            for way in 'fusermount3 -u mnt' 'mxfs -u mnt' 'kill -TERM $pid' 'kill -INT $pid'; do
                mxfs {options} "{source}" mnt
                pid=$(grep -lx mxfs /proc/[0-9]*/comm | cut -d/ -f3)
                helper=$(grep -lx mxfs-unmount /proc/[0-9]*/comm | cut -d/ -f3)
                head -c 10 mnt/m.safetensors >/dev/null
                tr -d '\\t' </proc/$pid/status | grep -cxE 'CapEff:0+|NoNewPrivs:1|Seccomp:{seccomp}'
                eval "$way"
                tail --pid="$pid" -f /dev/null
                tail --pid="$helper" -f /dev/null
                test "$(mountpoint mnt)" = "mnt is not a mountpoint" && test -z "$(ls -A mnt)"
            done
            """,
            prepare='echo user_allow_other >"$1/fuse.conf"; mount --bind "$1/fuse.conf" /etc/fuse.conf',
        )
        assert done.returncode == 0 and done.stdout == "3\n" * 4, done

    def test_a_killed_daemon(self, source, mount):
        """With --auto-unmount the mount disappears with the daemon, whatever killed it."""
        made = mount(source, "--auto-unmount")
        made.expected_status = -signal.SIGKILL
        helper = helper_of(made)
        os.kill(made.pid, signal.SIGKILL)
        made.wait()
        wait_for_mounts(lambda: not mounted(made.path))
        assert os.listdir(made.path) == []
        assert wait_end(helper) == 0  # an orphan, now our child

    def test_signals_to_the_whole_group(self, source, mount):
        """The helper ignores signals that a terminal or a service manager sends to all processes."""
        made = mount(source)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            os.kill(helper_of(made), number)
        os.kill(made.pid, signal.SIGTERM)
        assert made.wait() == 0 and not mounted(made.path)

    def test_mountpoint_through_a_link(self, source, place, mount, mxfs_bin):
        """The mountpoint may be a link, and may lead elsewhere at the unmount."""
        # The last argument, the mountpoint, is replaced by a link to it.
        script = 'for last; do :; done; ln -s "$last" "$LINK"; exec "$0" "$1" "$LINK"'
        made = mount(source, command=["sh", "-c", script, mxfs_bin], env={"LINK": str(place / "link")})
        (place / "link").unlink()
        os.kill(made.pid, signal.SIGTERM)
        assert made.wait() == 0 and not mounted(made.path)

    @pytest.mark.skipif(os.geteuid() != 0, reason="umount needs root")
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda s: s.name)
    def test_another_mount_at_its_place(self, number, source, model, mount):
        """The end of a lazily unmounted mount does not unmount its successor."""
        first = mount(source)
        with open(first.file, "rb") as f:
            subprocess.run(["umount", "-l", first.path], check=True)
            second = mount(source, over=first)
            os.kill(first.pid, number)
            f.close()
            assert first.wait() == 0
        assert mounted(second.path) and second.file.read_bytes() == model.expected_bytes()
