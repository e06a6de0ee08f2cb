# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""Odd and malformed headers: mxfs accepts exactly the files that the reference library accepts.

Each case is a whole file. The verdict is the library's own, so none is written down here. mxfs
deliberately refuses a few files that the library accepts but no writer makes (REFUSED_ON_PURPOSE).
"""

import json
import os
import random
import resource
import subprocess
import time

import pytest
from safetensors import SafetensorError, deserialize, safe_open

BITS = dict(
    BOOL=8, F4=4, F6_E2M3=6, F6_E3M2=6, U8=8, I8=8, F8_E5M2=8, F8_E4M3=8, F8_E8M0=8, F8_E4M3FNUZ=8, F8_E5M2FNUZ=8,
    I16=16, U16=16, F16=16, BF16=16, I32=32, U32=32, F32=32, C64=64, F64=64, I64=64, U64=64,
)  # fmt: skip
MAX = 2**64 - 1


def whole(header, data=b"", n=None):
    """A file: length prefix (n, if it should be wrong), header, data (bytes or a number of zeros)."""
    header = header.encode() if isinstance(header, str) else header
    data = bytes(data) if isinstance(data, int) else data
    return (len(header) if n is None else n).to_bytes(8, "little") + header + data


def entry(dtype='"U8"', shape="[4]", offsets="[0,4]", extra=""):
    return f'{{"dtype":{dtype},"shape":{shape},"data_offsets":{offsets}{extra}}}'


def one(*args, name='"a"', before="", after="", data=4, **kwargs):
    """A file of one tensor, by default four bytes of U8."""
    return whole(f"{{{before}{name}:{entry(*args, **kwargs)}{after}}}", data)


def several(data, *tensors):
    """A file of tensors (name, dtype, shape, begin, end)."""
    header = {name: {"dtype": d, "shape": s, "data_offsets": [b, e]} for name, d, s, b, e in tensors}
    return whole(json.dumps(header), data)


def sizes():
    good = one()
    yield "empty-file", b""
    for size in (1, 7, 8, 9, len(good) - 5, len(good) - 4, len(good) - 1):
        yield f"cut-to-{size}", good[:size]
    yield "one-trailing-byte", good + b"\0"
    yield "trailing-page", good + bytes(4096)
    yield "n-zero", whole("", 0)
    yield "n-zero-and-data", whole("", 8)
    for n in (1, 2, 3, 100_000_000, 100_000_001, 2**31, 2**32 + 2, 2**63, MAX - 8, MAX - 7, MAX):
        yield f"n-{n}", whole("{}", 0, n)
    yield "no-tensors", whole("{}")
    yield "no-tensors-but-data", whole("{}", 1)
    yield "only-a-prefix-of-spaces", b" " * 16


def white_space():
    for name, space in dict(space=" ", tab="\t", cr="\r", lf="\n", mixed=" \t\r\n ").items():
        yield f"leading-{name}", whole(space + "{}")
        yield f"trailing-{name}", whole("{}" + space)
    inside = '{ "a"\t:\n{ "dtype" : "U8" , "shape" : [ 4 ] ,"data_offsets"\r:[ 0 , 4 ] } }'
    yield "inside", whole(inside, 4)
    for code in (0, 0x0B, 0x0C, 0x1F, ord("x"), ord("}"), ord(","), 0x85, 0xA0, 0xFEFF, 0x2028):
        yield f"leading-{code:04x}", whole(chr(code) + "{}")
        yield f"trailing-{code:04x}", whole("{}" + chr(code))


def utf8():
    raw = dict(
        two=b"\xc3\xa9", three=b"\xe2\x82\xac", four=b"\xf0\x9f\x98\x80", last=b"\xf4\x8f\xbf\xbf", noncharacter=b"\xef\xbf\xbf",
        before_surrogates=b"\xed\x9f\xbf", after_surrogates=b"\xee\x80\x80", stray_tail=b"\x80", lone_lead=b"\xc3",
        overlong_two=b"\xc0\xaf", overlong_two_c1=b"\xc1\xbf", overlong_three=b"\xe0\x9f\xbf", overlong_four=b"\xf0\x8f\xbf\xbf",
        surrogate=b"\xed\xa0\x80", surrogate_pair=b"\xed\xa0\xbd\xed\xb8\x80", too_large=b"\xf4\x90\x80\x80", f5=b"\xf5\x80\x80\x80",
        five=b"\xf8\x88\x80\x80\x80", ff=b"\xff", fe=b"\xfe", cut_three=b"\xe2\x82", cut_four=b"\xf0\x9f\x98", latin1=b"caf\xe9",
    )  # fmt: skip
    for name, text in raw.items():
        header = b'{"' + text + b'":' + entry().encode() + b"}"
        yield f"{name.replace('_', '-')}", whole(header, 4)
    yield "in-metadata", whole(b'{"__metadata__":{"a":"\xff"}}')
    yield "cut-at-the-end", whole(b"{}\xe2\x82")


def text():
    names = dict(
        empty="", nul=r"\u0000", controls=r"\u0001\b\f\n\r\t", quotes=r"\"\\\/", accent=r"\u00e9", pair=r"\ud83d\ude00",
        pair_upper=r"\uD83D\uDE00", last_pair=r"\udbff\udfff", bmp_end=r"\uffff", delete="\x7f", c1="\x85", separator="\u2028",
        lone_lead=r"\ud83d", lone_tail=r"\ude00", two_leads=r"\ud83d\ud83d", lead_and_text=r"\ud83dx", lead_and_n=r"\ud83d\n", reversed=r"\ude00\ud83d",
        cut_hex=r"\u00", bad_hex=r"\u00g0", plus_hex=r"\u+0e9", no_hex=r"\u", unknown_escape=r"\x41", escaped_a=r"\a", upper_u=r"\U0041",
        raw_nul="\0", raw_newline="\n", raw_tab="\t", raw_1f="\x1f", single_quotes="'", long="n" * 70_000, long_escapes=r"\u00e9" * 20_000,
        slash="../../etc/passwd", dot=".", dotdot="..", bidi="\u202eabc", terminal=r"\u001b[31m",
    )  # fmt: skip
    for name, value in names.items():
        yield f"{name.replace('_', '-')}", one(name=f'"{value}"')
        yield f"{name.replace('_', '-')}-in-metadata", whole(f'{{"__metadata__":{{"{value}":"{value}"}}}}')
        yield f"{name.replace('_', '-')}-ignored", one(extra=f',"x":"{value}"')


def syntax():
    texts = [
        "", " ", "{", "}", "[]", "null", "true", "0", '"a"', "{}{}", "{},", "{,}", "{]", '{"a"}', '{"a":}', '{"a":1}', '{"a":null}', '{"a":[]}',
        '{"a":{}}', '{"a":"U8"}', "{a:1}", "{'a':1}", "{1:2}", "// c\n{}", "{}//", "/**/{}", "\ufeff{}", "NaN", "{null:1}", '{"a":{"dtype":"U8"',
        '{"a":', '{"a', '{"__metadata__":', '{"__metadata__":{"a"', '{"__metadata__":{"a":"b"', '{"__metadata__":{"a":"b",}}',
    ]  # fmt: skip
    for number, value in enumerate(texts):
        yield f"{number}", whole(value)
    yield "nothing-wrong", one()
    yield "trailing-comma-in-header", one(after=",")
    yield "trailing-comma-in-entry", one(extra=",")
    yield "trailing-comma-in-shape", one(shape="[4,]")
    yield "leading-comma-in-shape", one(shape="[,4]")
    yield "two-commas", one(shape="[2,,2]")
    yield "missing-comma", one(extra=' "x":1')
    yield "missing-colon", whole('{"a" ' + entry() + "}", 4)
    yield "unclosed-shape", one(shape="[4")
    yield "wrong-bracket", one(shape="[4}")


def fields():
    d, s, o = '"dtype":"U8"', '"shape":[4]', '"data_offsets":[0,4]'
    for order in ((o, s, d), (s, o, d), (o, d, s)):
        yield "order-" + order[0][1:3] + order[1][1:3], whole('{"a":{' + ",".join(order) + "}}", 4)
    for name, kept in dict(dtype=(s, o), shape=(d, o), offsets=(d, s), all=()).items():
        yield f"without-{name}", whole('{"a":{' + ",".join(kept) + "}}", 4)
    for twice in (d, s, o):
        yield f"twice-{twice[1:4]}", whole('{"a":{' + ",".join((d, s, o, twice)) + "}}", 4)
    yield "unknown-twice", one(extra=',"x":1,"x":2')
    yield "escaped-field-name", whole(r'{"a":{"\u0064type":"U8","sh\u0061pe":[4],"data_offsets":[0,4]}}', 4)
    yield "field-name-case", whole('{"a":{"Dtype":"U8","shape":[4],"data_offsets":[0,4]}}', 4)
    for value in ("1", "null", "[]", "{}", "true", '"4"', '["4"]', "[null]", "[[4]]", "[true]", "[]", "4"):
        yield f"shape-{value}", one(shape=value)
    for value in ("[]", "[0]", "[0,4,4]", "[4]", "4", "null", "{}", '"0,4"', '["0","4"]', "[null,4]", "[[0],[4]]", "[0,4,]", "[0 4]"):
        yield f"offsets-{value}", one(offsets=value)
    for value in ("null", "0", "4", "[]", '["U8"]', "{}", "true", '""', '"u8"', '"U8 "', '" U8"', '"UINT8"', '"F8"', '"F8_E8M1"', r'"U8\u0000"', r'"U\u0038"'):
        yield f"dtype-{value}", one(dtype=value)
    yield "long-dtype", one(dtype='"' + "U8" * 5000 + '"')


def ignored():
    values = [
        "null", "true", "false", "nul", "True", "nulll", "0", "-0", "-1", "1.5", "-1.5e-5", "1e5", "1E+5", "01", "-01", "1.", ".5", "1e", "1e+", "+1",
        "-", "- 1", "0x10", "1_000", "NaN", "Infinity", "-Infinity", "1e308", "1e309", "-1e309", "1.7976931348623157e308", "1.8e308", "18e307",
        "0.00018e312", "179769313486231570e291", "18446744073709551615", "18446744073709551616", "-9223372036854775809", "9" * 308, "9" * 309,
        "9" * 310, "1" + "0" * 308, "1" + "0" * 309, "0e999999999999", "1e999999999999", "1e-999999999999", "0.0e400", "0." + "0" * 400 + "1e700",
        "0." + "0" * 400 + "1e800", '"x"', '"\\ud800"', '"\\q"', "[1,[2,[3]]]", '{"a":{"b":[{}]}}', "[1,]", '{"a":1,}', "[1 2]", "{1:2}", "[}", "{]", "[",
    ]  # fmt: skip
    for number, value in enumerate(values):
        yield f"{number}-{value[:24]}", one(extra=f',"x":{value}')


def depth():
    for levels in (1, 2, 100, 120, *range(123, 131), 200, 5000, 200_000):
        yield f"arrays-{levels}", one(extra=',"x":' + "[" * levels + "]" * levels)
        yield f"objects-{levels}", one(extra=',"x":' + '{"k":' * levels + "0" + "}" * levels)
        yield f"at-top-{levels}", whole('{"x":' + "[" * levels + "]" * levels + "}")
        yield f"open-{levels}", whole("[" * levels)
        yield f"shape-{levels}", one(shape="[" * levels + "4" + "]" * levels)
    yield "siblings", one(extra=',"x":[' + ",".join(["[[]]"] * 5000) + "]")


def numbers():
    for value in ("4.0", "4e0", "4E0", "40e-1", "04", "004", "+4", "-4", "-0", "0x4", "4 ", " 4", "4a", "4.", str(2**63), str(MAX), str(MAX + 1), "9" * 40, "1e400"):
        yield f"dim-{value}", one(shape=f"[{value}]")
        yield f"end-{value}", one(offsets=f"[0,{value}]")
        yield f"begin-{value}", one(offsets=f"[{value},4]")
    yield "begin-minus-zero", one(offsets="[-0,4]")
    yield "begin-00", one(offsets="[00,4]")


def overflow():
    shapes = [
        [MAX], [MAX, 2], [MAX, 2, 0], [0, MAX, 2], [2, MAX, 0], [0, MAX, MAX], [MAX, 0, MAX], [2**32, 2**32], [2**32, 2**32, 0], [2**63, 2],
        [2**61], [2**60], [2**62, 4], [2**63], [MAX // 8], [MAX // 8 + 1], [0, 0], [0], [], [1], [1] * 50, [1] * 5000, [2**16] * 4,
    ]  # fmt: skip
    for dtype in ("U8", "F4", "F64"):
        for number, shape in enumerate(shapes):
            product = 1
            for dim in shape:
                product *= dim
            end = product * BITS[dtype] // 8
            data = end if end < 100 else 0
            yield f"{dtype}-{number}", several(data, ("a", dtype, shape, 0, min(end, MAX)))
            yield f"{dtype}-{number}-no-data", several(0, ("a", dtype, shape, 0, 0))
    yield "end-near-the-top", several(8, ("a", "U8", [MAX - 8], 8, MAX), ("b", "U8", [8], 0, 8))
    yield "file-size-wraps", several(8, ("a", "U8", [8], 0, 8), ("b", "U8", [MAX - 7], 8, MAX + 1 - 8 + 8 - 1))


def offsets():
    pairs = {
        "adjacent": (8, (0, 4), (4, 8)), "reversed-order": (8, (4, 8), (0, 4)), "hole-first": (8, (4, 8)), "hole": (9, (0, 4), (5, 9)),
        "overlap": (7, (0, 4), (3, 7)), "same": (4, (0, 4), (0, 4)), "contained": (4, (0, 4), (1, 3)), "backwards": (4, (4, 0)),
        "hole-last": (9, (0, 4)), "short": (3, (0, 4)), "beyond": (4, (0, 4), (4, 8)), "empty-at-end": (4, (0, 4), (4, 4)), "empty-first": (4, (0, 0), (0, 4)),
        "empty-between": (8, (0, 4), (4, 4), (4, 8)), "empty-inside": (8, (0, 8), (4, 4)), "empties": (0, (0, 0), (0, 0), (0, 0)),
        "empty-beyond": (4, (0, 4), (5, 5)), "empty-not-at-0": (0, (1, 1)), "empty-listed-late": (8, (4, 8), (0, 4), (0, 0), (8, 8), (4, 4)),
    }  # fmt: skip
    for name, (data, *ranges) in pairs.items():
        yield name, several(data, *((f"t{i}", "U8", [abs(e - b)], b, e) for i, (b, e) in enumerate(ranges)))
    yield "size-differs", several(5, ("x", "U8", [4], 0, 5))
    yield "scalar", several(4, ("x", "F32", [], 0, 4))
    yield "scalar-of-two", several(8, ("x", "F32", [], 0, 8))
    many = [(f"t{i}", "U8", [i % 3], sum(k % 3 for k in range(i)), sum(k % 3 for k in range(i + 1))) for i in range(200)]
    random.Random(3).shuffle(many)
    yield "shuffled", several(199, *many)
    yield "shuffled-and-one-off", several(199, *many[:-1])


def dtypes():
    for dtype, bits in BITS.items():
        for elements in (0, 1, 2, 3, 4, 5, 8):
            size = elements * bits // 8
            yield f"{dtype}-{elements}", several(size, ("a", dtype, [elements], 0, size))
        size = 3 * 4 * bits // 8
        yield f"{dtype}-odd-rows", several(size, ("a", dtype, [4, 3], 0, size))
        yield f"{dtype}-one-byte-more", several(size + 1, ("a", dtype, [4, 3], 0, size + 1))
    yield "sub-byte-neighbours", several(5, ("a", "F4", [2], 0, 1), ("b", "F6_E2M3", [4], 1, 4), ("c", "F4", [1, 2], 4, 5))
    for name in ("F4_E2M1", "FP4", "I4", "U4", "F8_E4M3FN", "E8M0", "C32", "C128", "F128", "BOOLEAN", "bf16", "MXFP4"):
        yield f"unknown-{name}", one(dtype=f'"{name}"')


def metadata():
    values = [
        "null", "{}", '{"format":"pt"}', '{"a":"b","c":"d"}', '{"a":""}', '{"":""}', '{"a":1}', '{"a":null}', '{"a":[]}', '{"a":{}}', '{"a":true}',
        "[]", '""', "1", "true", "[[]]", '{"a":"b","a":"c"}', '{"a"}', "nul", "{1:2}", '{"a":"\\ud800"}', '{"a":"b" "c":"d"}',
    ]  # fmt: skip
    for number, value in enumerate(values):
        yield f"{number}-first", one(before=f'"__metadata__":{value},')
        yield f"{number}-last", one(after=f',"__metadata__":{value}')
    for a in ("null", "{}", '{"a":"b"}'):
        yield f"twice-{a}", one(before=f'"__metadata__":{a},', after=',"__metadata__":{"a":"b"}')
        yield f"twice-null-{a}", one(before=f'"__metadata__":null,"__metadata__":{a},')
    yield "escaped-name", one(before=r'"\u005f_metadata__":{"a":"b"},')
    yield "escaped-name-wrong", one(before=r'"\u005f_metadata__":{"a":1},')
    yield "as-a-tensor", one(name='"__metadata__"')
    yield "similar-names", several(8, ("__metadata", "U8", [4], 0, 4), ("__METADATA__", "U8", [4], 4, 8))
    yield "many", whole(json.dumps({"__metadata__": {f"k{i}": f"v{i}" for i in range(5000)}}))


def duplicates():
    yield "then-adjacent", whole('{"a":' + entry() + ',"a":' + entry(offsets="[4,8]") + "}", 8)
    yield "one-of-three", whole('{"a":' + entry() + ',"b":' + entry(offsets="[4,8]") + ',"a":' + entry(offsets="[8,12]") + "}", 12)
    yield "similar", several(12, ("a", "U8", [4], 0, 4), ("A", "U8", [4], 4, 8), ("a\0", "U8", [4], 8, 12))


GROUPS = [sizes, white_space, utf8, text, syntax, fields, ignored, depth, numbers, overflow, offsets, dtypes, metadata, duplicates]

# The library accepts these, mxfs refuses them with a reason. No known writer makes them.
REFUSED_ON_PURPOSE = {
    "array-entry": (whole('{"a":["U8",[4],[0,4]]}', 4), "expected '{'"),
    "object-dtype": (one(dtype='{"U8":null}'), "expected a string"),
    "duplicate-equal": (whole('{"a":' + entry() + ',"a":' + entry() + "}", 4), "duplicate name"),
    "duplicate-last-wins": (whole('{"a":' + entry(shape="[2]", offsets="[0,2]") + ',"a":' + entry() + "}", 4), "duplicate name"),
    "duplicate-escaped": (whole('{"a":' + entry() + r',"\u0061":' + entry() + "}", 4), "duplicate name"),
}  # fmt: skip


def library(path):
    """{name: (dtype, shape)} as the library reads it, or None if it refuses the file."""
    try:
        with safe_open(path, framework="np") as f:
            opened = {name: (f.get_slice(name).get_dtype(), f.get_slice(name).get_shape()) for name in f.keys()}
    except (SafetensorError, OSError, ValueError):  # ValueError, OSError: an empty file cannot be mapped
        opened = None
    if os.path.getsize(path) < 2**24:  # the library's other entry point, which needs the file in memory
        try:
            parsed = {name: (info["dtype"], list(info["shape"])) for name, info in deserialize(path.read_bytes())}
        except SafetensorError:
            parsed = None
        assert (opened is None) == (parsed is None)
        assert opened is None or sorted(opened) == sorted(parsed)
    return opened


def check(run, path):
    """Compares verdicts and, for accepted files, their contents; returns the library's verdict."""
    expected = library(path)
    result = run("list", "--json", path)
    if expected is None:
        result.fails(3, path.name)
        return False
    assert result.rc == 0, result
    assert result.err == "", result
    seen = {t["name"]: (t["dtype"], t["shape"]) for t in json.loads(result.out)["tensors"]}
    if any(dim >= 2**63 for _, shape in expected.values() for dim in shape):
        return True  # only an empty tensor can have such a dimension, and --json has 63 bits
    assert seen == {name: (dtype, list(shape)) for name, (dtype, shape) in expected.items()}
    return True


