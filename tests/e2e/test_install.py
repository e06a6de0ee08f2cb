# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""`make install` installs all files, and they work: program, man page, completions, library, unit."""

import os
import pty
import re
import select
import shutil
import socket
import subprocess
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def tree(tmp_path_factory, mxfs_bin):
    """A fresh installation: (DESTDIR, the tree's prefix)."""
    dest = tmp_path_factory.mktemp("dest")
    build = str(Path(mxfs_bin).parent)
    env = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    make = ["make", "-s", "-C", str(ROOT), f"BUILD={build}", "PREFIX=/usr/local", f"DESTDIR={dest}"]
    subprocess.run([*make, "install"], check=True, env=env, capture_output=True, timeout=300)
    yield dest, dest / "usr/local"
    subprocess.run([*make, "uninstall"], check=True, env=env, capture_output=True, timeout=60)
    assert [p for p in dest.rglob("*") if not p.is_dir()] == []


@pytest.fixture
def source(tmp_path):
    """A small MXFP4 file: every code is 2 = 1.0, every scale 128, so every value is 2.0."""
    path = tmp_path / "model.safetensors"
    save_file({"w_blocks": np.full((2, 3, 16), 0x22, np.uint8), "w_scales": np.full((2, 3), 128, np.uint8),
               "plain": np.arange(5, dtype=np.int16)}, path)
    return path


def test_files(tree):
    _, prefix = tree
    found = {str(p.relative_to(prefix)) for p in prefix.rglob("*") if not p.is_dir()}
    assert found == {
        "bin/mxfs", "lib/libmxfs.a", "lib/libmxfs.so", "lib/libmxfs.so.0", "lib/pkgconfig/mxfs.pc", "include/mxfs.h",
        "share/man/man1/mxfs.1", "lib/systemd/system/mxfs@.service", "share/bash-completion/completions/mxfs",
        "share/zsh/site-functions/_mxfs", "share/fish/vendor_completions.d/mxfs.fish",
    }


def test_docs_name_every_option(tree, run):
    _, prefix = tree
    options = [w.split("=")[0] for w in run("--help").out.decode().split() if w.startswith("--") and len(w) > 2]
    assert len(options) > 10
    for file in ("share/man/man1/mxfs.1", "share/bash-completion/completions/mxfs", "share/zsh/site-functions/_mxfs"):
        text = (prefix / file).read_text().replace("\\-", "-")
        assert [o for o in options if o.rstrip(":;,.") not in text] == [], file
    subprocess.run(["bash", "-n", prefix / "share/bash-completion/completions/mxfs"], check=True)


class Shell:
    """An interactive shell in a terminal, in a folder with two files."""

    def __init__(self, command, setup, folder):
        (folder / "model.safetensors").touch()
        (folder / "a b.safetensors").touch()
        pid, self.main = pty.fork()
        if pid == 0:
            os.chdir(folder)
            os.execvpe(command[0], command, {**os.environ, "PS1": "> ", "TERM": "dumb", "HOME": str(folder)})
        self.pid = pid
        self.type(setup + "; echo re''ady\n", "ready\r")

    def type(self, keys, until):
        """Types keys and reads until the pattern is shown."""
        os.write(self.main, keys.encode())
        shown = ""
        while until not in shown:
            assert select.select([self.main], [], [], 20)[0], (keys, until, shown)
            shown += os.read(self.main, 65536).decode()
        return shown

    def close(self):
        os.close(self.main)  # hangs up the terminal
        os.waitpid(self.pid, 0)


COMPLETED = {"mxfs --dty": "mxfs --dtype=", "mxfs --dtype=b": "mxfs --dtype=bf16 ", "mxfs ver": "mxfs verify ", "mxfs list mod": "mxfs list model.safetensors "}


SHELLS = {
    "bash": (["bash", "--norc", "-i"], "source '{}/share/bash-completion/completions/mxfs'"),
    "zsh": (["zsh", "-f", "-i"], "fpath=('{}/share/zsh/site-functions' $fpath); autoload -Uz compinit; compinit -u -D"),
}


@pytest.mark.parametrize("name", SHELLS)
def test_completion(name, tree, tmp_path):
    """Completions with TAB in an interactive shell."""
    command, setup = SHELLS[name]
    if not shutil.which(name):
        pytest.skip(f"{name} is not installed")
    shell = Shell(command, setup.format(tree[1]), tmp_path)
    try:
        for typed, line in COMPLETED.items():
            shell.type(typed + "\t", line)
            shell.type("\x15\x0c", "> ")  # clears the line
        if name == "bash":  # accepts any quoting
            shell.type("mxfs export a\t", "mxfs export a\\ b.safetensors ")
    finally:
        shell.close()


@pytest.mark.skipif(not shutil.which("fish"), reason="fish is not installed")
def test_fish_completes(tree, tmp_path):
    script = f"source {tree[1]}/share/fish/vendor_completions.d/mxfs.fish; complete -C'mxfs --dtype='; complete -C'mxfs ver'"
    done = subprocess.run(["fish", "-c", script], capture_output=True, text=True, check=True, env={**os.environ, "HOME": str(tmp_path)})
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == [*(f"--dtype={t}" for t in ("auto", "bf16", "f16", "f32")), "verify"]


