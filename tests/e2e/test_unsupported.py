# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""Models that look quantized and cannot be dequantized exactly are refused by name; nothing is guessed."""

import json

import numpy as np
import pytest

import refmodels as models
import reforacle as oracle
import reftensor as rt
from conftest import mounted
from helpers import assert_file, assert_no_mount, entry_of, listing
from ref_float import FloatModel, add_fp8, add_nvfp4, floats, fp8_codes, scales


def u8(*shape):
    return rt.tensor(np.random.default_rng(1).integers(0, 255, shape, np.uint8))


def f32(*shape):
    return rt.tensor(np.ones(shape, np.float32))


E4M3 = lambda *shape: rt.raw("F8_E4M3", shape, u8(*shape).data)
E8M0 = lambda *shape: rt.raw("F8_E8M0", shape, u8(*shape).data)

MX_INT = {"quantization_config": {"quant_method": "auto-round", "data_type": "mx_int", "bits": 4, "group_size": 32}}

# name -> (tensors, metadata, config, words in the error)
REFUSED = {
    "blocks-alone": ({"a.experts.down_proj_blocks": u8(2, 3, 1, 16)}, None, None, ["a.experts.down_proj_blocks"]),
    "scales-alone": ({"a.experts.down_proj_scales": u8(2, 3, 1)}, None, None, ["a.experts.down_proj_scales"]),
    "original-alone": ({"block.0.mlp.mlp1_weight.blocks": u8(2, 3, 1, 16)}, None, None, ["mlp1_weight.blocks"]),
    "generic-alone": ({"x.weight_blocks": u8(3, 1, 16)}, None, None, ["x.weight_blocks"]),
    "packed-alone": ({"x.weight_packed": u8(3, 16)}, None, None, ["x.weight_packed"]),
    "fp4-scale-alone": ({"x.weight_scale": u8(3, 1)}, None, None, ["x.weight_scale"]),
    "scales-too-many": ({"p_blocks": u8(2, 3, 1, 16), "p_scales": u8(2, 3, 2)}, None, None, ["p_blocks"]),
    "scales-rank": ({"p_blocks": u8(2, 3, 1, 16), "p_scales": u8(6)}, None, None, ["p_blocks"]),
    "scales-dtype": ({"p_blocks": u8(2, 3, 1, 16), "p_scales": f32(2, 3, 1)}, None, None, ["p_blocks"]),
    "blocks-of-8": ({"p_blocks": u8(2, 3, 1, 8), "p_scales": u8(2, 3, 1)}, None, None, ["p_blocks"]),
    "packed-rows": ({"x.weight_packed": u8(3, 16), "x.weight_scale": u8(4, 1)}, None, None, ["x.weight_packed"]),
    "packed-ratio": ({"x.weight_packed": u8(3, 16), "x.weight_scale": u8(3, 2)}, None, None, ["x.weight_packed"]),
    "packed-zero-point": (
        {"x.weight_packed": u8(3, 16), "x.weight_scale": u8(3, 1), "x.weight_zero_point": u8(3, 1)}, None, None, ["x.weight_packed"],
    ),
    "mx-int": ({"x.weight_packed": u8(3, 16), "x.weight_scale": u8(3, 1)}, None, MX_INT, ["x.weight_packed"]),
    "mx-int-nested": ({"x.weight_packed": u8(3, 16), "x.weight_scale": u8(3, 1)}, None, {"text_config": MX_INT}, ["x.weight_packed"]),
    "fp6": ({"x.weight": u8(3, 24), "x.weight_scale": u8(3, 1)}, None, None, ["x.weight"]),
    "fp6-wide": ({"x.weight": u8(5, 96), "x.weight_scale": u8(5, 4)}, None, None, ["x.weight"]),
    "native-f4": ({"x.weight": rt.raw("F4", (3, 32), bytes(48)), "x.weight_scale": E8M0(3, 1)}, None, None, ["x.weight"]),
    "svd": (
        {"x.weight": u8(8, 32), "x.weight_scale": E4M3(8, 4), "x.weight_scale_2": f32(), "x.svdquant_lora_a": f32(2, 64), "x.svdquant_lora_b": f32(8, 2)},
        None, {"quantization_config": {"quant_method": "modelopt", "quant_algo": "NVFP4_SVD"}}, ["x.weight"],
    ),
    "comfy-marker": ({"x.weight": u8(4, 64), "x.weight_scale": u8(4, 4), "x.comfy_quant": u8(20)}, None, None, ["x.weight"]),
    "comfy-metadata": (
        {"x.weight": u8(4, 64), "x.weight_scale": u8(4, 4)},
        {"_quantization_metadata": json.dumps({"format_version": "1.0", "layers": {"x": {"format": "mxfp4"}}})}, None, ["x.weight"],
    ),
    "v4-columns": ({"x.weight": rt.raw("I8", (4, 48), bytes(192)), "x.scale": E8M0(4, 4)}, None, None, ["x.weight"]),
    "v4-rows": ({"x.weight": rt.raw("I8", (4, 48), bytes(192)), "x.scale": E8M0(3, 3)}, None, None, ["x.weight"]),
    "tiles-that-fit-nothing": ({"x.weight": E4M3(200, 100), "x.scale": E8M0(7, 3)}, None, None, ["x.weight"]),
    "unknown-method": ({"x.codes": u8(4, 4), "x.codebooks": f32(2, 2)}, None, {"quantization_config": {"quant_method": "aqlm"}}, ["aqlm"]),
    "unknown-method-nested": ({"x.W_q": u8(4, 4)}, None, {"text_config": {"quantization_config": {"quant_method": "hqq"}}}, ["hqq"]),
    "rotated": (
        {"x.weight_packed": u8(3, 16), "x.weight_scale": u8(3, 1)}, None,
        {"quantization_config": {**models.CT_CONFIG["quantization_config"], "transform_config": {"config_groups": {"u": {"type": "hadamard"}}}}},
        ["x.weight_packed"],
    ),
}  # fmt: skip


