# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""Fixtures: the program, a private mount per call, an ordinary user.

No test sleeps. The program returns only when its mount answers; in the foreground it sends READY=1;
the end of a daemon is awaited on its pidfd. The test process adopts orphans, so a daemon that went to
the background is its child, whose exit status and sanitizer report are examined when the test ends.
"""

import ctypes
import dataclasses
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid

import numpy
import pytest

import libmxfs

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

TEST_LIMIT = 150  # seconds for one test before its daemons are killed
END_LIMIT = 30  # seconds that a daemon may take to end once it is unmounted
BAD_LINE = re.compile(r"Sanitizer|runtime error:|\bwarning\b|Assertion|\bassert\b|core dumped|Segmentation", re.I)
PR_SET_CHILD_SUBREAPER = 36


def heed_signals():
    """Undoes nohup and a shell's &, whose ignored signals every process started by a test would inherit."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_configure(config):
    heed_signals()
    config.addinivalue_line("markers", "heavy: needs torch, transformers or compressed-tensors")
    config.addinivalue_line("markers", "limit(seconds): may take so long, in place of TEST_LIMIT")
    # A failed assertion in a thread fails the test.
    config.addinivalue_line("filterwarnings", "error::pytest.PytestUnhandledThreadExceptionWarning")
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


@dataclasses.dataclass
class Result:
    """The result of a run of the program."""

    rc: int
    out: bytes
    err: str

    @property
    def text(self):
        return self.out.decode()

    @property
    def lines(self):
        """The lines of stderr."""
        return self.err.splitlines()

    def fails(self, code, *fragments):
        """Asserts the exit code, and that stderr is one clean line with the fragments."""
        self.refuses(code, *fragments)
        assert len(self.lines) == 1, self
        return self

    def refuses(self, code, *fragments):
        """Like fails(), but stderr may have more than one line."""
        assert self.rc == code, self
        assert self.lines and self.err.endswith("\n"), self
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", self.err), self
        for fragment in fragments:
            assert fragment in self.err, (fragment, self)
        return self


def sanitizer_env(directory):
    """Sends sanitizer reports to files, because a daemon closes its stderr."""
    env = {}
    for name in ("ASAN", "UBSAN", "TSAN", "LSAN"):
        key = name + "_OPTIONS"
        env[key] = ":".join(filter(None, [os.environ.get(key), f"log_path={directory}/sanitizer"]))
    return env


def check_reports(directory):
    """Fails if a sanitizer wrote a report."""
    reports = [p.read_text(errors="replace") for p in pathlib.Path(directory).glob("sanitizer*")]
    assert not reports, "\n".join(reports)


@pytest.fixture(scope="session")
def mxfs_bin():
    """The program under test: $MXFS_BIN, or build/mxfs."""
    path = os.path.abspath(os.environ.get("MXFS_BIN") or ROOT / "build" / "mxfs")
    assert os.access(path, os.X_OK), f"{path} is missing: run make first"
    return path


@pytest.fixture(scope="session")
def sanitized(mxfs_bin):
    """Whether the program is built with a sanitizer (its memory figures then mean nothing)."""
    return re.search(rb"__(asan|tsan|msan)_init", pathlib.Path(mxfs_bin).read_bytes()) is not None


@pytest.fixture(scope="session")
def reaper():
    """The guard process; see reaper.py."""
    script = str(pathlib.Path(__file__).with_name("reaper.py"))
    with subprocess.Popen([sys.executable, "-I", script], stdin=subprocess.PIPE, start_new_session=True) as process:
        def tell(*words):
            process.stdin.write((" ".join(map(str, words)) + "\n").encode())
            process.stdin.flush()

        yield tell
        process.stdin.close()


@pytest.fixture(autouse=True)
def time_limit(reaper, request):
    """Lets the reaper watch the time of every test."""
    own = request.node.get_closest_marker("limit")
    reaper("arm", own.args[0] if own else TEST_LIMIT)
    yield
    reaper("disarm")


