# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""list, cat, options and exit codes."""

import os
import re
import socket
import subprocess

import numpy as np
import pytest

import refmodels as models
import reftensor as rt
from helpers import Terminal, assert_file, assert_same, entry_of, listing

OPTIONS = ["--views", "--dtype", "--unsupported", "--cache-size", "--kernel", "--json", "--help", "--version", "-f", "-d", "-o"]


@pytest.fixture
def source(place):
    return models.gptoss_hf().write(place / "m.safetensors")


@pytest.fixture
def mnt(place):
    (place / "mnt").mkdir()
    yield place / "mnt"
    assert not os.path.ismount(place / "mnt")


class TestList:
    @pytest.mark.parametrize("name", models.MODELS)
    def test_json(self, name, run, place):
        model = models.MODELS[name]()
        source = model.write(place / "m.safetensors")
        listed = listing(run, source)
        expected = model.expected()
        assert set(listed) >= {"source", "bytes_in", "bytes_out", "tensors"}
        assert os.path.basename(listed["source"]) == "m.safetensors"
        assert sorted(t["name"] for t in listed["tensors"]) == sorted(expected)
        for t in listed["tensors"]:
            want = expected[t["name"]]
            assert (t["dtype"], tuple(t["shape"]), t["bytes"]) == (want.dtype, want.shape, len(want.data)), t
            if t["name"] in model.exact:
                assert t["scheme"] != "plain" and sorted(t["sources"]) == sorted(model.parts[t["name"]]), t
            else:
                assert t["scheme"] == "plain" and t["sources"] == [t["name"]], t

    def test_totals(self, run, place):
        model = models.compressed()
        source = model.write(place / "m.safetensors")
        listed = listing(run, source)
        assert listed["bytes_in"] in (source.stat().st_size, sum(len(t.data) for t in model.source.values()))
        assert listed["bytes_out"] in (len(model.expected_bytes()), sum(len(t.data) for t in model.expected().values()))

    @pytest.mark.parametrize("option", [[], ["--dtype=f32"]], ids=str)
    def test_offsets(self, option, run, mount, source):
        """`file` and `offset` locate a tensor's bytes in the mounted file; `view` names its own file."""
        expected = models.gptoss_hf().expected("F32" if option else "BF16")
        made = mount(source, *option)
        for t in listing(run, source, *option)["tensors"]:
            with open(made / t["file"], "rb") as f:
                f.seek(t["offset"])
                assert_same(f.read(t["bytes"]), expected[t["name"]].data, t["name"])
            assert_same((made / "tensors" / t["view"]).read_bytes(), expected[t["name"]].data, t["name"])

    def test_plain(self, run, place):
        source = place / "p.safetensors"
        rt.save(source, models.menagerie())
        assert {t["scheme"] for t in listing(run, source)["tensors"]} == {"plain"}

    def test_human(self, run, source):
        model = models.gptoss_hf()
        done = run("list", source)
        assert done.rc == 0 and not done.err
        lines = done.text.splitlines()
        for name, t in model.expected().items():
            about = [line for line in lines if name in re.split(r'[\s",]+', line)]
            assert any(t.dtype in line and all(str(n) in line for n in t.shape) for line in about), (name, done.text)
        assert any(re.search(r"total|in\b.*out|→|->", ln, re.I) for ln in lines), done.text

    def test_names_are_escaped(self, run, place):
        source = place / "m.safetensors"
        rt.save(source, {"evil\x1b[2J\nsecond line\x7f\x9b": rt.tensor(np.uint8([1]))})
        done = run("list", source)
        assert done.rc == 0
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\x80-\x9f]", done.text), done.text  # tabs separate the columns
        assert entry_of(listing(run, source), "evil\x1b[2J\nsecond line\x7f\x9b")["shape"] == [1]

    def test_unsupported_is_listed(self, run, place):
        """list reports tensors that cannot be dequantized, with reasons, and succeeds."""
        model = models.quark()
        model.plain("lost.experts.down_proj_blocks", rt.tensor(np.zeros((2, 1, 16), np.uint8)))
        source = model.write(place / "m.safetensors")
        done = run("list", source)
        assert done.rc == 0 and "lost.experts.down_proj_blocks" in done.text, done
        assert "lost.experts.down_proj_blocks" in run("list", "--json", source).text
        listing(run, source)

    def test_a_file_called_list(self, run, mount, place):
        model = models.quark()
        model.write(place / "list")
        assert {t["name"] for t in listing(run, place / "list")["tensors"]} == set(model.expected())
        done = run("list", "--json", "./list", cwd=place)
        assert done.rc == 0, done
        assert_same(mount("./list", cwd=place).file.read_bytes(), model.expected_bytes())

    @pytest.mark.parametrize("form", [[], ["--json"], ["--tree"], ["--hash"]], ids="".join)
    @pytest.mark.parametrize("count", [1, 1000])
    def test_closed_output(self, form, count, run, place):
        """The error is that of the write, whether or not the list fits into a buffer."""
        rt.save(place / "many.safetensors", {f"layers.{i}.weight": rt.tensor(np.uint8([i % 256])) for i in range(count)})
        with open("/dev/full", "wb") as full:
            run("list", *form, place / "many.safetensors", stdout=full).fails(6, "writing to stdout: No space left on device")


