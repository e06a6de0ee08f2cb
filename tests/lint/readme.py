# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""README.md must say what the program says: the block that shows --help, and the schemes in the table of formats.

Usage: readme.py PROGRAM. The block is found by its first line, which is the first line of the help; the table by its
column "scheme".
"""

import difflib
import json
import re
import subprocess
import sys
from pathlib import Path


def blocks(text):
    """(line number of the first line, text) of every fenced block."""
    for match in re.finditer(r"^```[^\n]*\n(.*?)^```", text, re.S | re.M):
        yield text.count("\n", 0, match.start()) + 2, match.group(1)


def check_formats(text, program):
    """Every scheme that decodes is in the table of formats, and nothing else is."""
    done = subprocess.run([program, "list", "--schemes", "--json"], capture_output=True, text=True, check=True)
    known = {row["name"] for row in json.loads(done.stdout) if row["decoded"]}
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in text.splitlines() if line.startswith("| ")]
    header = next((i for i, cells in enumerate(rows) if "scheme" in cells), None)
    if header is None:
        print('README.md:1: no table of formats has a column "scheme"')
        return 1
    column = rows[header].index("scheme")
    shown = {name for cells in rows[header:] if len(cells) == len(rows[header]) for name in re.findall("`([^`]+)`", cells[column])}
    for name in sorted(known ^ shown):
        print(f"README.md:1: the table of formats {'lacks the scheme' if name in known else 'has an unknown scheme'} {name}")
    return int(known != shown)


def main(program):
    readme = Path("README.md")
    if not readme.exists():
        print("lint: README.md is not there yet")
        return 0
    if not Path(program).exists():
        print(f"README.md:1: {program} is not built, so its --help cannot be compared")
        return 1
    help_text = subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout
    first = help_text.split("\n", 1)[0]
    shown = [(line, text) for line, text in blocks(readme.read_text()) if text.startswith(first + "\n")]
    if not shown:
        print(f"README.md:1: no fenced block shows the output of --help (it begins with '{first}')")
    wrong = [(line, text) for line, text in shown if text.rstrip("\n") != help_text.rstrip("\n")]
    for line, text in wrong:
        print(f"README.md:{line}: this block differs from --help:")
        diff = difflib.unified_diff(text.splitlines(), help_text.splitlines(), "README.md", "--help", lineterm="")
        print("\n".join(diff))
    return 1 if check_formats(readme.read_text(), program) or wrong or not shown else 0


sys.exit(main(sys.argv[1]))
