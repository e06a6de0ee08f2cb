# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""Layouts of folders: the Hugging Face cache, subfolders, links, hidden files, views."""

import errno
import json
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import tempfile

import pytest

import refmodels as models
import refrepo
import reftensor as rt
from helpers import assert_file, assert_no_mount, listing


@pytest.fixture
def mnt(place):
    """A mountpoint for mounts that should fail; unmounts one that does not."""
    path = place / "mnt"
    path.mkdir()
    yield path
    if os.path.ismount(path):
        subprocess.run(["fusermount3", "-u", path], check=True)


USER, NAMED, GROUP, MASK, OTHER = 1, 2, 4, 16, 32  # tags in a POSIX ACL
SNAPSHOT = "0123456789abcdef0123456789abcdef01234567"


def write_cache(place, sharded, ref="main"):
    """A folder of the Hugging Face cache: snapshots/ holds links into blobs/. Returns (it, its snapshot)."""
    repo = place / "models--org--name"
    plain = sharded.write(place / "plain")
    (plain / "README.md").write_bytes(b"# model\n")
    snapshot = repo / "snapshots" / SNAPSHOT
    for folder in (repo / "blobs", repo / "refs", snapshot):
        folder.mkdir(parents=True)
    for i, file in enumerate(sorted(plain.iterdir())):
        file.rename(repo / "blobs" / f"{i:064x}")
        (snapshot / file.name).symlink_to(f"../../blobs/{i:064x}")
    (repo / "refs" / ref).write_text(SNAPSHOT)
    return repo, snapshot


class TestCache:
    def check(self, made, sharded):
        for file in sharded.files:
            assert_file(made / file, sharded.expected(file))
        assert sorted(os.listdir(made.path)) == sorted([*sharded.files, sharded.index_name, "config.json", "README.md"])
        assert not any((made / name).is_symlink() or not (made / name).is_file() for name in os.listdir(made.path))
        assert json.loads((made / sharded.index_name).read_text()) == sharded.expected_index()
        assert "quantization_config" not in (made / "config.json").read_text()

    @pytest.mark.parametrize("options", [(), ("--allow-other",)])
    def test_snapshot(self, options, mount, place):
        """Links are shown as regular files; links into blobs/ are followed even with --allow-other."""
        sharded = refrepo.spread(models.gptoss_hf(), 3)
        self.check(mount(write_cache(place, sharded)[1], *options), sharded)

    @pytest.mark.parametrize("options", [(), ("--allow-other",)])
    def test_models_folder(self, options, mount, run, place):
        """models--org--name means the snapshot that refs/main names."""
        sharded = refrepo.spread(models.gptoss_hf(), 3)
        repo, _ = write_cache(place, sharded)
        (repo / "snapshots" / ("f" * 40)).mkdir()
        self.check(mount(repo, *options), sharded)
        assert {t["name"] for t in listing(run, repo)["tensors"]} == set(sharded.model.expected())

    def test_snapshot_through_a_link(self, mount, place):
        """A link to a snapshot is treated like the snapshot."""
        sharded = refrepo.spread(models.gptoss_hf(), 2)
        (place / "link").symlink_to(write_cache(place, sharded)[1])
        self.check(mount(place / "link", "--allow-other"), sharded)

    def test_refs_that_lead_nowhere(self, run, mnt, place):
        repo, _ = write_cache(place, refrepo.spread(models.gptoss_hf(), 2))
        (repo / "refs" / "main").write_text("../../../etc")
        assert_no_mount(run(repo, mnt), mnt, 3, "refs/main")
        (repo / "refs" / "main").write_text("f" * 40 + "\n")
        assert_no_mount(run(repo, mnt), mnt, 5, "f" * 40)

    def test_one_file_by_its_snapshot_path(self, mount, place):
        """Config and index come from the folder of the link, not of the blob."""
        sharded = refrepo.spread(models.gptoss_hf(), 3)
        _, snapshot = write_cache(place, sharded)
        for file in sharded.files:
            assert_file(mount(snapshot / file).file, sharded.expected(file))

    def test_a_blob_that_is_not_there(self, run, mount, mnt, place):
        """A dangling link, as an interrupted download leaves it, is a missing shard."""
        sharded = refrepo.spread(models.gptoss_hf(), 3)
        _, snapshot = write_cache(place, sharded)
        gone = list(sharded.files)[1]
        (snapshot / gone).resolve().unlink()
        done = run(snapshot, mnt)
        assert_no_mount(done, mnt, 5, "download incomplete: 1 of 3 shards missing", gone)


