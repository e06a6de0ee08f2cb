# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""config.json and the index: mxfs accepts exactly what Python's json module, which transformers uses, accepts.

The verdicts are Python's own, so none is written down here. Accepted files must also be edited correctly: apart from
the edit, Python reads the same from the exported files as from the source.
"""

import json

import pytest

import refmodels as models
import refrepo

VALUES = [
    # numbers
    "0", "-0", "1", "-12", "1.5", "-1.5e-5", "1e5", "1E+5", "0.0", "0e0", "01", "-01", "1.", "1.e5", ".5", "1e", "1e+", "+1", "-", "--1", "- 1", "0x10", "1_000",
    "NaN", "-NaN", "nan", "NaNo", "Infinity", "-Infinity", "infinity", "Inf", "-Inf", "Infinity1", "1e308", "1e309", "-1e999", "1e999999999999",
    "18446744073709551616", "-9223372036854775809", "9" * 400, "0." + "0" * 400 + "1e800",
    # words
    "true", "false", "null", "nul", "True", "None", "undefined", "truefalse", "null null",
    # strings
    '""', '"x"', '"\\""', '"\\\\"', '"\\/\\b\\f\\n\\r\\t"', '"\\u00e9"', '"\\ud83d\\ude00"', '"\\uD83D\\uDE00"', '"\\u0000"', '"\\q"', '"\\x41"', '"\\U0041"',
    '"\\u00g0"', '"\\u 0e9"', '"\\u+0e9"', '"\\u"', '"\\u00"', '"\\ud800"', '"\\udc00"', '"\\ud800x"', '"\\ud800\\n"', '"\\ud800\\u0041"', '"\\ud800\\ud800"',
    '"\\ud800\\ud83d\\ude00"', '"\\ude00\\ud83d"', '"\\ud800\\u00g0"', '"\\ud800\\u12"', '"\\ud800\\"', '"\\', '"a', "'a'", '"\t"', '"\n"', '"\0"', '"\x1f"', '"\x7f"', '"\x85\u2028"',
    # structure
    "[]", "{}", "[1,[2,[3]]]", '{"a":{"b":[{}]}}', "[1,]", "[,1]", "[,]", "[1 2]", "[1,,2]", '{"a":1,}', '{"a":1 "b":2}', '{"a"}', '{"a":}', "{,}", "{a:1}", "{1:2}",
    '{"\\u0000":1}', '{"\\ud800":1}', '{"a\\u0000":{"quantization_config":{}}}', "[}", "{]", "[", "{", "]", "}", "", "/**/1", "1//", "[1;2]", '{"a";1}', "\v1", "\u00a01", "\ufeff1",
    "[" * 500 + "]" * 500, '{"a":' * 500 + "1" + "}" * 500, " \t\r\n1 \t\r\n",
]  # fmt: skip

NAMES = ['"\\u0000"', '"\\ud800"', '"torch_dtype\\u0000"', '"x_config\\u0000"', '"\\udc00\\ud800"', '"weight_map\\u0000"', '"\\ud83d\\ude00"', '""', "null", '"a\nb"']

BYTES = [b"\xef\xbb\xbf{}", b"\xff\xfe{\0}\0", b'{"a":"\xff"}', b'{"a":"\xc0\x80"}', b'{"a":"\xed\xa0\x80"}', b'{"a":"\xf4\x90\x80\x80"}', b'{"a":"caf\xe9"}', b"{}\xff", b"{}\0", b"{} {}", b"{}x", b"[]", b'"a"', b"", b" "]


def read(text):
    """The object that Python reads; None if it refuses the text."""
    try:
        value = json.loads(text.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


@pytest.fixture
def check(run, place):
    """check(kind, text): compares mxfs's verdict on a "config" or "index" with Python's, and returns it."""
    sharded = refrepo.spread(models.compressed(), 2)
    folder, dest = sharded.write(place / "model"), place / "out"
    names = {"config": "config.json", "index": sharded.index_name}

    def go(kind, text):
        original = (folder / names[kind]).read_bytes()
        (folder / names[kind]).write_bytes(text)
        before, result = read(text), run("export", "--force", folder, dest)
        (folder / names[kind]).write_bytes(original)
        if before is None:
            result.fails(3, names[kind])
            return False
        assert result.rc == 0, result
        after = read((dest / names[kind]).read_bytes())
        if kind == "config":
            before.pop("quantization_config", None)
            before["torch_dtype"] = "bfloat16"
        else:
            before["weight_map"], before["metadata"] = after["weight_map"], after["metadata"]
        assert json.dumps(after) == json.dumps(before)
        return True

    go.base = {"config": (folder / "config.json").read_text(), "index": refrepo.dump(sharded.index())}
    return go


def all_of(check, kind, texts):
    accepted, count, wrong = 0, 0, []
    for text in texts:
        count += 1
        try:
            accepted += check(kind, text)
        except AssertionError as e:
            wrong.append(f"{text[:160]!r}: {str(e)[:400]}")
    assert not wrong, "\n\n".join(wrong)
    assert 0 < accepted < count, "both verdicts occur"


@pytest.mark.parametrize("kind", ["config", "index"])
def test_verdicts(check, kind):
    """A valid file with one more member."""
    members = [f'"x":{value}' for value in VALUES] + [f"{name}:1" for name in NAMES]
    all_of(check, kind, [check.base[kind].rstrip().removesuffix("}").rstrip().encode() + b"," + m.encode() + b"}" for m in members])


def test_whole_texts(check):
    all_of(check, "config", [*BYTES, b"{}", check.base["config"].encode() + b"\r\n"])


def test_place_of_an_error(run, place):
    """Errors name line and column, which counts characters."""
    models.quark().write(place / "model" / "model.safetensors")
    (place / "model" / "config.json").write_text('{\n  "a": 1,\n  "caf\u00e9": tru\n}\n')
    run("list", place / "model").fails(3, "config.json: line 3 column 11: expected a value")