def write(place, tensors, metadata=None, config=None):
    source = place / "m.safetensors"
    rt.save(source, tensors, metadata)
    if config is not None:
        (place / "config.json").write_text(json.dumps(config))
    (place / "mnt").mkdir()
    return source


class TestRefused:
    @pytest.mark.parametrize("case", REFUSED)
    def test_mount(self, case, run, place):
        tensors, metadata, config, words = REFUSED[case]
        source = write(place, tensors, metadata, config)
        done = run(source, place / "mnt")
        assert_no_mount(done, place / "mnt", 4, *words)
        assert len(done.lines) == 1, done

    @pytest.mark.parametrize("case", REFUSED)
    def test_raw(self, case, mount, place):
        """--unsupported=raw shows the refused tensors as stored; a file of nothing else is unchanged."""
        tensors, metadata, config, _ = REFUSED[case]
        source = write(place, tensors, metadata, config)
        assert_file(mount(source, "--unsupported=raw").file, source.read_bytes())

    @pytest.mark.parametrize("case", REFUSED)
    def test_list(self, case, run, place):
        tensors, metadata, config, words = REFUSED[case]
        source = write(place, tensors, metadata, config)
        done = run("list", source)
        assert done.rc == 0 and all(w in done.text for w in words), done
        assert run("list", "--json", source).rc == 0

    @pytest.mark.parametrize("case", ["blocks-alone", "packed-ratio", "fp6", "tiles-that-fit-nothing"])
    def test_beside_a_good_pair(self, case, run, mount, place):
        """One bad tensor refuses the file; raw dequantizes the rest."""
        tensors, _, _, words = REFUSED[case]
        model = models.quark()
        for name, t in tensors.items():
            model.plain(name, t)
        source = write(place, model.source, model.metadata)
        assert_no_mount(run(source, place / "mnt"), place / "mnt", 4, *words)
        assert_file(mount(source, "--unsupported=raw").file, model.expected_bytes())

    def test_explicit_refuse_is_not_raw(self, run, place):
        source = write(place, REFUSED["fp6"][0])
        run("cat", source, "x.weight").fails(4, "x.weight")

    def test_cat_raw(self, run, place):
        source = write(place, REFUSED["fp6"][0])
        assert run("cat", "--unsupported=raw", source, "x.weight").out == REFUSED["fp6"][0]["x.weight"].data

    def test_one_line_per_scheme_and_reason(self, run, place):
        """However many tensors are refused, the message has their count and the first name."""
        tensors = {f"layers.{i:03}.up.weight": u8(3, 24) for i in range(120)}
        tensors.update({f"layers.{i:03}.up.weight_scale": u8(3, 1) for i in range(120)})
        tensors.update({f"layers.{i:03}.down.weight_packed": u8(3, 16) for i in range(45)})
        done = run(write(place, tensors), place / "mnt")
        assert done.rc == 4 and len(done.lines) == 2, done
        (fp6,) = [line for line in done.lines if "layers.000.up.weight" in line]
        (half,) = [line for line in done.lines if "layers.000.down.weight_packed" in line]
        assert "120" in fp6 and "45" in half, done
        assert all("m.safetensors" in line for line in done.lines), done

    def test_control_characters(self, run, place):
        done = run(write(place, {"evil\x1b[2J\nname_blocks": u8(1, 16)}), place / "mnt")
        done.fails(4, "evil")


