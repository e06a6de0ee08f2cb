# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""The prose of C files: words that comments and string literals do without (words.txt), and comments of one
line whose end clang-format has moved to a second.

Prints `file:line: what is wrong` and exits 1 when there is anything to print.
"""

import fnmatch
import re
import sys

from source import files, problem, problems, table

PROSE = re.compile(r'/\*.*?\*/|//[^\n]*|(?:"(?:\\.|[^"\\\n])*"\s*)+|\'(?:\\.|[^\'\\\n])*\'', re.S)
WRAPPED = re.compile(r"^[ \t]*/\*[*<]* \S[^\n]*\n[ \t]*\*/$", re.M)


def rules():
    """(patterns with what to write instead, globs of files that are let through)."""
    patterns, excluded = [], []
    for _, line in table("words.txt"):
        if line.startswith("!"):
            excluded.append(line[1:].strip())
            continue
        pattern, instead = (column.strip() for column in line.split(" | "))
        begin = r"\A" if pattern.startswith("^") else r"\b"
        words = pattern.lstrip("^").replace(" ", r"\s+")
        flags = 0 if re.search("[A-Z]", pattern) else re.IGNORECASE
        patterns.append((re.compile(rf"{begin}(?:{words})\b", flags), instead))
    return patterns, excluded


def prose(text):
    """(line, text) of every comment and every run of literals, without their marks but with their newlines."""
    for found in PROSE.finditer(text):
        if found.group()[0] == "'":
            continue
        marked = re.sub(r"[*/\"]*$|^[ \t]*(/[*/][*<]*|\*(?!/)|\")?[ \t]*", "", found.group(), flags=re.M)
        plain = marked.lstrip()
        yield text.count("\n", 0, found.start()) + 1 + marked[: len(marked) - len(plain)].count("\n"), plain


def check_words(path, text, patterns):
    for line, plain in prose(text):
        for pattern, instead in patterns:
            for found in pattern.finditer(plain):
                problem(path, line + plain.count("\n", 0, found.start()), f"'{' '.join(found.group().split())}': {instead}")


def main():
    patterns, excluded = rules()
    for path in files("include", "src", "tests"):
        if path.suffix not in (".c", ".h") or any(fnmatch.fnmatch(path.as_posix(), glob) for glob in excluded):
            continue
        text = path.read_text()
        check_words(path, text, patterns)
        for found in WRAPPED.finditer(text):
            problem(path, text.count("\n", 0, found.start()) + 1, "cut this comment to one line, or begin it on a line of its own")
    print("".join(text + "\n" for text in problems), end="")
    return 1 if problems else 0


sys.exit(main())
