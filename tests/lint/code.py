# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""Rules about functions and files: length, parameters, names (names.txt), doc comments, lists.

Functions are found in the text, which clang-format has laid out: the brace that opens a body stands
alone in the first column, and so does the one that closes it. What macros generate is not seen.
Prints `file:line: what is wrong` and exits 1 when there is anything to print.
"""

import fnmatch
import re
import sys
from collections import namedtuple
from pathlib import Path

from source import c_code, files, problem, problems, table

LINES_MAX = 60
PARAMETERS_MAX = 6
# Functions of src/ and include/ with more parameters than that. The number may only shrink.
WIDE_FUNCTIONS = 1

# A declaration begins in the first column and ends at its semicolon or its brace.
DECLARATION = re.compile(r"^[A-Za-z][^;{}=#]*\)\s*[;{]", re.M)
ATTRIBUTE = re.compile(r"\b(?:MXFS_(?:TARGET|PRINTF)|__attribute__)\s*\((?:[^()]|\([^()]*\))*\)")

Function = namedtuple("Function", "path line name parameters lines static")


def parameter_count(text):
    """How many parameters there are in a list, of which `text` is what follows its parenthesis."""
    depth, commas, inside = 1, 0, ""
    for c in text:
        depth += (c in "([{") - (c in ")]}")
        if depth == 0:
            break
        commas += c == "," and depth == 1
        inside += c
    return 0 if inside.strip() in ("", "void") else commas + 1


def functions(path):
    """Every function that a file declares or defines; a declaration has 0 lines."""
    lines = c_code(path)
    text = "\n".join(lines)
    for found in DECLARATION.finditer(text):
        head = ATTRIBUTE.sub(" ", found.group())
        name = re.search(r"(\w+)\s*\(", head)
        if not name or name.group(1).isupper():
            continue
        begin, brace = text.count("\n", 0, found.start()), text.count("\n", 0, found.end())
        length = lines.index("}", brace) - begin + 1 if head.endswith("{") else 0
        static = bool(re.search(r"\b(static|\w*INLINE)\b", head))
        yield Function(path, begin + 1, name.group(1), parameter_count(head[name.end() :]), length, static)


def check_sizes(sources):
    wide = []
    for path in sources:
        for f in functions(path):
            if f.lines > LINES_MAX:
                problem(path, f.line, f"{f.name}() has {f.lines} lines; at most {LINES_MAX}")
            if f.lines and f.parameters > PARAMETERS_MAX and path.parts[0] != "tests":
                wide.append(f)
    if len(wide) > WIDE_FUNCTIONS:
        for f in wide:
            problem(f.path, f.line, f"{f.name}() has {f.parameters} parameters; at most {PARAMETERS_MAX} are wanted")
        problem("tests/lint/code.py", 1, f"{len(wide)} functions have too many parameters, {WIDE_FUNCTIONS} are let through")
    elif len(wide) < WIDE_FUNCTIONS:
        print(f"lint: only {len(wide)} functions have more than {PARAMETERS_MAX} parameters: lower WIDE_FUNCTIONS in tests/lint/code.py")


def check_docs(headers):
    """In include/ each function has a comment, or is a type right below its documented struct; in src/ neighbours may share one."""
    for path in headers:
        raw = path.read_text().splitlines()
        documented = False
        for f in functions(path):
            above = raw[f.line - 2].strip()
            parameter_type = above == "};" and raw[f.line - 1].startswith("typedef ")
            documented = above.endswith("*/") or parameter_type or (documented and above.endswith(";") and path.parts[0] == "src")
            if not documented and not (f.static and path.parts[0] == "src"):
                problem(path, f.line, f"{f.name}() has no doc comment")


def check_fields(headers):
    """Every field and every value of an enum has a comment, on its line or above."""
    for path in headers:
        raw, code, inside, before, depth = path.read_text().splitlines(), c_code(path), False, ";", 0
        for at, line in enumerate(code):
            text = line.strip()
            documented = "/*" in raw[at] or (raw[at - 1].endswith("*/") and not code[at - 1].strip())
            if not text:
                continue
            begins, before = depth == 0 and before[-1] in ";,{}", text
            depth += text.count("(") - text.count(")")
            if re.match(r"(struct|union|enum)\b[^;()]*\{$", line):
                inside = True
            elif line.startswith("}"):
                inside = False
            elif inside and begins and not documented and text[0] != "}" and text[-1] != "{":
                problem(path, at + 1, f"'{text}' has no comment")


def prefixes():
    """folder of src/ → the prefixes of what its files share with each other."""
    found = {}
    for _, line in table("names.txt"):
        folder, *allowed = line.split()
        found[folder] = tuple(allowed)
    return found


def check_names(sources):
    allowed = prefixes()
    public = "\n".join("\n".join(c_code(p)) for p in files("include"))
    for path in sources:
        if path.parts[0] != "src" or len(path.parts) < 3:
            continue
        folder = path.parts[1]
        if folder not in allowed:
            problem(path, 1, f"src/{folder}/ has no line in tests/lint/names.txt")
            continue
        wanted = allowed[folder]
        if "*" in wanted:
            continue
        for f in functions(path):
            shared = f.lines and (not f.static or path.suffix == ".h")
            if shared and not f.name.startswith(wanted) and not re.search(rf"\b{f.name}\s*\(", public):
                problem(path, f.line, f"{f.name}() is private to src/{folder}/, so its name begins with {' or '.join(wanted)}")
        for at, line in enumerate(c_code(path), 1):
            kind = re.match(r"(?:struct|union|enum) (\w+) \{", line)
            if path.suffix == ".h" and kind and not kind.group(1).startswith(wanted) and f"struct {kind.group(1)};" not in public:
                problem(path, at, f"{kind.group(1)} is private to src/{folder}/, so its name begins with {' or '.join(wanted)}")


def check_makefile():
    listed = set(re.findall(r"^\t(src/\S+\.c)(?: \\)?$", Path("Makefile").read_text(), re.M))
    for path in files("src"):
        if path.suffix == ".c" and path.as_posix() not in listed:
            problem(path, 1, "is in no list of the Makefile, so it is not compiled")


def check_map():
    """The files that src/README.md names are there, and the folders in the first column of its tables."""
    path = Path("src/README.md")
    known = [p.as_posix() for p in files("include", "src", "tests")]
    known += [p.as_posix() + "/" for p in Path("src").iterdir() if p.is_dir()]
    for number, line in enumerate(path.read_text().splitlines(), 1):
        first = line.split("|")[1] if line.startswith("|") else ""
        named = re.findall(r"`([\w*./-]+\.(?:[ch]|py|txt))`", line) + re.findall(r"`(\w+/)`", first)
        for name in named:
            if "X" not in name and not any(fnmatch.fnmatch("/" + p, "*/" + name) for p in known):
                problem(path, number, f"there is no {name}")


def main():
    sources = [p for p in files("include", "src", "tests") if p.suffix in (".c", ".h")]
    check_sizes(sources)
    headers = [p for p in sources if p.suffix == ".h" and p.parts[0] != "tests"]
    check_docs(headers)
    check_fields(headers)
    check_names(sources)
    check_makefile()
    check_map()
    print("".join(line + "\n" for line in problems), end="")
    return 1 if problems else 0


sys.exit(main())