class TestNotRefused:
    """Cases that resemble those above and are accepted."""

    def test_mx_fp_of_autoround(self, mount, place):
        model = models.compressed()
        model.config = {"quantization_config": {"quant_method": "auto-round", "data_type": "mx_fp", "bits": 4, "group_size": 32}}
        assert_file(mount(model.write(place / "m.safetensors")).file, model.expected_bytes())

    def test_plain_file_with_plain_config(self, mount, place):
        source = write(place, {"x.weight": models.bf16(1, 3, 3)}, {"format": "pt"}, {"model_type": "llama"})
        assert_file(mount(source).file, source.read_bytes())

    def test_u8_tensor_without_companions(self, mount, place):
        """A U8 tensor called weight, or a name that ends in blocks without scales, is an ordinary tensor."""
        tensors = {"x.weight": u8(3, 16), "mask": u8(4), "cinder.blocks.weight": u8(2, 2)}
        source = write(place, tensors, {"format": "pt"})
        assert_file(mount(source).file, source.read_bytes())

    def test_result_that_exists_already(self, run, place):
        """P next to P_blocks and P_scales is refused, because two tensors cannot have one name."""
        model = models.Model()
        models.add_gptoss(model, "p", models.random_fill(1), 3, 1)
        source = write(place, {**model.source, "p": f32(2)})
        assert_no_mount(run(source, place / "mnt"), place / "mnt", 4, "p")