@pytest.fixture
def place():
    """A private directory that ordinary users may enter (pytest's own tmp_path is closed to them)."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="mxfs-e2e."))
    path.chmod(0o755)
    yield path
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as f:
        left = [line.split()[4] for line in f if line.split()[4].startswith(f"{path}/")]
    for point in reversed(left):  # the program mounted where it should have refused to
        subprocess.run(["fusermount3", "-uz", point.replace(r"\040", " ")], check=False)
    shutil.rmtree(path)
    assert not left, f"mounts were left: {left}"


@pytest.fixture(scope="session")
def lib(mxfs_bin, sanitized):
    """libmxfs.so, built with the program; None if Python would need a sanitizer to load it."""
    return None if sanitized else libmxfs.load(pathlib.Path(mxfs_bin).parent / "libmxfs.so")


CHOICES = re.compile("--((dtype|only|scheme|unsupported|cache-size|kernel)=.*|partial)", re.S)
NO_CHOICES = re.compile("--(quiet|verbose|json|tree|hash|force|foreground|debug|views=.*|jobs=.*|only-scheme=.*)|-[qvfd]|-j[0-9]+")


def as_library_call(args):
    """(SOURCE, options) for the mxfs_open() that matches a command line, or None if none does."""
    options = [str(a) for a in args if str(a).startswith("-")]
    command, *operands = [str(a) for a in args if not str(a).startswith("-")] or [""]
    if any(not CHOICES.fullmatch(o) and not NO_CHOICES.fullmatch(o) for o in options if o != "-"):
        return None
    chosen = [o[2:].replace("\\", "\\\\").replace(",", "\\,") for o in options if CHOICES.fullmatch(o)]
    if command == "list":
        chosen.append("partial")  # list reports missing shards
    elif command in ("verify", "stats"):  # the other operand may have failed
        return None
    elif command not in ("cat", "export"):
        operands = [command]
    return os.fsencode(operands[0]), os.fsencode(",".join(chosen))


def check_agreement(lib, args, cwd, result):
    """Checks that the library refuses a source that the program refuses, with the same code and message."""
    call = as_library_call(args) if lib and result.rc in (3, 4, 5, 6) else None
    if not call or not result.lines:
        return
    source = os.path.join(os.fsencode(cwd or os.getcwd()), call[0])
    status, why, handle = libmxfs.open_source(lib, source, call[1])
    lib.mxfs_close(handle)
    if status == 0:  # something after opening failed: a read, a mountpoint, an output
        assert result.rc in (5, 6), f"the program refuses what the library accepts: {result}"
        return
    said = "mxfs: " + why.decode(errors="backslashreplace")
    assert (result.rc, result.lines[-1]) == (status, said), f"the library says {status}, {said}: {result}"


@pytest.fixture
def run(mxfs_bin, place, lib):
    """
    run(*args, ...) -> Result. For everything except mounts that should succeed. If the program refuses
    a source, the library must refuse it with the same message.
    """
    logs = place / ".run"
    logs.mkdir()

    def go(*args, timeout=60, env=None, cwd=None, stdout=None):
        environment = {**os.environ, **sanitizer_env(logs), **(env or {})}
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            # Files, not pipes: we would wait for a daemon that keeps a pipe open.
            done = subprocess.run(
                [mxfs_bin, *map(str, args)], stdin=subprocess.DEVNULL, stdout=stdout or out, stderr=err,
                timeout=timeout, env=environment, cwd=cwd, check=False,
            )  # fmt: skip
            out.seek(0)
            err.seek(0)
            result = Result(done.returncode, out.read(), err.read().decode(errors="backslashreplace"))
        check_reports(logs)
        assert not re.search(r"Sanitizer|runtime error:|Assertion", result.err), result
        if env is None and stdout is None:
            check_agreement(lib, args, cwd, result)
        return result

    return go


def mounted(path):
    """(type, source, options) of the mount at `path`, or None."""
    quoted = str(path).replace("\\", r"\134").replace(" ", r"\040")
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as f:
        for line in f:
            left, right = line.split(" - ")
            if left.split()[4] == quoted:
                kind, source, options = right.split()
                return kind, source, left.split()[5] + "," + options
    return None


def wait_for_mounts(condition, process=None, limit=30):
    """Waits until condition() holds; the kernel signals on mountinfo whenever a mount appears or goes."""
    end = time.monotonic() + limit
    with open("/proc/self/mountinfo", encoding="utf-8") as f:
        poller = select.poll()
        poller.register(f, select.POLLERR | select.POLLPRI)
        while not condition():
            assert process is None or process.poll() is None, f"the program ended with {process.returncode}"
            assert time.monotonic() < end, "the mount did not come (or go)"
            poller.poll(100)  # also notices the end of the process


def namespaces():
    """Mount namespaces other than ours: name -> a process in it."""
    out = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            out.setdefault(os.readlink(f"/proc/{pid}/ns/mnt"), pid)
        except OSError:
            continue
    out.pop(os.readlink("/proc/self/ns/mnt"), None)
    return out


def held_elsewhere(path):
    """Processes in other mount namespaces that still have the mount. A namespace that any process created
    while the mount existed keeps it and its daemon alive after we unmount it."""
    out = []
    for pid in namespaces().values():  # from its root: a process in a chroot sees only what is below
        look = ["nsenter", f"--mount=/proc/{pid}/ns/mnt", "cat", f"/proc/{pid}/mountinfo", "/proc/self/mountinfo"]
        if f" {path} " in subprocess.run(look, capture_output=True, text=True, errors="replace", check=False).stdout:
            out.append(pid)
    return out


def where_it_waits(pid):
    """The calls in which the threads of a process wait, for failure messages."""
    out = []
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        name, wait, call = ((task / f).read_text().strip() for f in ("comm", "wchan", "syscall"))
        out.append(f"{task.name} {name}: {wait} {call.split()[0]}")
    return "; ".join(sorted(out))


def children():
    """Pids of this process's children."""
    out = set()
    for task in os.listdir("/proc/self/task"):
        with open(f"/proc/self/task/{task}/children", encoding="ascii") as f:
            out.update(map(int, f.read().split()))
    return out