class TestSubfolders:
    def test_pipeline(self, mount, run, place):
        """In a diffusers model each folder has its own models and config."""
        parts = {"transformer": refrepo.spread(models.compressed(), 3, "diffusion_pytorch_model"), "text_encoder": refrepo.spread(models.quark(), 2)}
        folder = place / "pipe"
        for name, sharded in parts.items():
            sharded.write(folder / name)
        vae = models.Model(config={"_class_name": "AutoencoderKL", "block": 1e-06})
        vae.plain("decoder.weight", models.bf16(1, 4, 4))
        vae.write(folder / "vae" / "diffusion_pytorch_model.safetensors")
        (folder / "tokenizer").mkdir()
        (folder / "tokenizer" / "vocab.json").write_text('{"a": 0}')
        (folder / "model_index.json").write_text('{"_class_name": "FluxPipeline"}')
        made = mount(folder)
        shown, source = refrepo.tree_of(made.path), refrepo.tree_of(folder)
        assert set(shown) == set(source)
        for name, sharded in parts.items():
            for file in sharded.files:
                assert_file(made / name / file, sharded.expected(file))
            assert json.loads(shown[f"{name}/{sharded.index_name}"]) == sharded.expected_index()
        assert json.loads(shown["transformer/config.json"]) == {"model_type": "llama", "torch_dtype": "bfloat16"}
        for name in ("vae/config.json", "vae/diffusion_pytorch_model.safetensors", "tokenizer/vocab.json", "model_index.json"):
            assert shown[name] == source[name]
        assert run("cat", folder, "decoder.weight").out == vae.source["decoder.weight"].data

    def test_original_is_untouched(self, mount, place):
        """gpt-oss ships its weights a second time in original/, for readers that need them packed."""
        sharded = refrepo.spread(models.gptoss_hf(), 2)
        folder = sharded.write(place / "model")
        models.gptoss_original().write(folder / "original" / "model.safetensors")
        (folder / "original" / "config.json").write_text('{"quantization_config": {}}')
        (folder / "original" / "sub").mkdir()
        models.quark().write(folder / "original" / "sub" / "x.safetensors")
        made = mount(folder)
        assert refrepo.tree_of(made / "original") == refrepo.tree_of(folder / "original")
        for file in sharded.files:
            assert_file(made / file, sharded.expected(file))

    def test_original_itself(self, mount, place):
        """If original/ is the SOURCE, it is a model like any other."""
        model = models.gptoss_original()
        model.write(place / "original" / "model.safetensors")
        assert_file(mount(place / "original") / "model.safetensors", model.expected_bytes())

    def test_only_subfolders_hold_models(self, mount, place):
        model = models.quark()
        model.write(place / "a" / "b" / "c" / "model.safetensors")
        assert_file(mount(place / "a") / "b" / "c" / "model.safetensors", model.expected_bytes())

    def test_unsupported_names_the_subfolder(self, mount, run, mnt, place):
        """The message names the subfolder; --unsupported=raw shows all models."""
        good, bad = models.quark(), {"x.weight_packed": rt.raw("U8", (3, 16), bytes(48))}
        good.write(place / "pipe" / "good" / "model.safetensors")
        (place / "pipe" / "bad").mkdir()
        rt.save(place / "pipe" / "bad" / "model.safetensors", bad, refrepo.FORMAT)
        done = run(place / "pipe", mnt)
        assert_no_mount(done, mnt, 4, str(place / "pipe" / "bad"), "x.weight_packed")
        assert len(done.lines) == 1
        made = mount(place / "pipe", "--unsupported=raw")
        assert_file(made / "good" / "model.safetensors", good.expected_bytes())
        assert_file(made / "bad" / "model.safetensors", rt.serialize(bad, refrepo.FORMAT))
        assert "x.weight_packed" in run("list", place / "pipe").text