@pytest.mark.parametrize("group", GROUPS, ids=lambda g: g.__name__)
def test_verdicts(run, place, group):
    """Every case of the group gets the library's verdict."""
    accepted, count, wrong = 0, 0, []
    for name, content in group():
        path = place / f"case-{count}.safetensors"
        path.write_bytes(content)
        count += 1
        try:
            accepted += check(run, path)
        except AssertionError as e:
            wrong.append(f"{group.__name__}/{name}: {content[:160]!r}: {str(e)[:400]}")
        path.unlink()
    assert not wrong, "\n\n".join(wrong)
    assert 0 < accepted < count, "a group holds both verdicts"


@pytest.mark.parametrize("name", REFUSED_ON_PURPOSE)
def test_refused_on_purpose(run, place, name):
    content, reason = REFUSED_ON_PURPOSE[name]
    path = place / "exotic.safetensors"
    path.write_bytes(content)
    assert library(path) is not None, "the library refuses it now: move it to the groups above"
    run("list", path).fails(3, "exotic.safetensors", 'tensor "a"', reason)


def test_mutations(run, place):
    """A valid file with one or two bytes changed, removed, doubled or moved."""
    rng = random.Random(20)
    base = whole('{"__metadata__":{"k":"v"},"a":' + entry() + ',"\u00e9\\n":' + entry('"F4"', "[2,4]", "[4,8]") + "} ", 8)
    alphabet = b'{}[]",:\\0123456789-.eE+ untf\x00\x1f\x7f\x80\xc3\xff'
    accepted, wrong = 0, []
    for number in range(400):
        content = bytearray(base)
        for _ in range(rng.choice((1, 1, 1, 2))):
            at = rng.randrange(8, len(content))
            how = rng.randrange(4)
            if how == 0:
                content[at] = rng.choice(alphabet)
            elif how == 1:
                del content[at]
            elif how == 2:
                content.insert(at, rng.choice(alphabet))
            else:
                other = rng.randrange(8, len(content))
                content[at], content[other] = content[other], content[at]
        if rng.random() < 0.8:  # keep the length prefix correct, so that the text decides
            content[:8] = (len(content) - 16).to_bytes(8, "little")
        path = place / f"mutant-{number}.safetensors"
        path.write_bytes(content)
        try:
            accepted += check(run, path)
        except AssertionError as e:
            wrong.append(f"{bytes(content)!r}: {str(e)[:400]}")
        path.unlink()
    assert not wrong, "\n\n".join(wrong)
    assert accepted > 0


