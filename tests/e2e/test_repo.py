# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""A model folder in, a model folder out: which files form a model, shards, JSON, and all other files."""

import json
import os
import stat

import numpy as np
import pytest

import refmodels as models
import refrepo
import reftensor as rt
from helpers import assert_file, assert_same, entry_of, listing

CASES = ["gptoss-hf", "generic", "compressed-tensors", "quark", "deepseek-v4"]


def u8(*values):
    return rt.tensor(np.uint8(values))


class TestShards:
    @pytest.mark.parametrize("name", CASES)
    def test_every_shard(self, name, mount, place):
        """Groups are scattered over three shards; each shard is the file that the library would write."""
        sharded = refrepo.spread(models.MODELS[name](), 3)
        made = mount(sharded.write(place / "model"))
        for file in sharded.files:
            assert_file(made / file, sharded.expected(file))
        assert sorted(os.listdir(made.path)) == sorted(os.listdir(place / "model"))
        index = (made / sharded.index_name).read_text()
        assert_same(index.encode(), refrepo.dump(sharded.expected_index()).encode(), "index")

    def test_the_index_finds_every_tensor(self, mount, place):
        """Reads as a loader does, through weight_map; the shards contain no other tensors."""
        sharded = refrepo.spread(models.compressed(), 4)
        made = mount(sharded.write(place / "model"))
        index = json.loads((made / sharded.index_name).read_text())
        wanted = sharded.model.expected()
        shards = {file: rt.read((made / file).read_bytes())[0] for file in sharded.files}
        assert set(index["weight_map"]) == set(wanted) and sum(map(len, shards.values())) == len(wanted)
        for name, file in index["weight_map"].items():
            assert shards[file][name] == wanted[name]
        assert index["metadata"]["total_size"] == sum(len(t.data) for t in wanted.values())

    def test_a_shard_of_which_all_vanish(self, mount, place):
        """A shard with nothing but scales stays as a valid empty file, and the index does not name it."""
        sharded = refrepo.placed(models.quark(), 2, lambda name: int(name.endswith("_scale")))
        empty = refrepo.names(2)[1]
        made = mount(sharded.write(place / "model"))
        assert rt.read((made / empty).read_bytes()) == ({}, refrepo.FORMAT)
        assert_file(made / empty, rt.serialize({}, refrepo.FORMAT))
        assert empty not in json.loads((made / sharded.index_name).read_text())["weight_map"].values()

    def test_a_single_file(self, mount, place):
        """A folder without an index shows the file and its config."""
        model = models.gptoss_hf()
        model.write(place / "model" / "model.safetensors")
        made = mount(place / "model")
        assert sorted(os.listdir(made.path)) == ["config.json", "model.safetensors"]
        assert_file(made / "model.safetensors", model.expected_bytes())

    def test_nothing_quantized(self, mount, place):
        """An unquantized model stays byte for byte the same, with its index and config."""
        model = models.Model(config={"torch_dtype": "float32", "quantization_config": {"quant_method": "fp8"}})
        for i in range(6):
            model.plain(f"layers.{i}.weight", models.bf16(i, 3, 8))
        folder = refrepo.spread(model, 2).write(place / "model")
        (folder / "hf_quant_config.json").write_text("{}")
        assert refrepo.tree_of(mount(folder).path) == refrepo.tree_of(folder)

    def test_dtype(self, mount, run, place):
        sharded = refrepo.spread(models.quark(), 2)
        sharded.model.config = {"torch_dtype": "bfloat16", "dtype": "bfloat16", "text_config": {"dtype": "float16"}}
        folder = sharded.write(place / "model")
        for option, word, dtype in (("f16", "float16", "F16"), ("f32", "float32", "F32")):
            made = mount(folder, f"--dtype={option}")
            for file in sharded.files:
                assert_file(made / file, sharded.expected(file, dtype))
            assert json.loads((made / "config.json").read_text()) == {"torch_dtype": word, "dtype": word, "text_config": {"dtype": word}}
            assert json.loads((made / sharded.index_name).read_text()) == sharded.expected_index(dtype)
        name = "model.layers.0.mlp.up_proj.weight"
        assert run("cat", "--dtype=f32", folder, name).out == sharded.model.expected("F32")[name].data

    def test_float32_says_the_config(self, mount, place):
        sharded = refrepo.spread(models.quark(), 2)
        sharded.model.config = {"dtype": "float32"}
        made = mount(sharded.write(place / "model"))
        for file in sharded.files:
            assert_file(made / file, sharded.expected(file, "F32"))
        assert (made / "config.json").read_bytes() == (place / "model" / "config.json").read_bytes()

    def test_attributes(self, mount, place):
        sharded = refrepo.spread(models.compressed(), 2)
        folder = sharded.write(place / "model")
        made = mount(folder)
        for file in [*sharded.files, "config.json", sharded.index_name]:
            st = (made / file).stat()
            assert stat.S_ISREG(st.st_mode) and st.st_mode & 0o777 == 0o444 and st.st_nlink == 1
            assert st.st_mtime_ns == (folder / file).stat().st_mtime_ns
            assert st.st_size == len((made / file).read_bytes())