def wait_end(pid, limit=END_LIMIT):
    """Waits for the end of a child; returns its exit status as subprocess does, or None."""
    fd = os.pidfd_open(pid)
    try:
        if not select.select([fd], [], [], limit)[0]:
            return None
    finally:
        os.close(fd)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


class Ready:
    """Waits as a service manager does: for READY=1 of a program in the foreground."""

    def __init__(self, environment, directory):
        path = directory / f"notify{uuid.uuid4().hex[:8]}"
        environment["NOTIFY_SOCKET"] = str(path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(0.1)

    def wait(self, process, limit):
        end = time.monotonic() + limit
        said = b""
        with self.socket:
            while b"READY=1" not in said:
                assert process.poll() is None, f"the program ended with {process.returncode}"
                assert time.monotonic() < end, "the mount did not come"
                try:
                    said = self.socket.recv(4096)
                except TimeoutError:
                    continue


class Mount:
    """One running mxfs. `path` is the mountpoint, `file` the virtual file in it."""

    def __init__(self, directory, source, pid, token, reaper, process=None):
        self.directory, self.pid, self.process = directory, pid, process
        self.path = directory / "mnt"
        self.file = self.path / os.path.basename(source)
        self.status = None  # exit status once ended
        self._token, self._reaper, self._watched = token, reaper, True
        reaper("add", pid, token, self.path)

    def __truediv__(self, name):
        return self.path / name

    @property
    def stderr(self):
        """The output of the program (in the foreground, of the daemon) so far."""
        return (self.directory / "stderr").read_text(errors="backslashreplace")

    def memory(self, key):
        """VmRSS or VmHWM of the daemon in bytes."""
        text = pathlib.Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return int(re.search(rf"^{key}:\s+(\d+) kB", text, re.M).group(1)) * 1024

    def wait(self, limit=END_LIMIT):
        """Waits for the daemon's end and returns its exit status."""
        if self.status is None and self._watched:
            self.status = self.process.wait(limit) if self.process else wait_end(self.pid, limit)
            assert self.status is not None, "the daemon did not end"
            self._watched = False
            self._reaper("del", self.pid)
        return self.status

    def unmount(self):
        """Unmounts as a user would."""
        return subprocess.run(["fusermount3", "-u", str(self.path)], capture_output=True, text=True, check=False)

    def close(self):
        """Unmounts if still mounted and waits for the daemon; returns complaints."""
        wrong = []
        if mounted(self.path):
            done = self.unmount()
            if done.returncode:
                wrong.append(f"fusermount3 -u: {done.stderr.strip()}")
                lazily = ["umount", "-l"] if os.geteuid() == 0 else ["fusermount3", "-uz"]
                subprocess.run([*lazily, str(self.path)], capture_output=True, check=False)
        try:
            if self.wait() != self.expected_status:
                wrong.append(f"the daemon ended with {self.status}")
        except (AssertionError, subprocess.TimeoutExpired):
            if not held_elsewhere(self.path):
                wrong.append(f"the daemon did not end after the unmount: killed ({where_it_waits(self.pid)}; {namespaces()})")
            self.expected_status = -signal.SIGKILL
            os.kill(self.pid, signal.SIGKILL)
            self.wait()
        wrong += [line for line in self.stderr.splitlines() if BAD_LINE.search(line) and line not in self.excused]
        return wrong

    expected_status = 0  # of the daemon; a test that kills it sets this
    excused = ()  # stderr lines that the test expects although they look like errors


@pytest.fixture(scope="session")
def fuse():
    """Skips the test if FUSE mounts are impossible."""
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))
    except OSError as e:
        pytest.skip(f"/dev/fuse cannot be opened: {e.strerror}")
    if not shutil.which("fusermount3"):
        pytest.skip("fusermount3 is not installed")