@pytest.mark.parametrize("size", [99_999_999, 100_000_000, 100_000_001])
def test_largest_header(run, place, size):
    """Header sizes around the library's limit; spaces fill the header."""
    path = place / "large.safetensors"
    with path.open("wb") as f:
        f.write(size.to_bytes(8, "little") + b"{}")
        f.write(b" " * (size - 2))
    assert check(run, path) == (size <= 100_000_000)


def test_offsets_beyond_32_bits(run, place):
    """A sparse file with tensors beyond 4 GiB is accepted; with one byte less it is refused."""
    path = place / "sparse.safetensors"
    far = 5 * 2**30
    content = several(0, ("a", "U8", [far], 0, far), ("b", "F32", [2], far, far + 8))
    path.write_bytes(content)
    os.truncate(path, len(content) + far + 8)
    assert check(run, path)
    os.truncate(path, len(content) + far + 7)
    assert not check(run, path)


MESSAGES = {
    "size": (several(5, ("x", "U8", [4], 0, 5)), 'tensor "x": data_offsets [0,5] do not match dtype U8 and shape [4] (4 bytes)'),
    "dtype": (one(dtype='"FP4"'), 'tensor "a": unknown dtype "FP4"'),
    "missing": (whole('{"a":{"dtype":"U8","shape":[4]}}', 4), 'tensor "a": data_offsets is missing'),
    "twice": (one(extra=',"shape":[4]'), 'tensor "a": duplicate shape'),
    "misaligned": (several(2, ("a", "F4", [3], 0, 2)), 'tensor "a": 3 elements of F4 (4 bits) do not fill whole bytes'),
    "overflow": (several(0, ("a", "U8", [MAX, 2], 0, 0)), 'tensor "a": its size does not fit in 64 bits'),
    "backwards": (several(4, ("a", "U8", [4], 4, 0)), 'tensor "a": data_offsets [4,0] run backwards'),
    "hole": (several(9, ("a", "U8", [4], 0, 4), ("b", "U8", [4], 5, 9)), 'tensor "b": its data begins at 5, after a gap'),
    "overlap": (several(7, ("a", "U8", [4], 0, 4), ("b", "U8", [4], 3, 7)), 'tensor "b": its data begins at 3, overlapping'),
    "truncated": (several(4, ("a", "U8", [4], 0, 4))[:-1], 'tensor "a": data_offsets [0,4] exceed the 3 bytes of data'),
    "trailing": (several(5, ("a", "U8", [4], 0, 4)), "the tensors end at 4, but there are 5 bytes of data"),
    "json": (whole('{"a":{"dtype" "U8"}}'), "expected ':' at byte 22"),
    "utf8": (whole(b'{"\xff":1}'), "not UTF-8 at byte 10"),
    "tiny": (b"1234567", "the file has 7 bytes, too few for a header"),
    "huge": (whole("{}", 0, 10**8 + 1), "over the limit of 100000000"),
    "lie": (whole("{}", 0, 3), "its length is 3 bytes, but only 2 follow in the file"),
    "control": (one(name=r'"a\n\u001b[31m\u0085"', dtype="0"), r'tensor "a\x0a\x1b[31m\xc2\x85": expected a string'),
    "long": (one(name='"' + "n" * 70_000 + 'end"', dtype="0"), '...'),
}  # fmt: skip


