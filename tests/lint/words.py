# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""Prose: words that it does without (words.txt), and C comments whose end clang-format moved to a second line.

Prose is comments and string literals of C, comments and docstrings of Python, comments of shell and make,
and Markdown but for its code. Prints `file:line: what is wrong` and exits 1 when there is anything to print.
"""

import io
import re
import sys
import tokenize

from source import files, problem, problems, table

C_PROSE = re.compile(r'/\*.*?\*/|//[^\n]*|(?:"(?:\\.|[^"\\\n])*"\s*)+|\'(?:\\.|[^\'\\\n])*\'', re.S)
C_MARKS = re.compile(r'[*/"]*$|^[ \t]*(/[*/][*<]*|\*(?!/)|")?[ \t]*', re.M)
HASH_PROSE = re.compile(r"(?:^[ \t]*#[^\n]*\n?)+", re.M)
HASH_MARKS = re.compile(r"^[ \t]*#+!?[ \t]*", re.M)
MARKDOWN_CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.M | re.S)
WRAPPED = re.compile(r"^[ \t]*/\*[*<]* \S[^\n]*\n[ \t]*\*/$", re.M)


def c_prose(text):
    for found in C_PROSE.finditer(text):
        if not found.group().startswith("'"):
            yield text.count("\n", 0, found.start()), C_MARKS.sub("", found.group())


def hash_prose(text):
    for found in HASH_PROSE.finditer(text):
        yield text.count("\n", 0, found.start()), HASH_MARKS.sub("", found.group())


def python_prose(text):
    before = tokenize.NEWLINE
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0] - 1, token.string.lstrip("#! ")
        elif token.type == tokenize.STRING and before in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT):
            yield token.start[0] - 1, token.string.strip("\"'")
        if token.type not in (tokenize.COMMENT, tokenize.NL):
            before = token.type


def markdown_prose(text):
    yield 0, MARKDOWN_CODE.sub(lambda code: "\n" * code.group().count("\n"), text)


def prose(path, text):
    """(lines above, text without the marks of comments but with all newlines) of every piece of prose."""
    if path.suffix in (".c", ".h"):
        return c_prose(text)
    if path.suffix == ".py":
        return python_prose(text)
    if path.suffix == ".md":
        return markdown_prose(text)
    if path.suffix == ".sh" or path.name == "Makefile" or text.startswith("#!"):
        return hash_prose(text)
    return []


def rules():
    """(pattern, what to write instead) of every line of words.txt."""
    for _, line in table("words.txt"):
        pattern, instead = (column.strip() for column in line.split(" | "))
        begin = r"\A\s*" if pattern.startswith("^") else r"\b"
        words = pattern.lstrip("^").replace(" ", r"\s+")
        flags = 0 if re.search("[A-Z]", pattern) else re.IGNORECASE
        yield re.compile(rf"{begin}({words})\b", flags), instead


def check(path, text, patterns):
    for above, plain in prose(path, text):
        for pattern, instead in patterns:
            for found in pattern.finditer(plain):
                line = above + plain.count("\n", 0, found.start(1)) + 1
                problem(path, line, f"'{' '.join(found.group(1).split())}': {instead}")
    if path.suffix in (".c", ".h"):
        for found in WRAPPED.finditer(text):
            problem(path, text.count("\n", 0, found.start()) + 1, "cut this comment to one line, or begin it on a line of its own")


def main():
    patterns = list(rules())
    for path in files("include", "src", "tests", "Makefile", "README.md", ".ci"):
        if path.is_relative_to("tests/data") or path.is_relative_to("tests/fuzz/seeds"):
            continue
        try:
            check(path, path.read_text(), patterns)
        except UnicodeDecodeError:
            continue  # not text
    print("".join(text + "\n" for text in problems), end="")
    return 1 if problems else 0


sys.exit(main())