class TestHidden:
    def test_what_is_hidden(self, mount, place):
        """.git, .cache, sockets and FIFOs are not shown; other hidden names are ordinary files."""
        folder = place / "model"
        models.quark().write(folder / "model.safetensors")
        for name in (".git/objects", ".cache/huggingface", "sub/.cache"):
            (folder / name).mkdir(parents=True)
            (folder / name / "secret").write_bytes(b"s")
        (folder / ".gitattributes").write_bytes(b"a")
        (folder / ".eval").mkdir()
        (folder / "sub" / "kept").write_bytes(b"k")
        os.mkfifo(folder / "fifo")
        os.mkfifo(folder / "fifo.safetensors")
        os.mkfifo(folder / "model.safetensors.index.json")
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(str(folder / "socket"))
            (folder / "dangling").symlink_to("nowhere")
            made = mount(folder)
        made.excused = [line for line in made.stderr.splitlines() if "dangling" in line]
        assert sorted(os.listdir(made.path)) == [".eval", ".gitattributes", "model.safetensors", "sub"]
        assert os.listdir(made / "sub") == ["kept"]

    def test_loops(self, mount, place):
        """Links that lead back, to each other or to themselves."""
        folder = place / "model"
        model = models.quark()
        model.write(folder / "sub" / "model.safetensors")
        (folder / "self").symlink_to("self")
        (folder / "here").symlink_to(".")
        (folder / "sub" / "up").symlink_to("..")
        (folder / "sub" / "abs").symlink_to(folder)
        (folder / "again").symlink_to("sub")
        made = mount(folder)
        assert_file(made / "sub" / "model.safetensors", model.expected_bytes())
        assert_file(made / "again" / "model.safetensors", model.expected_bytes())
        assert len(list(os.walk(made.path))) < 30
        subprocess.run(["cp", "-r", made.path, place / "copy"], check=True)
        assert_file(place / "copy" / "sub" / "model.safetensors", model.expected_bytes())

    def test_mountpoint_inside_the_source(self, mxfs_bin, run, place):
        models.quark().write(place / "model" / "model.safetensors")
        (place / "model" / "mnt").mkdir()
        done = run(place / "model", place / "model" / "mnt")
        try:
            assert done.rc in (0, 2, 6), done
            if done.rc == 0:
                assert sorted(os.listdir(place / "model" / "mnt")) == ["mnt", "model.safetensors"]
        finally:
            if done.rc == 0:
                subprocess.run(["fusermount3", "-u", place / "model" / "mnt"], check=True)


