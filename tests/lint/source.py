# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""Rules about source text: layers (layers.txt), confinement (confined.txt), licence lines, leftovers.

Prints `file:line: what is wrong` and exits 1 when there is anything to print.
"""

import ast
import fnmatch
import graphlib
import os
import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
INCLUDE = re.compile(r'\s*#\s*include\s*"([^"]+)"')
# In two pieces, so that this file passes its own rule.
LEFT_OPEN = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"]) + r")\b")
problems = []


def problem(path, line, text):
    problems.append(f"{path}:{line}: {text}")


def table(name):
    """The lines of a table in this folder, with their numbers."""
    for number, line in enumerate((HERE / name).read_text().splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            yield number, line


def files(*roots):
    for root in roots:
        top = Path(root)
        found = [top] if top.is_file() else sorted(top.rglob("*"))
        yield from (p for p in found if p.is_file() and "__pycache__" not in p.parts)


def c_code(path):
    """The lines of a C file with comments and string literals blanked, includes kept."""
    text = path.read_text()

    def blank(match):
        if match.group().startswith('"') and INCLUDE.match(text[text.rfind("\n", 0, match.start()) + 1 :]):
            return match.group()
        return re.sub(r"[^\n]", " ", match.group())

    token = r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    return re.sub(token, blank, text, flags=re.S).splitlines()


def module(path):
    """The module of a path: include/mxfs/X.h, src/X.c, src/X/… are X."""
    parts = path.parts
    if parts[0] == "include":
        return path.stem
    return parts[1] if len(parts) > 2 else path.stem


def read_layers():
    layers = []
    for _, line in table("layers.txt"):
        layer, *names = line.split()
        layers += [(name, int(layer)) for name in names]
    return layers


def layer_of(name, layers):
    return next((layer for glob, layer in layers if fnmatch.fnmatch(name, glob)), None)


def resolve(path, target):
    """The file that an include names, or None."""
    for base in (path.parent, Path("include"), Path("src")):
        if (base / target).is_file():
            return Path(os.path.normpath(base / target))
    return None


def check_edge(path, number, to, layers, graph):
    here, there = module(path), module(to)
    if here == there:
        return
    if to.parts[0] == "src" and to.parent != Path("src"):
        problem(path, number, f"{to} is private to {to.parent}")
    if layer_of(there, layers) > layer_of(here, layers):
        problem(path, number, f"layer {layer_of(here, layers)} ({here}) uses "
                f"layer {layer_of(there, layers)} ({there})")
    graph.setdefault(here, {}).setdefault(there, f"{path}:{number}")


def check_layers(sources):
    layers = read_layers()
    known = {module(p) for p in sources if layer_of(module(p), layers) is not None}
    graph = {}
    for path in sources:
        if module(path) not in known:
            problem(path, 1, f"module '{module(path)}' has no layer in tests/lint/layers.txt")
            continue
        for number, line in enumerate(c_code(path), 1):
            include = INCLUDE.match(line)
            to = resolve(path, include.group(1)) if include else None
            if include and not to:
                problem(path, number, f'no such header: "{include.group(1)}"')
            elif to and module(to) in known:
                check_edge(path, number, to, layers, graph)
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        cycle = error.args[1][::-1]  # graphlib names predecessors; ours are what a module includes
        places = ", ".join(graph[a][b] for a, b in zip(cycle, cycle[1:]))
        problems.append(f"{graph[cycle[0]][cycle[1]]}: modules include each other: {' -> '.join(cycle)} ({places})")


def allowed(path, places):
    excluded = [p[1:] for p in places if p.startswith("!")]
    if excluded:
        return not any(fnmatch.fnmatch(path.as_posix(), glob) for glob in excluded)
    return any(fnmatch.fnmatch(path.as_posix(), glob) for glob in places)


def check_confinement(sources):
    rules = [[column.strip() for column in line.split(" | ")] for _, line in table("confined.txt")]
    for path in sources:
        for number, line in enumerate(c_code(path), 1):
            for pattern, places, reason in rules:
                found = re.search(pattern, line)
                if found and not allowed(path, places.split()):
                    problem(path, number, f"'{found.group().strip()}': {reason}")


def check_text(path):
    try:
        lines = path.read_text().splitlines()
    except UnicodeDecodeError:
        return  # data
    for number, line in enumerate(lines, 1):
        left = LEFT_OPEN.search(line)
        if left:
            problem(path, number, f"left open: {left.group()}")
    program = path.suffix in (".c", ".h", ".py", ".sh") or path.name == "Makefile" or lines[:1] and lines[0].startswith("#!")
    if program and not any("SPDX-License-Identifier: MIT" in line for line in lines[:3]):
        problem(path, 1, "no SPDX-License-Identifier line on top")
    if path.suffix == ".py":
        try:
            ast.parse("\n".join(lines))
        except SyntaxError as error:
            problem(path, error.lineno, f"Python does not parse: {error.msg}")


def main():
    sources = [p for p in files("include", "src") if p.suffix in (".c", ".h")]
    check_layers(sources)
    check_confinement(sources)
    for path in files("include", "src", "tests", ".ci", "systemd", "Makefile"):
        if not path.is_relative_to("tests/data"):
            check_text(path)
    print("".join(line + "\n" for line in problems), end="")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