class TestCat:
    def test_bytes(self, run, source):
        model = models.gptoss_hf()
        for name, t in model.expected().items():
            done = run("cat", source, name)
            assert done.rc == 0 and not done.err, done
            assert_same(done.out, t.data, name)

    @pytest.mark.parametrize("dtype", ["bf16", "f16", "f32"])
    def test_dtype(self, dtype, run, place):
        model = models.quark()
        source = model.write(place / "m.safetensors")
        name = "model.layers.0.mlp.up_proj.weight"
        assert_same(run("cat", f"--dtype={dtype}", source, name).out, model.expected(dtype.upper())[name].data)

    def test_any_name(self, run, place):
        source = place / "m.safetensors"
        names = ["a\nb", "é/ü", "-x", "", "%2F", "n" * 5000]
        rt.save(source, {n: rt.tensor(np.uint8([i])) for i, n in enumerate(names)})
        for i, name in enumerate(names):
            args = ["cat", source, name] if not name.startswith("-") else ["cat", "--", source, name]
            assert run(*args).out == bytes([i]), name

    @pytest.mark.parametrize("name", ["nothing", "model.layers.0.mlp.experts.gate_up_proj_blocks", "evil\x1b[2J\nname", "x" * 5000])
    def test_unknown(self, name, run, source):
        done = run("cat", source, name).fails(6)
        assert done.out == b""
        assert name[:20].split("\x1b")[0] in done.err

    def test_terminal(self, mxfs_bin, source):
        """cat refuses to write to a terminal, which binary data would garble."""
        name = "model.embed_tokens.weight"
        status, text = Terminal(mxfs_bin, "cat", source, name).finish()
        assert status == 2 and "stdout is a terminal; redirect it" in text and text.count("\n") == 1
        assert Terminal(mxfs_bin, "cat", "--force", source, name).finish()[0] == 0

    def test_no_tensor_matches(self, run, source, place):
        (place / "mnt").mkdir()
        for command in (["cat", source, "x"], ["export", source, "-"], ["verify", source, source], [source, place / "mnt"]):
            run("--only=*.nowhere", *command).fails(6, str(source), "no tensor matches --only=*.nowhere")
        assert run("list", "--only=*.nowhere", source).text.splitlines()[-1].startswith("total: 0 tensors")

    def test_full_disk(self, run, source):
        with open("/dev/full", "wb") as full:
            run("cat", source, "model.embed_tokens.weight", stdout=full).fails(6)

    def test_reader_that_leaves(self, mxfs_bin, source):
        """`mxfs cat | head` ends quietly or with one line."""
        with subprocess.Popen(
            [mxfs_bin, "cat", source, "model.layers.0.mlp.experts.gate_up_proj"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as p:
            p.stdout.close()
            err = p.stderr.read()
            assert p.wait(30) in (-13, 6, 0) and err.count(b"\n") <= 1


class TestOptions:
    def test_help(self, run):
        done = run("--help")
        assert done.rc == 0 and not done.err
        assert max(map(len, done.text.splitlines())) < 80
        for word in OPTIONS:
            assert re.search(rf"(?<![\w-]){re.escape(word)}\b", done.text), word
        for code in range(7):
            assert re.search(rf"^\s*{code}\s+\S", done.text, re.M), f"exit code {code} is not documented"

    def test_version(self, run):
        done = run("--version")
        assert done.rc == 0 and not done.err
        assert re.match(r"mxfs \d+\.\d+\.\d+\n", done.text)

    @pytest.mark.parametrize(
        "option",
        [["--dtype=f32"], ["-o", "dtype=f32"], ["-odtype=f32"], ["-o", "dtype=f32,views=none"], ["-o", "views=none", "-o", "dtype=f32"],
         ["-o", "dtype=bf16", "--dtype=f32"], ["-o", "ro,dtype=f32"]],
        ids=" ".join,
    )  # fmt: skip
    def test_two_spellings(self, option, mount, place):
        model = models.quark()
        assert_file(mount(model.write(place / "m.safetensors"), *option).file, model.expected_bytes("F32"))

    @pytest.mark.parametrize("option", [["--cache-size=128M"], ["-o", "cache_size=128M"], ["-o", "cache-size=134217728"]], ids=" ".join)
    def test_dashes(self, option, mount, place):
        model = models.quark()
        assert_file(mount(model.write(place / "m.safetensors"), *option).file, model.expected_bytes())

    def test_options_after_the_operands(self, mount, place, mxfs_bin):
        """mount(8) calls its helpers with SOURCE MOUNTPOINT -o OPTIONS."""
        model = models.quark()
        source = model.write(place / "m.safetensors")
        script = f'exec "{mxfs_bin}" "$1" "$2" -o dtype=f32,ro'
        made = mount(source, command=["sh", "-c", script, "sh"])
        assert_file(made.file, model.expected_bytes("F32"))


WRONG_USE = {
    "nothing": [],
    "no-mountpoint": ["SOURCE"],
    "three-operands": ["SOURCE", "MNT", "MNT"],
    "unknown-option": ["--no-such-option", "SOURCE", "MNT"],
    "unknown-short": ["-Z", "SOURCE", "MNT"],
    "unknown-o": ["-o", "nonsense=1", "SOURCE", "MNT"],
    "dtype": ["--dtype=f64", "SOURCE", "MNT"],
    "dtype-empty": ["--dtype=", "SOURCE", "MNT"],
    "dtype-case": ["--dtype=BF17", "SOURCE", "MNT"],
    "unsupported": ["--unsupported=ignore", "SOURCE", "MNT"],
    "cache-word": ["--cache-size=lots", "SOURCE", "MNT"],
    "cache-negative": ["--cache-size=-1", "SOURCE", "MNT"],
    "cache-overflow": ["--cache-size=99999999999999999999G", "SOURCE", "MNT"],
    "cache-too-small": ["--cache-size=1", "SOURCE", "MNT"],
    "cache-tail": ["--cache-size=64MM", "SOURCE", "MNT"],
    "kernel": ["--kernel=mmx", "SOURCE", "MNT"],
    "control-characters": ["--dtype=\x1b[31m\nred", "SOURCE", "MNT"],
    "list-nothing": ["list"],
    "list-two": ["list", "SOURCE", "SOURCE"],
    "list-option": ["list", "--no-such-option", "SOURCE"],
    "cat-nothing": ["cat"],
    "cat-one": ["cat", "SOURCE"],
    "cat-three": ["cat", "SOURCE", "a", "b"],
}


class TestExitCodes:
    @pytest.mark.parametrize("case", WRONG_USE)
    def test_wrong_use(self, case, run, source, mnt):
        known = {"SOURCE": source, "MNT": mnt}
        done = run(*[known.get(a, a) for a in WRONG_USE[case]]).fails(2)
        assert done.out == b""

    @pytest.mark.parametrize(
        "data",
        [b"", b"\0" * 7, b"\xff" * 8, b"\x02\0\0\0\0\0\0\0{]", b"\x02\0\0\0\0\0\0\0[]", b"\x10\0\0\0\0\0\0\0{}", rt.compose({"a": rt.tensor(np.uint8([1]))}) + b"x"],
        ids=["empty", "short", "huge", "json", "list", "length", "tail"],
    )  # fmt: skip
    def test_malformed(self, data, run, place, mnt):
        source = place / "bad.safetensors"
        source.write_bytes(data)
        run(source, mnt).fails(3, "bad.safetensors")
        run("list", source).fails(3, "bad.safetensors")
        run("cat", source, "a").fails(3, "bad.safetensors")

    def test_malformed_names_the_tensor(self, run, place, mnt):
        source = place / "bad.safetensors"
        data = rt.compose({"first": rt.tensor(np.uint8([1, 2])), "culprit\x1b": rt.tensor(np.uint8([3]))}, align=1)
        source.write_bytes(data.replace(b"[2,3]", b"[1,2]"))
        run(source, mnt).fails(3, "bad.safetensors", "culprit")

    def test_no_source(self, run, place, mnt):
        for name in ("gone.safetensors", "m.safetensors/x", "evil\x1b[31m\nname.safetensors"):
            shown = name.split("\x1b")[0]
            run(place / name, mnt).fails(5, shown)
            run("list", place / name).fails(5, shown)
            run("cat", place / name, "t").fails(5, shown)

    def test_long_source_name(self, run, mnt):
        run("/" + "x" * 5000, mnt).fails(5)

    def test_symlink_loop(self, run, place, mnt):
        (place / "loop.safetensors").symlink_to("loop.safetensors")
        run(place / "loop.safetensors", mnt).fails(5, "loop.safetensors")

    def test_special_files(self, run, place, mnt):
        """A FIFO without a writer, a socket and a device are refused without waiting."""
        os.mkfifo(place / "fifo")
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(str(place / "socket"))
            for path in (place / "fifo", place / "socket", "/dev/null", "/dev/zero"):
                run(path, mnt, timeout=20).fails(5, os.path.basename(path))
                run("list", path, timeout=20).fails(5, os.path.basename(path))

    def test_unreadable_source(self, as_user):
        done = as_user('mkdir mnt; touch s; chmod 0 s; mxfs s mnt && exit 9; echo "rc=$?"')
        assert done.returncode == 0 and "rc=5\n" in done.stdout, done
        assert done.stderr.count("\n") == 1 and "Permission denied" in done.stderr, done

    def test_no_mountpoint(self, run, place, source):
        run(source, place / "nowhere").fails(6, "nowhere")

    def test_mountpoint_is_a_file(self, run, place, source):
        (place / "file").write_bytes(b"")
        run(source, place / "file").fails(6, "file")

    @pytest.mark.parametrize("option", [[], ["-f"]], ids=["background", "foreground"])
    def test_mountpoint_not_ours(self, option, as_user):
        """An ordinary user may not mount on a directory of root."""
        done = as_user(f"""
            python3 -c 'import struct; open("s","wb").write(struct.pack("<Q",8)+b"{{}}      ")'
            mxfs {" ".join(option)} s / && exit 9; echo "rc=$?"
        """)
        assert "rc=6\n" in done.stdout, done

    def test_the_first_error_wins(self, run, place):
        """A missing source and a missing mountpoint: one line."""
        done = run(place / "gone", place / "nowhere")
        assert done.rc in (5, 6) and len(done.lines) == 1, done