class TestConfinement:
    def write(self, place):
        """A folder with links that stay inside, and links to a sibling, to /etc and to a shard outside."""
        folder, outside = place / "model", place / "outside"
        outside.mkdir()
        (outside / "secret.txt").write_bytes(b"secret")
        models.quark().write(folder / "model.safetensors")
        (folder / "inside.txt").write_bytes(b"inside")
        (folder / "in").symlink_to("inside.txt")
        (folder / "out").symlink_to("../outside/secret.txt")
        (folder / "abs").symlink_to(outside / "secret.txt")
        (folder / "dir").symlink_to(outside)
        (place / "model-not").mkdir()
        (place / "model-not" / "x.txt").write_bytes(b"x")
        (folder / "prefix").symlink_to("../model-not/x.txt")
        return folder

    def test_alone(self, mount, place):
        made = mount(self.write(place))
        assert (made / "out").read_bytes() == (made / "abs").read_bytes() == (made / "dir" / "secret.txt").read_bytes() == b"secret"
        assert (made / "in").read_bytes() == b"inside" and not (made / "out").is_symlink()

    def test_allow_other(self, mount, place):
        made = mount(self.write(place), "--allow-other")
        assert sorted(os.listdir(made.path)) == ["in", "inside.txt", "model.safetensors"]
        for name in ("out", "abs", "dir", "prefix"):
            assert any(f"/{name}:" in line and "--follow-symlinks" in line for line in made.stderr.splitlines()), made.stderr

    def test_follow_symlinks(self, mount, place):
        made = mount(self.write(place), "--allow-other", "--follow-symlinks")
        assert (made / "out").read_bytes() == (made / "dir" / "secret.txt").read_bytes() == b"secret"

    def test_a_shard_that_leads_out(self, run, mount, mnt, place):
        """A shard that is a link out of the folder is named, and nothing is mounted."""
        sharded = refrepo.spread(models.quark(), 2)
        folder = sharded.write(place / "model")
        file = refrepo.names(2)[1]
        (folder / file).rename(place / file)
        (folder / file).symlink_to(place / file)
        assert_no_mount(run("--allow-other", folder, mnt), mnt, 5, file)
        for options in ((), ("--allow-other", "--follow-symlinks")):
            assert_file(mount(folder, *options) / file, sharded.expected(file))

    def test_an_index_that_leads_out(self, mount, place):
        """Files that are not shown have no effect."""
        model = models.quark()
        folder = place / "model"
        model.write(folder / "model.safetensors")
        (place / "evil.json").write_text('{"weight_map": {"x": "../../etc/passwd"}}')
        (folder / "model.safetensors.index.json").symlink_to(place / "evil.json")
        made = mount(folder, "--allow-other")
        assert os.listdir(made.path) == ["model.safetensors"]
        assert_file(made / "model.safetensors", model.expected_bytes())

    @pytest.mark.parametrize("what", ["folder", "file"])
    def test_a_config_that_leads_out(self, what, mount, place):
        """A config outside the folder is not shown and does not affect the dtype."""
        model = models.quark()
        folder = place / "model"
        model.write(folder / "model.safetensors")
        (place / "secret.json").write_text('{"dtype": "float32"}')
        (folder / "config.json").symlink_to(place / "secret.json")
        source = folder if what == "folder" else folder / "model.safetensors"
        assert_file(mount(source, "--views=none") / "model.safetensors", model.expected_bytes("F32"))
        made = mount(source, "--views=none", "--allow-other")
        assert os.listdir(made.path) == ["model.safetensors"]
        assert_file(made / "model.safetensors", model.expected_bytes())

    def test_a_shard_of_a_file_that_leads_out(self, run, mount, mnt, place):
        """The named file may be a link to anywhere; its companions may not."""
        sharded = refrepo.spread(models.quark(), 2)
        folder = sharded.write(place / "model")
        first, second = refrepo.names(2)
        (folder / first).rename(place / first)
        (folder / first).symlink_to(place / first)
        assert_file(mount(folder / first, "--allow-other").file, sharded.expected(first))
        assert_no_mount(run("--allow-other", folder / second, mnt), mnt, 5, first, "--follow-symlinks")

    def test_permissions(self, mount, place):
        """allow_other gives other users the permissions that the source gives them."""
        sharded = refrepo.spread(models.compressed(), 2)
        folder = sharded.write(place / "model")
        (folder / "config.json").chmod(0o600)
        (folder / refrepo.names(2)[0]).chmod(0o640)
        made = mount(folder, "--allow-other")
        modes = {name: (made / name).stat().st_mode & 0o777 for name in os.listdir(made.path)}
        assert modes["config.json"] == 0o400 and modes[refrepo.names(2)[0]] == 0o440 and modes[refrepo.names(2)[1]] == 0o444

    @pytest.mark.parametrize("mode", [0o744, 0o750, 0o711])
    def test_permissions_of_folders(self, mode, mount, place):
        """The right to list a folder does not imply the right to enter it."""
        folder = refrepo.spread(models.compressed(), 1).write(place / "model")
        folder.chmod(mode)
        assert mount(folder, "--allow-other").path.stat().st_mode & 0o777 == mode & 0o555

    @pytest.mark.parametrize("private", [0, 1])
    def test_permissions_of_companions(self, private, mount, place):
        """Only users who may read both files may read a tensor made of them."""
        sharded = refrepo.placed(models.gptoss_hf(), 2, lambda name: int(name.endswith("_scales")))
        folder = sharded.write(place / "model")
        (folder / refrepo.names(2)[private]).chmod(0o600)
        made = mount(folder, "--allow-other", "--views=tensors")
        assert (made / refrepo.names(2)[0]).stat().st_mode & 0o777 == 0o400
        for name in os.listdir(made / "tensors"):
            open_to_all = private == 1 and not name.endswith("_proj")
            assert (made / "tensors" / name).stat().st_mode & 0o777 == (0o444 if open_to_all else 0o400), name

    @staticmethod
    def give_acl(path, *entries):
        """An ACL from entries (tag, rights) or (tag, rights, ID)."""
        acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *(*e, 0xFFFFFFFF)[:3]) for e in entries)
        try:
            os.setxattr(path, "system.posix_acl_access", acl)
        except OSError as e:
            if e.errno in (errno.EOPNOTSUPP, errno.ENOSPC):
                pytest.skip("no such ACLs here")
            raise

    def test_permissions_of_acls(self, mount, place):
        """With an ACL the group bits are not the group's rights, and an entry can exclude a user."""
        source = models.compressed().write(place / "m.safetensors")

        def shown(*entries):
            self.give_acl(source, *entries)
            return mount(source, "--allow-other").file.stat().st_mode & 0o777

        assert shown((USER, 6), (GROUP, 4), (OTHER, 4)) == 0o444
        assert shown((USER, 6), (NAMED, 4, 4321), (GROUP, 0), (MASK, 4), (OTHER, 0)) == 0o400
        assert shown((USER, 6), (NAMED, 4, 4321), (GROUP, 4), (MASK, 4), (OTHER, 4)) == 0o444
        assert shown((USER, 6), (NAMED, 0, 4321), (GROUP, 4), (MASK, 4), (OTHER, 4)) == 0o400
        assert shown((USER, 6), (NAMED, 4, 4321), (GROUP, 4), (MASK, 0), (OTHER, 4)) == 0o400

    def test_permissions_of_a_long_acl(self, mount):
        """With an ACL too long to read, no other user gets access; of the filesystems here only tmpfs can store one."""
        with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
            source = models.compressed().write(pathlib.Path(folder) / "m.safetensors")
            many = [(NAMED, 4, 5000 + i) for i in range(600)]
            self.give_acl(source, (USER, 6), *many, (GROUP, 4), (MASK, 4), (OTHER, 4))
            assert mount(source, "--allow-other").file.stat().st_mode & 0o777 == 0o400

    @pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs root and setpriv")
    def test_what_others_may_open(self, mount, place):
        """The kernel checks the source's owner, group and mode; without allow_other only the mount's user gets in."""
        sharded = refrepo.spread(models.compressed(), 2)
        folder = sharded.write(place / "model")
        first, second = refrepo.names(2)
        (folder / "config.json").chmod(0o600)
        (folder / first).chmod(0o640)
        os.chown(folder / first, 0, 4321)
        made = mount(folder, "--allow-other")

        def may(group, path):
            who = ["setpriv", "--reuid=4321", f"--regid={group}", "--clear-groups", "cat", path]
            return subprocess.run(who, capture_output=True, check=False).returncode == 0

        assert may(4322, made / second) and not may(4322, made / first) and not may(4322, made / "config.json")
        assert may(4321, made / first) and not may(4321, made / "config.json")
        assert not may(4321, mount(folder) / second)


