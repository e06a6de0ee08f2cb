# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""mxfs list --schemes prints the formats as they are matched."""

import json

import pytest


def rows(run):
    return json.loads(run("list", "--schemes", "--json").text)


def test_lines(run):
    """Each format is one line: name, decoded or refused, parts, output, quant_methods."""
    lines = run("list", "--schemes").text.splitlines()
    assert [line.split()[:2] for line in lines] == [[r["name"], "decoded" if r["decoded"] else "refused"] for r in rows(run)]
    (line,) = [line for line in lines if line.startswith("gptq-awq")]
    assert line.split(maxsplit=2)[2] == "X.qweight + X.qzeros + X.scales [+ X.g_idx] -> X.weight  (gptq,awq,auto-round)"
    (line,) = [line for line in lines if line.startswith("mxfp6-packed")]
    assert "X.weight_packed + X.weight_scale -> X.weight" in line
    assert any(line.split()[:2] == ["hqq", "refused"] and line.endswith("X.W_q") for line in lines)


def test_json(run):
    for row in rows(run):
        assert set(row) == ({"name", "decoded", "parts", "output", "writers", "quant_methods"} if row["decoded"] else {"name", "decoded", "parts", "reason"})
        assert all(row[key] for key in row if key not in ("decoded", "quant_methods")), row
    (fp8, parameter) = [row for row in rows(run) if row["name"] == "fp8"]
    assert "X.weight_scale_inv or X.weight_scale or " in fp8["parts"] and fp8["parts"].endswith("[+ X.pre_quant_scale]") and fp8["output"] == "X.weight"
    assert parameter["parts"].startswith("P + P_scale_inv or ") and parameter["output"] == "P"


def test_names_are_those_of_the_option(run):
    """--scheme accepts exactly the schemes that are listed as decoded."""
    names = {row["name"] for row in rows(run) if row["decoded"]}
    text = run("list", "--scheme=nonsense", "x").fails(2).err
    assert all(name in text for name in names)


@pytest.mark.parametrize("arguments", [["x"], ["--tree"], ["--hash"]])
def test_wrong_use(arguments, run):
    run("list", "--schemes", *arguments).fails(2, "mxfs:")


def test_stdout_full(run):
    with open("/dev/full", "w") as full:
        assert run("list", "--schemes", stdout=full).rc == 6
