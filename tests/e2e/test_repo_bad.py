# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""Defective folders give one line and the documented exit code, and nothing is mounted."""

import json
import os
import subprocess

import pytest

import refmodels as models
import refrepo
import reftensor as rt
from helpers import assert_file, assert_no_mount, listing


@pytest.fixture
def sharded():
    return refrepo.spread(models.compressed(), 4)


@pytest.fixture
def refuse(run, place):
    """refuse(folder, code, *fragments): checks that a mount fails with one line."""
    mnt = place / "mnt"
    mnt.mkdir()

    def go(folder, code, *fragments, options=()):
        done = run(*options, folder, mnt)
        assert_no_mount(done, mnt, code, *fragments)
        assert len(done.lines) == 1, done

    yield go
    if os.path.ismount(mnt):
        subprocess.run(["fusermount3", "-u", mnt], check=True)


class TestIndexEntries:
    @pytest.mark.parametrize(
        "entry", ["../../etc/passwd", "/etc/passwd", "..", ".", "", "../model/model-00001-of-00004.safetensors", "sub/x.safetensors", "a\0b", 3, None, ["x"]]
    )
    def test_hostile(self, entry, refuse, run, sharded, place):
        """An entry that would lead out of the folder is named, with its tensor, and exits with 3."""
        index = sharded.index()
        index["weight_map"]["evil.tensor"] = entry
        folder = sharded.write(place / "model", index=refrepo.dump(index))
        refuse(folder, 3, "evil.tensor", sharded.index_name, *([entry] if isinstance(entry, str) and entry and "\0" not in entry else []))
        run("list", folder).fails(3, "evil.tensor")

    @pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"weight_map": []}', '{"weight_map": {"a": "b"} x', "\x00", '{"weight_map": {"a": "b"}}}'])
    def test_broken(self, text, refuse, sharded, place):
        refuse(sharded.write(place / "model", index=text or " "), 3, sharded.index_name)

    def test_control_characters(self, refuse, sharded, place):
        index = sharded.index()
        index["weight_map"]["evil\x1b[2J\n"] = "/\x1b[2J\n"
        refuse(sharded.write(place / "model", index=refrepo.dump(index)), 3, "evil")


class TestIncomplete:
    def test_refused(self, refuse, sharded, place):
        """The message says how many of how many shards are missing, and which is first."""
        files = list(sharded.files)
        folder = sharded.write(place / "model", skip=files[1:3])
        refuse(folder, 5, f"download incomplete: 2 of 4 shards missing, first {files[1]}")

    def test_by_the_numbers(self, refuse, place):
        """3 of 96 are missing; the message names the first by name, not the first in the index."""
        model = models.Model()
        for i in range(96):
            model.plain(f"t{95 - i:02}", models.bf16(i, 4))
        sharded = refrepo.spread(model, 96)
        gone = [refrepo.names(96)[i] for i in (70, 20, 95)]
        refuse(sharded.write(place / "model", skip=gone), 5, f"download incomplete: 3 of 96 shards missing, first {gone[1]}")

    def test_list(self, run, sharded, place):
        folder = sharded.write(place / "model", skip=list(sharded.files)[1:3])
        done = run("list", folder)
        assert done.rc == 0 and f"2 of 4 shards missing, first {list(sharded.files)[1]}" in done.text, done
        assert run("list", "--json", folder).rc == 0

    def test_partial(self, mount, sharded, place):
        """With --partial the complete tensors are shown, with an index of only those."""
        gone = list(sharded.files)[2]
        folder = sharded.write(place / "model", skip=[gone])
        made = mount(folder, "--partial")
        here = set(sharded.model.source) - set(sharded.files[gone])
        whole = {n: (f, t) for n, (f, t) in sharded.outputs().items() if here.issuperset(sharded.model.parts.get(n, [n]))}
        assert 0 < len(whole) < len(sharded.outputs())
        for file in set(sharded.files) - {gone}:
            assert_file(made / file, rt.serialize({n: t for n, (f, t) in whole.items() if f == file}, refrepo.FORMAT))
        assert not (made / gone).exists()
        index = json.loads((made / sharded.index_name).read_text())
        assert index["weight_map"] == {n: f for n, (f, _) in whole.items()}
        assert index["metadata"]["total_size"] == sum(len(t.data) for _, t in whole.values())

    def test_none_there_but_others(self, run, mount, sharded, place):
        """An index of another model is ignored and hidden, with a warning."""
        folder = sharded.write(place / "model", skip=sharded.files)
        model = models.compressed(models.random_fill(77))
        model.write(folder / "model.safetensors")
        made = mount(folder)
        assert sharded.index_name in made.stderr and len(made.stderr.splitlines()) >= 1
        assert sorted(os.listdir(made.path)) == ["config.json", "model.safetensors"]
        assert_file(made / "model.safetensors", model.expected_bytes())
        assert {t["name"] for t in listing(run, folder)["tensors"]} == set(model.expected())

    @pytest.mark.parametrize("options", [(), ("--partial",)])
    def test_none_at_all(self, options, refuse, sharded, place):
        folder = sharded.write(place / "model", skip=sharded.files)
        refuse(folder, 5, f"download incomplete: 4 of 4 shards missing, first {list(sharded.files)[0]}", options=options)

    def test_in_a_subfolder(self, refuse, sharded, place):
        sharded.write(place / "pipe" / "unet", skip=list(sharded.files)[:1])
        models.quark().write(place / "pipe" / "vae" / "model.safetensors")
        refuse(place / "pipe", 5, str(place / "pipe" / "unet"), "1 of 4")