class TestWhatAModelIs:
    def test_two_models_side_by_side(self, mount, place):
        """The index's shards form one model; X.fp16.safetensors, a second index's shards and a lone file are others."""
        folder = place / "model"
        first, second = refrepo.spread(models.quark(models.random_fill(31)), 2), refrepo.spread(models.quark(models.random_fill(32)), 3, "other")
        lone, half = models.quark(models.random_fill(33)), models.quark(models.random_fill(34))
        lone.write(folder / "model.fp16.safetensors")
        half.write(folder / "consolidated.safetensors")
        first.write(folder)
        second.write(folder)
        made = mount(folder)
        for sharded in (first, second):
            for file in sharded.files:
                assert_file(made / file, sharded.expected(file))
            assert json.loads((made / sharded.index_name).read_text()) == sharded.expected_index()
        assert_file(made / "model.fp16.safetensors", lone.expected_bytes())
        assert_file(made / "consolidated.safetensors", half.expected_bytes())

    def test_companions_are_not_sought_outside(self, run, mount, place):
        """A scale in a file that the index does not name belongs to another model."""
        model = models.Model()
        models.add_packed(model, "x", models.random_fill(1), 5, 1, weight="weight")
        folder = place / "model"
        folder.mkdir()
        rt.save(folder / "a.safetensors", {"x.weight": model.source["x.weight"]}, refrepo.FORMAT)
        rt.save(folder / "b.safetensors", {"x.weight_scale": model.source["x.weight_scale"]}, refrepo.FORMAT)
        (place / "mnt").mkdir()
        done = run(folder, place / "mnt")
        assert done.rc == 4 and "x.weight_scale" in done.err, done
        made = mount(folder, "--unsupported=raw")
        assert refrepo.tree_of(made.path) == refrepo.tree_of(folder)

    @pytest.mark.parametrize("shard", [0, 1])
    def test_stale_copies(self, shard, mount, run, place):
        """If two shards have the same group, the index decides which copy is shown."""
        good, stale = models.quark(models.random_fill(41)), models.quark(models.random_fill(42))
        files = refrepo.names(2)
        folder = place / "model"
        folder.mkdir()
        extra = {"only.here": models.bf16(9, 4)}
        contents = [{**good.source, **extra}, stale.source]
        rt.save(folder / files[shard], contents[0], refrepo.FORMAT)
        rt.save(folder / files[1 - shard], contents[1], refrepo.FORMAT)
        index = {"metadata": {"total_size": 1}, "weight_map": dict.fromkeys([*good.source, *extra], files[shard])}
        index["weight_map"]["model.norm.weight"] = files[1 - shard]  # so that the index names both
        (folder / "model.safetensors.index.json").write_text(refrepo.dump(index))
        made = mount(folder, "--views=tensors")
        want = {**good.expected(), **extra}
        norm = {"model.norm.weight": want.pop("model.norm.weight")}
        assert_file(made / files[shard], rt.serialize(want, refrepo.FORMAT))
        assert_file(made / files[1 - shard], rt.serialize(norm, refrepo.FORMAT))
        shown = json.loads((made / "model.safetensors.index.json").read_text())
        assert set(shown["weight_map"]) == set(want) | set(norm)
        assert shown["metadata"]["total_size"] == sum(len(t.data) for t in [*want.values(), *norm.values()])
        for name, t in want.items():
            assert (made / "tensors" / name).read_bytes() == t.data
            assert run("cat", folder, name).out == t.data

    def test_stale_copies_of_plain_tensors(self, mount, run, place):
        """Without dequantization the shards are unchanged; a view shows the copy that the index names."""
        files, folder = refrepo.names(2), place / "model"
        folder.mkdir()
        rt.save(folder / files[0], {"a": u8(1), "b": u8(2)}, refrepo.FORMAT)
        rt.save(folder / files[1], {"b": u8(3), "c": u8(4)}, refrepo.FORMAT)
        (folder / "model.safetensors.index.json").write_text(refrepo.dump({"metadata": {}, "weight_map": {"a": files[0], "b": files[1], "c": files[1]}}))
        assert refrepo.tree_of(mount(folder).path) == refrepo.tree_of(folder)
        made = mount(folder, "--views=tensors")
        assert refrepo.tree_of(made / "tensors") == {"a": b"\1", "b": b"\3", "c": b"\4"}
        assert run("cat", folder, "b").out == b"\3"

    def test_names_that_the_index_leaves_out(self, mount, place):
        """A tensor that its shard lacks is an error; a tensor that only the index lacks belongs to the model."""
        sharded = refrepo.spread(models.quark(), 2)
        folder = sharded.write(place / "model")
        index = sharded.index()
        for name in [n for n in index["weight_map"] if n.endswith("up_proj.weight_scale")]:
            del index["weight_map"][name]
        (folder / sharded.index_name).write_text(refrepo.dump(index))
        made = mount(folder)
        for file in sharded.files:
            assert_file(made / file, sharded.expected(file))
        assert json.loads((made / sharded.index_name).read_text()) == sharded.expected_index()

    def test_a_name_that_its_shard_lacks(self, run, place):
        sharded = refrepo.spread(models.quark(), 2)
        index = sharded.index()
        index["weight_map"]["ghost.weight"] = refrepo.names(2)[1]
        folder = sharded.write(place / "model", index=refrepo.dump(index))
        (place / "mnt").mkdir()
        run(folder, place / "mnt").fails(3, "ghost.weight", refrepo.names(2)[1])
        assert not os.path.ismount(place / "mnt")


