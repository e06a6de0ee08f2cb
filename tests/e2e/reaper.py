# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""Watches over the tests from a separate process.

A reader that waits in the kernel for a daemon that never answers holds Python's lock, so nothing
inside pytest could end it. This process can: if a test takes too long, or pytest itself is gone, it
kills the daemons that were added (their readers then get ENOTCONN) and removes their mounts.
Commands are lines on stdin:

    arm SECONDS | disarm | add PID TOKEN MOUNTPOINT | del PID
"""

import os
import select
import signal
import subprocess
import sys


def owned(pid, token):
    """Whether the process is still the daemon that the test started, by a token in its environment."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as f:
            return token.encode() in f.read()
    except OSError:
        return False


def finish(watched):
    """Kills the daemons and removes their mounts."""
    for pid, (token, mountpoint) in watched.items():
        if owned(pid, token):
            os.kill(pid, signal.SIGKILL)
        command = ["umount", "-l", mountpoint] if os.geteuid() == 0 else ["fusermount3", "-uz", mountpoint]
        subprocess.run(command, stderr=subprocess.DEVNULL, check=False)


def main():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    watched, limit, pending = {}, None, b""
    while True:
        if not select.select([0], [], [], limit)[0]:
            print(f"reaper: a test took more than {limit} s; killing its daemons", file=sys.stderr)
            finish(watched)
            limit = None
            continue
        data = os.read(0, 65536)
        if not data:
            return finish(watched)
        *lines, pending = (pending + data).split(b"\n")
        for line in lines:
            verb, *rest = line.decode().split(" ", 3)
            if verb == "arm":
                limit = float(rest[0])
            elif verb == "disarm":
                limit = None
            elif verb == "add":
                watched[int(rest[0])] = rest[1:]
            elif verb == "del":
                watched.pop(int(rest[0]), None)


if __name__ == "__main__":
    main()