@pytest.fixture
def mount(mxfs_bin, place, reaper, fuse):
    """mount(SOURCE, *options, foreground=False) -> Mount; unmounted and checked after the test."""
    mounts = []

    def go(source, *options, foreground=False, env=None, cwd=None, limit=60, command=None, over=None):
        directory = over.directory if over else place / f".mount{len(mounts)}"
        if not over:
            (directory / "mnt").mkdir(parents=True)
        token = uuid.uuid4().hex
        environment = {**os.environ, **sanitizer_env(directory), **(env or {}), "MXFS_TEST_TOKEN": token}
        ready = Ready(environment, directory) if foreground else None
        argv = [*(command or [mxfs_bin]), *options, str(source), str(directory / "mnt")]
        with open(directory / "stderr", "wb") as err, open(directory / "stdout", "wb") as out:
            before = children()
            process = subprocess.Popen(
                argv + (["-f"] if foreground else []), stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment, cwd=cwd
            )
        if foreground:
            made = Mount(directory, source, process.pid, token, reaper, process)
            mounts.append(made)
            ready.wait(process, limit)
            assert mounted(made.path)
            return made
        rc = process.wait(limit)
        said = (directory / "stderr").read_text(errors="backslashreplace")
        orphans = children() - before - {process.pid}
        daemons = [pid for pid in orphans if token.encode() in pathlib.Path(f"/proc/{pid}/environ").read_bytes()]
        for pid in daemons:
            mounts.append(Mount(directory, source, pid, token, reaper))
        assert rc == 0, f"mxfs ended with {rc}: {said}"
        assert len(daemons) == 1, f"the program returned 0 and left {len(daemons)} daemons: {said}"
        assert mounted(directory / "mnt"), "the program returned before the mount was there"
        return mounts[-1]

    yield go
    wrong = []
    for made in reversed(mounts):
        wrong += made.close()
    for made in mounts:
        check_reports(made.directory)
    assert not wrong, "\n".join(wrong)


@pytest.fixture(scope="session")
def compiled(tmp_path_factory):
    """compiled(NAME) -> the program built from support/NAME.c, which may use libfuse."""
    folder, programs = tmp_path_factory.mktemp("support"), {}

    def go(name):
        if name not in programs:
            flags = subprocess.run(["pkg-config", "--cflags", "--libs", "fuse3"], capture_output=True, text=True, check=True)
            command = ["cc", "-O2", "-D_GNU_SOURCE", "-pthread", "-o", folder / name, ROOT / f"tests/support/{name}.c"]
            subprocess.run([*command, *flags.stdout.split()], check=True)
            programs[name] = folder / name
        return programs[name]

    return go


@pytest.fixture
def serve(compiled, place, reaper, fuse):
    """serve(NAME, *ARGUMENTS) -> the mountpoint of support/NAME.c's filesystem, mounted until the test ends."""
    served = []

    def go(name, *arguments):
        point = place / f".{name}{len(served)}"
        point.mkdir()
        token = uuid.uuid4().hex
        process = subprocess.Popen([compiled(name), *map(str, arguments), point], env={**os.environ, "MXFS_TEST_TOKEN": token})
        served.append((process, point))
        reaper("add", process.pid, token, point)
        wait_for_mounts(lambda: mounted(point), process)
        return point

    yield go
    for process, point in served:
        subprocess.run(["fusermount3", "-u", point], check=False)
        process.terminate()  # another mount namespace may hold a copy of the mount
        process.wait(END_LIMIT)
        reaper("del", process.pid)