CONFIG = """{
    "architectures": [ "NemotronHForCausalLM" ],
    "layer_norm_epsilon":1e-05,
    "time_step_limit": [0.0, Infinity],
    "floor": -Infinity, "odd": NaN,
    "big": 12345678901234567890123, "text": "caf\\u00e9 \\"NaN\\" {",
%s\t"vocab_size"   : 131072
}
"""
QUANT = """    "quantization_config": {
        "quant_method": "quark", "ignore": ["lm_head", "}"]
    },
"""


class TestConfig:
    def shown(self, mount, place, text):
        model = models.quark()
        model.write(place / "model" / "model.safetensors")
        (place / "model" / "config.json").write_text(text)
        made = mount(place / "model")
        assert_file(made / "model.safetensors", model.expected_bytes())
        return (made / "config.json").read_text()

    def test_byte_for_byte(self, mount, place):
        got = self.shown(mount, place, CONFIG % (QUANT + '    "torch_dtype": "bfloat16",\n'))
        assert got == CONFIG % '    "torch_dtype": "bfloat16",\n'

    def test_dtype_is_set(self, mount, place):
        got = self.shown(mount, place, CONFIG % ('    "dtype": "float16",\n' + QUANT + '    "torch_dtype": "float16",\n'))
        assert got == CONFIG % '    "dtype": "bfloat16",\n    "torch_dtype": "bfloat16",\n'

    def test_dtype_is_added(self, mount, place):
        got = self.shown(mount, place, CONFIG % QUANT)
        assert json.loads(got)["torch_dtype"] == "bfloat16"
        left = [line for line in got.splitlines() if "torch_dtype" not in line]
        assert "\n".join(left).replace("131072,", "131072") + "\n" == CONFIG % ""

    def test_all_at_once(self, mount, place):
        """Only the root, and objects whose key ends in _config, are edited; the same names elsewhere are left alone."""
        before = {
            "a": 1, "quantization_config": {"quant_method": "quark"}, "compression_config": {"x": [1]}, "quantization": {"bits": 4},
            "text_config": {"dtype": "float16", "quantization_config": {"q": 1}, "llm_config": {"torch_dtype": "float32", "quantization": 1}, "z": 0},
            "vision_config": {"compression_config": None, "hidden_size": 8},
            "rope": {"quantization_config": 1, "dtype": "float16"}, "list_config": [{"quantization_config": 1}],
        }  # fmt: skip
        after = {
            "a": 1,
            "text_config": {"dtype": "bfloat16", "llm_config": {"torch_dtype": "bfloat16"}, "z": 0},
            "vision_config": {"hidden_size": 8},
            "rope": {"quantization_config": 1, "dtype": "float16"}, "list_config": [{"quantization_config": 1}],
        }  # fmt: skip
        for style in ({"indent": 2}, {"separators": (",", ":")}, {"indent": "\t"}, {}):
            room = place / str(style.get("indent", len(style))).replace("\t", "tab")
            assert self.shown(mount, room, json.dumps(before, **style)) == json.dumps(after, **style)

    def test_files_about_quantization_vanish(self, mount, place):
        names = ["hf_quant_config.json", "quantize_config.json", "quant_config.json"]
        models.quark().write(place / "model" / "model.safetensors")
        for name in [*names, "generation_config.json", "my_quant_config.json"]:
            (place / "model" / name).write_text("{}")
        assert sorted(os.listdir(mount(place / "model").path)) == ["generation_config.json", "model.safetensors", "my_quant_config.json"]

    def test_expert_dtype(self, mount, place):
        """expert_dtype (DeepSeek V4) is removed, because it describes the stored experts."""
        model = models.deepseek_v4()
        model.write(place / "model" / "model.safetensors")
        shown = json.loads((mount(place / "model") / "config.json").read_text())
        assert shown == {"model_type": "deepseek_v4", "torch_dtype": "bfloat16"}

    def test_index_style(self, mount, place):
        """Escapes, order and missing indentation are kept; a renamed tensor keeps its place."""
        model = models.Model()
        models.add_packed(model, "z.caf\u00e9", models.random_fill(1), 5, 1)
        model.plain("a", models.bf16(1, 4))
        sharded = refrepo.spread(model, 2)
        one, two = refrepo.names(2)
        text = (
            '{"weight_map":{ "z.caf\\u00e9.weight_scale" : "%s",\t"z.caf\\u00e9.weight_packed":"%s" , "a":"%s"},\r\n "x":[NaN, 1E5],'
            '"metadata":{"total_parameters":1e3, "total_size": 12}}'
        ) % (two, one, one)
        made = mount(sharded.write(place / "model", index=text))
        want = '{"weight_map":{ "z.caf\u00e9.weight":"%s" , "a":"%s"},\r\n "x":[NaN, 1E5],"metadata":{"total_parameters":1e3, "total_size": %d}}' % (
            one, one, 5 * 32 * 2 + 8,
        )  # fmt: skip
        assert (made / sharded.index_name).read_bytes() == want.encode()


