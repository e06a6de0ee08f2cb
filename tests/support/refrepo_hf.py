# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""Real model folders, made by transformers and compressed-tensors, for readers that are real too."""

import json
import pathlib

import numpy as np
import torch
from compressed_tensors.compressors import MXFP4PackedCompressor
from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme
from safetensors.torch import save_file
from transformers import GptOssConfig, GptOssForCausalLM, LlamaConfig, LlamaForCausalLM

import reforacle as oracle
import refrepo


def gptoss_config(hidden=64, inter=96, layers=2, experts=4, vocab=128, heads=4):
    """A small gpt-oss."""
    return GptOssConfig(
        hidden_size=hidden, intermediate_size=inter, num_hidden_layers=layers, num_local_experts=experts, vocab_size=vocab,
        num_attention_heads=heads, num_key_value_heads=max(heads // 4, 1), head_dim=hidden // heads, num_experts_per_tok=2, sliding_window=16,
        layer_types=["sliding_attention", "full_attention"] * (layers // 2), pad_token_id=0, eos_token_id=1, tie_word_embeddings=False,
    )  # fmt: skip


def write(folder, model, state, count, config_extra=None, apart=True):
    """Writes config (as transformers does), shards and index. With `apart` neighbours in name order land in
    different shards; else tensors are dealt out in that order."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True)
    model.config.dtype = torch.bfloat16
    model.config.save_pretrained(folder)
    if config_extra:
        config = json.loads((folder / "config.json").read_text())
        config.update(config_extra)
        (folder / "config.json").write_text(refrepo.dump(config))
    names, files = sorted(state), refrepo.names(count)
    where = {name: files[i % count if apart else i * count // len(names)] for i, name in enumerate(names)}
    for file in files:
        save_file({n: state[n].contiguous() for n in names if where[n] == file}, folder / file, refrepo.FORMAT)
    index = {"metadata": {"total_size": sum(t.numel() * t.element_size() for t in state.values())}, "weight_map": where}
    (folder / "model.safetensors.index.json").write_text(refrepo.dump(index))


def random_state(model, seed):
    """A model's parameters, drawn from a normal distribution in BF16."""
    generator = torch.Generator().manual_seed(seed)
    return {name: (torch.randn(p.shape, generator=generator) * 0.1).to(torch.bfloat16) for name, p in model.state_dict().items()}


def quantize_experts(state, seed, exact=True):
    """(packed, plain) states of a gpt-oss: experts as random MXFP4 blocks and scales, and as the BF16 values that
    these have by the reference oracle."""
    packed, plain = dict(state), dict(state)
    rng = np.random.default_rng(seed)
    for name, t in state.items():
        if not name.endswith(("experts.gate_up_proj", "experts.down_proj")):
            continue
        e, k, n = t.shape
        del packed[name]
        blocks = rng.integers(0, 256, (e, n, k // 32, 16), np.uint8)
        scales = rng.integers(118, 125, (e, n, k // 32), np.uint8)
        packed[name + "_blocks"], packed[name + "_scales"] = torch.from_numpy(blocks), torch.from_numpy(scales)
        if exact:
            values = oracle.rounded(oracle.mxfp4(blocks.reshape(e, n, k // 2), scales).transpose(0, 2, 1), "BF16")
            plain[name] = torch.frombuffer(bytearray(values.data), dtype=torch.bfloat16).reshape(e, k, n)
    return packed, plain


MXFP4 = {"quant_method": "mxfp4", "modules_to_not_convert": ["model.layers.*.self_attn", "model.layers.*.mlp.router", "model.embed_tokens", "lm_head"]}


def gptoss(folder, seed=1, count=3, **sizes):
    """folder/packed and folder/plain."""
    config = gptoss_config(**sizes)
    with torch.device("meta"):
        model = GptOssForCausalLM(config)
    packed, plain = quantize_experts(random_state(model, seed), seed)
    write(folder / "packed", model, packed, count, {"quantization_config": MXFP4})
    write(folder / "plain", model, plain, count)


COMPRESSED = {
    "quant_method": "compressed-tensors",
    "format": "mxfp4-pack-quantized",
    "quantization_status": "compressed",
    "ignore": ["lm_head"],
    "config_groups": {
        "group_0": {
            "targets": ["Linear"],
            "weights": {"num_bits": 4, "type": "float", "strategy": "group", "group_size": 32, "symmetric": True, "dynamic": False, "scale_dtype": "torch.uint8", "zp_dtype": "torch.uint8"},
        }
    },
}  # fmt: skip


def compress(state, ignore=("lm_head", "embed_tokens", "norm")):
    """(packed, plain): what compressed-tensors makes of the linear layers, and what it makes of that again."""
    args = QuantizationArgs(num_bits=4, type="float", strategy="group", group_size=32, symmetric=True, scale_dtype=torch.uint8, zp_dtype=torch.uint8)
    scheme = QuantizationScheme(targets=["Linear"], weights=args)
    packed, plain = {}, {}
    for name, weight in state.items():
        if any(word in name for word in ignore):
            packed[name] = plain[name] = weight
            continue
        n, k = weight.shape
        amax = weight.float().reshape(n, k // 32, 32).abs().amax(-1)
        scale = torch.exp2(torch.floor(torch.log2(amax)) - 2).to(torch.bfloat16)
        parts = MXFP4PackedCompressor.compress({"weight": weight, "weight_scale": scale}, scheme)
        stem = name.removesuffix("weight")
        packed.update({stem + part: t for part, t in parts.items()})
        plain[name] = MXFP4PackedCompressor.decompress(dict(parts), scheme)["weight"].to(torch.bfloat16)
    return packed, plain


def llama(folder, seed=2, count=3):
    """folder/packed and folder/plain."""
    config = LlamaConfig(
        hidden_size=64, intermediate_size=160, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, vocab_size=128, pad_token_id=0
    )
    with torch.device("meta"):
        model = LlamaForCausalLM(config)
    packed, plain = compress(random_state(model, seed))
    write(folder / "packed", model, packed, count, {"quantization_config": COMPRESSED})
    write(folder / "plain", model, plain, count)