@pytest.fixture
def fsx(compiled, serve):
    """fsx(FILE, ORACLE, SEED, FIRST, COUNT, THREADS) -> bytes compared. Reads a file at random in every possible way
    and compares it with another (support/fsx.c)."""
    sink = serve("sinkfs")

    def go(file, oracle, seed, first, count, threads):
        command = [compiled("fsx"), file, oracle, seed, first, count, threads, sink]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{' '.join(map(str, command))}: {done.stdout}{done.stderr}"
        print("fsx:", os.path.basename(file), f"{threads} threads,", *done.stdout.splitlines(), flush=True)
        (compared,) = re.findall(rf"^{count} operations, (\d+) bytes compared$", done.stdout, re.M)
        return int(compared)

    return go


def isolation(*options):
    """The command prefix that runs a command as root in private namespaces; skips the test if that fails."""
    if os.geteuid() != 0 or not shutil.which("unshare"):
        pytest.skip("needs root and unshare")
    command = ["unshare", "--mount", "--propagation", "private", *options]
    probe = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
    if probe.returncode:  # for example in a chroot whose root is not a mountpoint
        pytest.skip(f"no private namespaces here: {probe.stderr.strip()}")
    return command


@pytest.fixture
def alone():
    """alone(*COMMAND) -> CompletedProcess: runs a command as root in a private mount namespace."""
    isolate = isolation()

    def go(*command):
        return subprocess.run([*isolate, *command], capture_output=True, text=True, timeout=60, check=False)

    return go


USER = 65534  # a user that owns nothing

# Runs as root in private mount and pid namespaces: when it ends, so does every process and mount.
# The program, Python and its packages are bound to places that the user can enter, because root's checkout or
# Python may be in a closed home.
AS_USER = r"""
set -e
umount -a -l -t fuse.mxfs # copies of other tests' mounts, which would keep their daemons alive
test -d /sys/module || mount -t sysfs none /sys # a chroot may lack it
mkdir "$1/dev" "$1/bin" "$1/home"
mount -t tmpfs -o mode=755 tmpfs "$1/dev"
mknod -m 666 "$1/dev/fuse" c 10 229
mount --bind "$1/dev/fuse" /dev/fuse
touch "$1/bin/mxfs"
mount --bind "$2" "$1/bin/mxfs"
mkdir "$1/base" "$1/packages"
mount --bind "$3" "$1/base"
mount --bind "$4" "$1/packages"
printf '#!/bin/sh\nLD_LIBRARY_PATH=%s PYTHONHOME=%s PYTHONPATH=%s exec %s "$@"\n' "$1/base/lib" "$1/base" "$1/packages" "$1/base/bin/python3" >"$1/bin/python3"
chmod 755 "$1/bin/python3"
chown 65534:65534 "$1/home"
cd "$1/home"
export GCOV_PREFIX="$1/gcov" # where a program built for coverage can write its counters
if [ -n "${MXFS_COUNTERS:-}" ]; then
    mkdir -p "$1/gcov$MXFS_COUNTERS"
    mount --bind "$MXFS_COUNTERS" "$1/gcov$MXFS_COUNTERS"
    chmod -R a+rwX "$1/gcov"
fi
export HOME="$1/home" PATH="$1/bin:$PATH" PYTHONDONTWRITEBYTECODE=1
eval "$6"
setpriv --reuid=65534 --regid=65534 --clear-groups bash -euo pipefail -c "$5"
"""


@pytest.fixture
def as_user(mxfs_bin, place, fuse):
    """as_user(SCRIPT) -> CompletedProcess: runs a bash script as an ordinary user who may open
    /dev/fuse, with `mxfs` and this Python in PATH and an empty home as working directory. Root runs
    PREPARE first, in the same namespaces."""
    isolate = isolation("--pid", "--fork", "--kill-child", "--mount-proc")
    if not os.stat(shutil.which("fusermount3")).st_mode & 0o4000:
        pytest.skip("fusermount3 is not setuid root")
    count = 0

    def go(script, timeout=120, prepare=""):
        nonlocal count
        count += 1
        room = place / f"user{count}"
        room.mkdir()
        room.chmod(0o755)
        packages = os.path.dirname(os.path.dirname(numpy.__file__))
        return subprocess.run(
            [*isolate, "bash", "-c", AS_USER, "as_user", str(room), mxfs_bin, sys.base_prefix, packages, script, prepare],
            capture_output=True, text=True, timeout=timeout, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    return go