class TestTheRest:
    def test_passes_through(self, mount, place):
        sharded = refrepo.spread(models.gptoss_hf(), 2)
        folder = sharded.write(place / "model")
        rest = {
            "README.md": b"# model\n", "tokenizer.json": bytes(range(256)) * 5000, "modeling_x.py": b"print()\n", ".gitattributes": b"* lfs\n",
            "empty.txt": b"", "vocab.bin": b"\0" * 10, "generation_config.json": b'{"temperature": 1e-05}', "sub/deep/er/notes.txt": b"n",
            "model.safetensors.txt": b"x", "na\xefve \xff.txt".encode("latin1").decode("utf-8", "surrogateescape"): b"y",
        }  # fmt: skip
        for name, data in rest.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        made = mount(folder)
        shown = refrepo.tree_of(made.path)
        assert {name: shown.get(name) for name in rest} == rest
        assert set(shown) == set(refrepo.tree_of(folder))
        with open(made / "tokenizer.json", "rb") as f:
            f.seek(700001)
            assert f.read(100) == rest["tokenizer.json"][700001:700101]

    def test_is_fixed_at_mount_time(self, mount, place):
        """A file that is added later is not shown; a file that is removed is still readable."""
        models.quark().write(place / "model" / "model.safetensors")
        (place / "model" / "README.md").write_bytes(b"old")
        made = mount(place / "model")
        (place / "model" / "late.txt").write_bytes(b"late")
        (place / "model" / "README.md").unlink()
        assert sorted(os.listdir(made.path)) == ["README.md", "model.safetensors"]
        assert (made / "README.md").read_bytes() == b"old"

    def test_is_read_only(self, mount, place):
        models.quark().write(place / "model" / "model.safetensors")
        made = mount(place / "model")
        for act in (lambda: (made / "new").write_bytes(b""), lambda: (made / "model.safetensors").unlink(), lambda: (made / "d").mkdir()):
            with pytest.raises(OSError) as caught:
                act()
            assert caught.value.errno == 30

    def test_many_files(self, mount, mxfs_bin, place):
        """More files than the usual limit of descriptors."""
        models.quark().write(place / "model" / "model.safetensors")
        for i in range(1500):
            (place / "model" / f"f{i:04}.txt").write_bytes(b"%d" % i)
        made = mount(place / "model", command=["prlimit", "--nofile=1024:", mxfs_bin])
        assert len(os.listdir(made.path)) == 1501
        assert (made / "f1499.txt").read_bytes() == b"1499"