class TestUnknownMethod:
    """Tensors of an unknown method may look like those of a known scheme; only --scheme decodes them."""

    @pytest.fixture
    def model(self):
        model = models.quark()
        model.config = {"quantization_config": {"quant_method": "something-new"}}
        return model

    @pytest.fixture
    def source(self, model, place):
        return model.write(place / "src" / "m.safetensors")

    def test_refused(self, source, run, place):
        """The message is one line that names the method, what to do, and the first tensor."""
        (place / "mnt").mkdir()
        for command in (["cat", source, "x"], ["export", source, place / "out"], ["verify", source, source], [source, place / "mnt"]):
            done = run(*command).fails(4, "something-new", "not known", "--scheme=mxfp4-weight", "--unsupported=raw", ".weight\"")
        assert not mounted(place / "mnt") and not (place / "out").exists(), done

    def test_raw(self, source, mount):
        assert_file(mount(source, "--unsupported=raw").file, source.read_bytes())

    @pytest.mark.parametrize("option", [["--scheme=mxfp4-weight"], ["-o", "scheme=mxfp4-weight"]], ids=["long", "list"])
    def test_forced(self, option, source, model, mount):
        assert_file(mount(source, *option).file, model.expected_bytes())

    def test_forced_by_every_command(self, source, model, run, place):
        option = "--scheme=mxfp4-weight"
        (place / "want.safetensors").write_bytes(model.expected_bytes())
        name, tensor = next((n, t) for n, t in model.expected().items() if n + "_scale" in model.source)
        assert entry_of(listing(run, source, option), name)["scheme"] == "mxfp4-weight"
        assert run("cat", option, source, name).out == tensor.data
        assert run("export", option, source, place / "out.safetensors").rc == 0
        assert_file(place / "out.safetensors", model.expected_bytes())
        assert run("verify", option, source, place / "want.safetensors").rc == 0

    def test_a_known_method_too(self, run, place):
        model = models.quark()
        source = model.write(place / "m.safetensors")
        assert listing(run, source, "--scheme=mxfp4-weight")["tensors"] == listing(run, source)["tensors"]

    def test_the_wrong_scheme(self, source, run):
        run("export", "--scheme=nvfp4", source, "-").fails(4, "mxfp4-weight", "does not fit", ".weight\"")

    def test_nothing_to_decode(self, run, place):
        source = write(place, {"x.weight": models.bf16(1, 3, 3)})
        run("--scheme=fp8", source, place / "mnt").fails(4, str(source), "no tensor matches --scheme=fp8")

    def test_two_schemes(self, run, mount, place):
        """In a mixed model each scheme alone leaves the other's tensors; both together decode all."""
        model = FloatModel({"quantization_config": {"quant_method": "something-new"}})
        add_fp8(model, "a.weight", fp8_codes(1, 4, 64), scales(2, "F32", 1), floats(scales(2, "F32", 1)), "weight_scale")
        add_nvfp4(model, "b.0", 3, (4, 64), np.array([0.01], np.float32))
        source = model.write(place / "m.safetensors")
        done = run("export", source, "-").refuses(4, "--scheme=fp8 ", "--scheme=nvfp4 ")
        assert len(done.lines) == 2, done
        run("export", "--scheme=fp8", source, "-").fails(4, "nvfp4", "does not fit")
        assert_file(mount(source, "--scheme=nvfp4,fp8").file, model.expected_bytes())
        assert_file(mount(source, "-o", r"scheme=fp8\,nvfp4").file, model.expected_bytes())

    @pytest.mark.parametrize("name", ["mxfp4", "foreign", "comfyui", "plain", "NVFP4", "fp8,", ",fp8", "fp8,,nvfp4", "fp8,plain", "fp8 "])
    def test_no_such_scheme(self, name, source, run):
        run("list", f"--scheme={name}", source).fails(2, f"--scheme={name}", "mxfp4-gptoss", "gptq-awq")


class TestStrayScales:
    """An unquantized weight with a scale next to it is shown as stored, and so is the scale, with one notice."""

    @pytest.mark.parametrize("dtype", ["BF16", "F16", "F32"])
    @pytest.mark.parametrize("scale", ["weight_scale", "weight_scale_inv", "scale"])
    @pytest.mark.parametrize("company", [True, False], ids=["dequantized", "plain"])
    def test_both_stay(self, dtype, scale, company, mount, place):
        model = models.deepseek_v4() if company else models.Model()
        model.config = None
        for i in range(3):
            model.plain(f"layers.{i}.attn.stray.weight", oracle.rounded(np.ones((64, 64)), dtype))
            model.plain(f"layers.{i}.attn.stray.{scale}", E8M0(1, 1))
        source = model.write(place / "m.safetensors")
        made = mount(source)
        assert_file(made.file, model.expected_bytes() if company else source.read_bytes())
        notices = [line for line in made.stderr.splitlines() if "scale" in line]
        assert len(notices) == 1 and "layers.0.attn.stray.weight" in notices[0] and "3" in notices[0], made.stderr


ACTIVATION = ["up_proj.input_scale", "up_proj.activation_scale", "up_proj.input_global_scale", "up_proj.output_scale",
              "self_attn.k_scale", "self_attn.v_scale", "self_attn.q_scale", "self_attn.k_proj.k_scale", "self_attn.v_proj.v_scale"]  # fmt: skip