@pytest.mark.skipif(not shutil.which("man"), reason="man is not installed")
def test_man_shows(tree):
    """`man mxfs` formats the page without warnings, with all sections."""
    env = {**os.environ, "MANWIDTH": "80", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(["man", "--warnings", "-l", tree[1] / "share/man/man1/mxfs.1"], capture_output=True, text=True, check=True, env=env)
    assert done.stderr == ""
    text = re.sub(".\b", "", done.stdout)
    heads = re.findall(r"^[A-Z][A-Z ]+$", text, re.M)
    assert heads == ["NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "OPTIONS", "EXIT STATUS", "SIGNALS", "FILES", "EXAMPLES", "SEE ALSO"]
    assert "mxfs [OPTIONS] SOURCE MOUNTPOINT" in text and "--stop-timeout=SECONDS" in text
    assert max(map(len, text.splitlines())) <= 80


def test_c_example(tree, source, tmp_path):
    _, prefix = tree
    program = tmp_path / "example"
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "mxfs"], capture_output=True, text=True, check=True,
                           env={**os.environ, "PKG_CONFIG_PATH": str(prefix / "lib/pkgconfig"),
                                "PKG_CONFIG_SYSROOT_DIR": str(tree[0])}).stdout.split()
    subprocess.run(["cc", "-Wall", "-Werror", "-o", program, ROOT / "tests/support/library_example.c", *flags], check=True)
    env = {**os.environ, "LD_LIBRARY_PATH": str(prefix / "lib")}
    out = subprocess.run([program, source], capture_output=True, text=True, check=True, env=env).stdout.splitlines()
    # 2.0 in BF16 is 0x4000, so the bytes of w add up to 0x40 * 192.
    assert out == ["plain I16 plain 10", f"w BF16 mxfp4-blocks {0x40 * 192}"]
    bad = subprocess.run([program, source, "dtype=f33"], capture_output=True, text=True, env=env)
    assert bad.returncode == 1 and "auto|bf16|f16|f32" in bad.stderr
    needed = subprocess.run(["ldd", prefix / "lib/libmxfs.so"], capture_output=True, text=True).stdout
    assert "fuse" not in needed


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_unit_verifies(tree, tmp_path):
    unit = tmp_path / "mxfs@.service"
    text = (tree[1] / "lib/systemd/system/mxfs@.service").read_text()
    # The program is in DESTDIR, not where the unit says.
    unit.write_text(text.replace("/usr/local/bin/mxfs", str(tree[1] / "bin/mxfs")))
    instance = tmp_path / "mxfs@gpt.service"
    instance.symlink_to(unit)
    out = subprocess.run(["systemd-analyze", "verify", "--man=no", instance], capture_output=True, text=True)
    complaints = [line for line in (out.stdout + out.stderr).splitlines() if "mxfs" in line]
    assert out.returncode == 0 and complaints == []


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_unit_is_as_secure_as_it_says(tree, tmp_path):
    """Systemd 252 says 4.0; other versions weigh settings differently."""
    unit = tree[1] / "lib/systemd/system/mxfs@.service"
    assert "4.0 of 10" in unit.read_text()
    instance = tmp_path / "mxfs@gpt.service"
    instance.symlink_to(unit)
    out = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", instance], capture_output=True, text=True)
    assert 3 < float(re.search(r"exposure level for .*: ([0-9.]+)", out.stdout)[1]) < 5, out


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_unit_lets_the_daemon_confine_itself(tree):
    """The unit's filter must allow the calls that set up the program's own sandbox."""
    text = (tree[1] / "lib/systemd/system/mxfs@.service").read_text()
    allowed = set(text.split("SystemCallFilter=")[1].splitlines()[0].split())
    while groups := {word for word in allowed if word.startswith("@")}:
        allowed -= groups
        for group in groups:
            out = subprocess.run(["systemd-analyze", "syscall-filter", group], capture_output=True, text=True, check=True).stdout
            allowed |= {line.strip() for line in out.splitlines()[1:] if line.strip() and not line.strip().startswith("#")}
    landlock = {"landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"}
    assert {"seccomp", "prctl", "capset", "umount2", "socketpair", "wait4", *landlock} <= allowed


@pytest.mark.parametrize("abstract", [False, True], ids=["file", "abstract"])
def test_notify(abstract, mount, source, tmp_path):
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind("\0" + address if abstract else address)
        s.settimeout(20)
        mounted = mount(source, env={"NOTIFY_SOCKET": "@" + address if abstract else address})
        ready = s.recv(4096).decode()
        assert ready.startswith("READY=1\nSTATUS=") and "1 dequantized" in ready
    # One socket is left, to the helper that unmounts: the service manager would obey a hijacked daemon.
    held = [os.readlink(f"/proc/{mounted.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{mounted.pid}/fd")]
    assert sum(h.startswith("socket:") for h in held) == (2 if os.path.exists("/dev/log") else 1)


def test_notify_of_an_odd_path(mount, source, tmp_path):
    """A newline in a path does not start another variable."""
    odd = tmp_path / "a\nMAINPID=1" / "m.safetensors"
    odd.parent.mkdir()
    odd.write_bytes(source.read_bytes())
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(str(tmp_path / "notify"))
        s.settimeout(20)
        mount(odd, "--unsupported=raw", env={"NOTIFY_SOCKET": str(tmp_path / "notify")})
        assert [line.split("=")[0] for line in s.recv(4096).decode().split("\n")] == ["READY", "STATUS"]