@pytest.mark.parametrize("name", MESSAGES)
def test_message(run, place, name):
    """The message is one line: file, tensor if there is one, reason, position of a syntax error."""
    content, reason = MESSAGES[name]
    path = place / f"{name}.safetensors"
    path.write_bytes(content)
    result = run("list", path).fails(3, f"{path}: malformed header: ", reason)
    assert len(result.err) < 1100


def test_enough_cases():
    """No group has lost its cases: an empty one would pass."""
    assert sum(1 for group in GROUPS for _ in group()) >= 100


JUNK = {
    "open string": b'{"' + b"a" * 10**8,
    "nested arrays": b'{"a":' + b"[" * 10**8,
    "a name": b'{"' + b"a" * (10**8 - 100) + b'":{"dtype":"U7","shape":[],"data_offsets":[0,0]}}',
    "metadata": b'{"__metadata__":{' + b'"k":"v",' * 12_000_000 + b"]",
    "a long shape": b'{"a":{"dtype":"U8","shape":[' + b"1," * 49_000_000 + b"x]}}",
    "not text": bytes(range(128, 256)) * 780_000,
}


@pytest.mark.parametrize("name", JUNK)
def test_junk_costs_no_memory(mxfs_bin, sanitized, place, name):
    """Refusing a 100 MB header takes less than 200 MB of memory, including the header's text. Prints the time."""
    if sanitized:
        pytest.skip("a sanitizer reserves more")
    path, text = place / "junk.safetensors", JUNK[name][: 10**8]
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    limit = lambda: resource.setrlimit(resource.RLIMIT_AS, (200 * 10**6, 200 * 10**6))
    started = time.monotonic()
    done = subprocess.run([mxfs_bin, "list", path], capture_output=True, text=True, check=False, preexec_fn=limit)
    print(f"{name}: {time.monotonic() - started:.2f} s")
    assert done.returncode == 3 and "junk.safetensors" in done.stderr and done.stderr.count("\n") == 1, done