class TestBadInput:
    @pytest.mark.parametrize("text", ["", "{", "[]", "nul", '{"a": 1,}', '{"a": 1} {', "\xff\xfe{}", '{"a": NaNo}'])
    def test_broken_config(self, text, refuse, run, place):
        models.quark().write(place / "model" / "model.safetensors")
        (place / "model" / "config.json").write_bytes(text.encode("latin1"))
        refuse(place / "model", 3, "config.json")
        run("list", place / "model").fails(3, "config.json")

    @pytest.mark.parametrize("cut", [1, 100, "header", "prefix", "all"])
    def test_truncated_shard(self, cut, refuse, sharded, place):
        folder = sharded.write(place / "model")
        file = folder / list(sharded.files)[2]
        size = file.stat().st_size
        os.truncate(file, {"header": 40, "prefix": 5, "all": 0}.get(cut) if isinstance(cut, str) else size - cut)
        refuse(folder, 3, file.name)

    def test_shard_is_something_else(self, refuse, sharded, place):
        """A Git LFS pointer, as in a clone without LFS."""
        folder = sharded.write(place / "model")
        (folder / list(sharded.files)[0]).write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
        refuse(folder, 3, list(sharded.files)[0])

    def test_no_safetensors(self, refuse, run, place):
        """The message says which files were looked for."""
        (place / "model" / "sub").mkdir(parents=True)
        refuse(place / "model", 5, "*.safetensors")
        (place / "model" / "pytorch_model.bin").write_bytes(b"x")
        refuse(place / "model", 5, "*.safetensors")
        run("list", place / "model").fails(5, "*.safetensors")

    def test_no_such_folder(self, refuse, place):
        refuse(place / "nothing", 5, "nothing")

    @pytest.mark.parametrize("name", ["model-00002-of-00004.safetensors", "model.safetensors.index.json", "config.json", "tokenizer.json", "sub"])
    def test_unreadable(self, name, as_user, sharded, place):
        """A file that an ordinary user may not read is named."""
        folder = sharded.write(place / "model")
        (folder / "tokenizer.json").write_text("{}")
        (folder / "sub").mkdir()
        (folder / name).chmod(0)
        done = as_user(f'mkdir mnt; rc=0; mxfs "{folder}" mnt || rc=$?; ! mountpoint -q mnt; exit $rc')
        assert done.returncode == 5 and len(done.stderr.splitlines()) == 1, done
        assert name in done.stderr and "Permission denied" in done.stderr, done

    def test_an_ordinary_user(self, as_user, sharded, place):
        folder = sharded.write(place / "model")
        file = list(sharded.files)[0]
        done = as_user(f'mkdir mnt; mxfs "{folder}" mnt; cp -r mnt copy; fusermount3 -u mnt; sha256sum <copy/{file}')
        assert done.returncode == 0, done
        import hashlib

        assert done.stdout.split()[0] == hashlib.sha256(sharded.expected(file)).hexdigest()

    def test_a_shard_that_changes(self, mount, place):
        """Only further reads of that file fail; the mount and other files still work."""
        sharded = refrepo.spread(models.quark(), 2)
        folder = sharded.write(place / "model")
        made = mount(folder)
        one, two = sharded.files
        os.utime(folder / one, ns=(1, 1))
        with pytest.raises(OSError):
            (made / one).read_bytes()
        assert set(os.listdir(made.path)) >= {one, two, sharded.index_name}