class TestViews:
    def test_none_unless_asked(self, mount, place):
        """By default a folder has no views, so `cp -r` copies the model once."""
        sharded = refrepo.spread(models.quark(), 2)
        folder = sharded.write(place / "model")
        made = mount(folder)
        subprocess.run(["cp", "-r", made.path, place / "copy"], check=True)
        assert refrepo.tree_of(place / "copy") == refrepo.tree_of(made.path)
        assert set(os.listdir(place / "copy")) == set(os.listdir(folder))

    def test_all_tensors_of_all_shards(self, mount, place):
        import numpy

        sharded = refrepo.spread(models.compressed(), 3)
        made = mount(sharded.write(place / "model"), "--views=tensors,npy")
        want = sharded.model.expected()
        assert refrepo.tree_of(made / "tensors") == {name: t.data for name, t in want.items()}
        assert sorted(os.listdir(made / "npy")) == sorted(f"{name}.npy" for name in want)
        name = "model.layers.0.mlp.up_proj.weight"
        got = numpy.load(made / "npy" / f"{name}.npy", mmap_mode="r")
        assert (got == want[name].array().astype("f4")).all()

    def test_in_subfolders(self, mount, place):
        """Each folder with models has its own views."""
        model = models.quark()
        model.write(place / "pipe" / "unet" / "model.safetensors")
        (place / "pipe" / "README.md").write_bytes(b"r")
        made = mount(place / "pipe", "--views=tensors")
        assert sorted(os.listdir(made.path)) == ["README.md", "unet"]
        assert refrepo.tree_of(made / "unet" / "tensors") == {name: t.data for name, t in model.expected().items()}

    @pytest.mark.parametrize("view", ["tensors", "npy"])
    def test_clash_with_a_folder(self, view, run, mount, mnt, place):
        models.quark().write(place / "model" / "model.safetensors")
        (place / "model" / view).mkdir()
        (place / "model" / view / "f").write_bytes(b"f")
        done = run("--views=tensors,npy", place / "model", mnt)
        assert_no_mount(done, mnt, 2, f"{view}/", "--views=none")
        assert (mount(place / "model") / view / "f").read_bytes() == b"f"

    def test_two_models_with_one_name(self, run, mnt, place):
        for file in ("a", "b"):
            models.quark().write(place / "model" / f"{file}.safetensors")
        assert_no_mount(run("--views=tensors", place / "model", mnt), mnt, 2, "--views=none")