class TestCommands:
    def test_list(self, run, place):
        """list prints the sizes of each shard and their sum."""
        sharded = refrepo.spread(models.compressed(), 3)
        folder = sharded.write(place / "model")
        done = run("list", folder)
        assert done.rc == 0 and not done.err, done
        for file in sharded.files:
            (line,) = [line for line in done.text.splitlines() if line.startswith(f"file: {file}:")]
            before, after = len((folder / file).read_bytes()), len(sharded.expected(file))
            assert f"{before} -> {after} bytes" in line
        before = sum(len((folder / f).read_bytes()) for f in sharded.files)
        after = sum(len(sharded.expected(f)) for f in sharded.files)
        assert done.text.splitlines()[-1].startswith("total:") and f"{before} -> {after} bytes" in done.text.splitlines()[-1]

    def test_list_json(self, run, place):
        sharded = refrepo.spread(models.compressed(), 3)
        folder = sharded.write(place / "model")
        listed = listing(run, folder)
        outputs = sharded.outputs()
        assert {t["name"] for t in listed["tensors"]} == set(outputs)
        for name, (file, t) in outputs.items():
            entry = entry_of(listed, name)
            assert (entry["file"], entry["dtype"], tuple(entry["shape"]), entry["bytes"]) == (file, t.dtype, t.shape, len(t.data))
            at = entry["offset"]
            assert sharded.expected(file)[at : at + len(t.data)] == t.data

    def test_list_below(self, run, place):
        models.quark().write(place / "pipe" / "unet" / "model.safetensors")
        listed = listing(run, place / "pipe")
        assert {t["file"] for t in listed["tensors"]} == {"unet/model.safetensors"}

    def test_cat(self, run, place):
        sharded = refrepo.spread(models.gptoss_hf(), 3)
        folder = sharded.write(place / "model")
        for name, t in list(sharded.model.expected().items())[:12]:
            assert_same(run("cat", folder, name).out, t.data, name)
        run("cat", folder, "no.such").fails(6, "no.such")

    def test_only(self, run, mount, place):
        sharded = refrepo.spread(models.compressed(), 2)
        folder = sharded.write(place / "model")
        made = mount(folder, "--only=*.layers.0.*", "--views=tensors")
        want = {n: v for n, v in sharded.outputs().items() if ".layers.0." in n}
        for file in sharded.files:
            assert_file(made / file, rt.serialize({n: t for n, (f, t) in want.items() if f == file}, refrepo.FORMAT))
        index = json.loads((made / sharded.index_name).read_text())
        assert index["weight_map"] == {n: f for n, (f, _) in want.items()}
        assert index["metadata"]["total_size"] == sum(len(t.data) for _, t in want.values())
        assert sorted(os.listdir(made / "tensors")) == sorted(want)
        assert {t["name"] for t in listing(run, folder, "--only=*.layers.0.*")["tensors"]} == set(want)
