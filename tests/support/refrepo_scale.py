# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""Writes a sparse model folder in the shape of DeepSeek and Kimi: experts in MXFP4, an index of all names.

    python3 tests/support/refrepo_scale.py FOLDER [SHARDS TENSORS]
"""

import json
import pathlib
import struct
import sys

HIDDEN, INTER = 7168, 2048
EXPERT = {"gate_proj": (INTER, HIDDEN), "up_proj": (INTER, HIDDEN), "down_proj": (HIDDEN, INTER)}
PLAIN = {
    "self_attn.q_a_proj.weight": (1536, HIDDEN), "self_attn.kv_a_proj_with_mqa.weight": (576, HIDDEN), "self_attn.o_proj.weight": (HIDDEN, 8192),
    "input_layernorm.weight": (HIDDEN,), "post_attention_layernorm.weight": (HIDDEN,), "mlp.gate.weight": (384, HIDDEN),
}  # fmt: skip
CONFIG = {
    "architectures": ["KimiForCausalLM"],
    "model_type": "kimi",
    "rms_norm_eps": 1e-05,
    "torch_dtype": "bfloat16",
    "quantization_config": {"quant_method": "compressed-tensors", "format": "mxfp4-pack-quantized"},
}


def entries(count):
    """`count` stored tensors as (name, dtype, shape, bytes), layer by layer, 384 experts in each."""
    made, layer = 0, 0
    while made < count:
        prefix = f"language_model.model.layers.{layer}."
        layer_of = [(prefix + name, "BF16", shape) for name, shape in PLAIN.items()]
        for expert in range(384):
            for name, (n, k) in EXPERT.items():
                stem = f"{prefix}mlp.experts.{expert}.{name}.weight_"
                layer_of += [(stem + "packed", "U8", (n, k // 2)), (stem + "scale", "U8", (n, k // 32))]
        for name, dtype, shape in layer_of[: count - made]:
            size = 2 if dtype == "BF16" else 1
            for d in shape:
                size *= d
            yield name, dtype, shape, size
        made += len(layer_of)
        layer += 1


def write_shard(path, held):
    """Writes a header, and a hole for the data."""
    members, at = {"__metadata__": {"format": "pt"}}, 0
    for name, dtype, shape, size in sorted(held):
        members[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    header = json.dumps(members, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(header)) + header)
        f.truncate(8 + len(header) + at)


def write(folder, shards=160, tensors=200_000):
    """Writes the folder. Returns the number of tensors that the mount shows."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True)
    tensors += tensors % 2  # only whole pairs
    everything = list(entries(tensors))
    if everything[-1][0].endswith("_packed"):
        everything.pop()
    per = -(-len(everything) // shards)
    per += per % 2  # packed and scale mostly together, as in real models
    weight_map = {}
    for i in range(shards):
        held = everything[i * per : (i + 1) * per]
        file = f"model-{i + 1:05}-of-{shards:05}.safetensors"
        write_shard(folder / file, held)
        weight_map.update(dict.fromkeys((name for name, *_ in held), file))
    index = {"metadata": {"total_size": sum(e[3] for e in everything)}, "weight_map": dict(sorted(weight_map.items()))}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")
    (folder / "config.json").write_text(json.dumps(CONFIG, indent=2) + "\n")
    return sum(not name.endswith("_scale") for name in weight_map)


if __name__ == "__main__":
    print(write(sys.argv[1], *map(int, sys.argv[2:])), "tensors shown")