class TestActivationScales:
    @pytest.mark.parametrize("suffix", ACTIVATION)
    def test_vanish(self, suffix, mount, run, place):
        model = models.Model()
        models.add_packed(model, "model.layers.0.up_proj", models.random_fill(1), 5, 2)
        model.drop(f"model.layers.0.{suffix}", f32(1))
        source = model.write(place / "m.safetensors")
        made = mount(source)
        assert_file(made.file, model.expected_bytes())
        assert f"model.layers.0.{suffix}" not in {t["name"] for t in listing(run, source)["tensors"]}

    def test_of_another_shard(self, mount, place):
        """KV scales in a shard of their own disappear if the model's weights are dequantized in other shards."""
        model = models.Model()
        models.add_packed(model, "model.layers.0.up_proj", models.random_fill(1), 5, 2)
        rt.save(place / "a.safetensors", model.source, {"format": "pt"})
        rest = {"model.layers.0.self_attn.k_scale": f32(1), "model.norm.weight": models.bf16(1, 8)}
        rt.save(place / "b.safetensors", rest, {"format": "pt"})
        weight_map = {**dict.fromkeys(model.source, "a.safetensors"), **dict.fromkeys(rest, "b.safetensors")}
        (place / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
        assert_file(mount(place / "b.safetensors").file, rt.serialize({"model.norm.weight": rest["model.norm.weight"]}, {"format": "pt"}))


class TestPaths:
    """Name, config and index come from the path as given, not from the target of its links."""

    @pytest.fixture
    def snapshot(self, place):
        """A Hugging Face cache: files of a snapshot are links into blobs/."""
        model = models.gptoss_hf()
        model.config = {**model.config, "torch_dtype": "float32"}
        hub = place / "models--org--name"
        snap = hub / "snapshots" / "abc123"
        (hub / "blobs").mkdir(parents=True)
        model.write(place / "tmp" / "model.safetensors")
        snap.mkdir(parents=True)
        for blob, name in (("deadbeef", "model.safetensors"), ("cafe", "config.json")):
            (place / "tmp" / name).rename(hub / "blobs" / blob)
            (snap / name).symlink_to(f"../../blobs/{blob}")
        return model, snap

    def test_snapshot(self, snapshot, mount):
        model, snap = snapshot
        made = mount(snap / "model.safetensors")
        assert made.file.name == "model.safetensors" and not made.file.is_symlink() and made.file.is_file()
        assert_file(made.file, model.expected_bytes("F32"))

    def test_relative(self, snapshot, mount):
        model, snap = snapshot
        assert_file(mount("model.safetensors", cwd=snap).file, model.expected_bytes("F32"))
        assert_file(mount("../abc123/./model.safetensors", cwd=snap).file, model.expected_bytes("F32"))

    def test_linked_folder(self, snapshot, mount, place):
        model, snap = snapshot
        (place / "link").symlink_to(snap)
        assert_file(mount(place / "link" / "model.safetensors").file, model.expected_bytes("F32"))

    def test_link_elsewhere(self, snapshot, mount, place):
        """A link with another name, in a folder with another config."""
        model, snap = snapshot
        (place / "other").mkdir()
        (place / "other" / "renamed.safetensors").symlink_to(snap / "model.safetensors")
        made = mount(place / "other" / "renamed.safetensors")
        assert made.file.name == "renamed.safetensors"
        assert_file(made.file, model.expected_bytes("BF16"))

    def test_snapshot_of_shards(self, mount, place):
        """The index and the other shards are next to the links."""
        model = models.Model()
        models.add_packed(model, "x", models.random_fill(1), 5, 2)
        blobs, snap = place / "blobs", place / "snapshots" / "r"
        blobs.mkdir()
        snap.mkdir(parents=True)
        shards = {"x.weight_packed": "model-00001-of-00002.safetensors", "x.weight_scale": "model-00002-of-00002.safetensors"}
        for i, (name, shard) in enumerate(shards.items()):
            rt.save(blobs / str(i), {name: model.source[name]}, {"format": "pt"})
            (snap / shard).symlink_to(f"../../blobs/{i}")
        (blobs / "index").write_text(json.dumps({"metadata": {}, "weight_map": shards}))
        (snap / "model.safetensors.index.json").symlink_to("../../blobs/index")
        first, second = shards.values()
        assert_file(mount(snap / first).file, model.expected_bytes())
        assert_file(mount(snap / second).file, rt.serialize({}, {"format": "pt"}))

    def test_odd_names(self, mount, place):
        """Spaces, commas, backslashes and newlines in the path of the source."""
        model = models.quark()
        folder = place / "a, b\\c\nd ü"
        made = mount(model.write(folder / "m, x=1\\.safetensors"))
        assert_file(made.file, model.expected_bytes())


def test_list_entry_of_raw(run, place):
    source = write(place, REFUSED["blocks-alone"][0])
    entry = entry_of(listing(run, source, "--unsupported=raw"), "a.experts.down_proj_blocks")
    assert entry["dtype"] == "U8" and entry["shape"] == [2, 3, 1, 16]
