# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""Real model folders for real readers, made by transformers and compressed-tensors."""

import functools
import json
import logging
import pathlib

import numpy as np
import torch
import transformers
from safetensors.torch import save_file
from transformers import GptOssConfig, GptOssForCausalLM
from transformers.integrations.finegrained_fp8 import Fp8Dequantize

import refct
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
    """Writes config (as transformers does), shards and index. Tensors are distributed in name order; with `apart`,
    neighbours go to different shards."""
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
    """(packed, plain) states of a gpt-oss: experts as random MXFP4 blocks and scales, and as their BF16 values by the
    reference oracle."""
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


def linear(state):
    """The names of the weights of linear layers, except the head."""
    return [name for name, t in state.items() if t.dim() == 2 and not any(word in name for word in ("lm_head", "embed_tokens", "mlp.gate.weight"))]


def compress(state, preset):
    """(packed, plain) states with the linear layers compressed and decompressed by compressed-tensors."""
    packed, plain = dict(state), dict(state)
    for name in linear(state):
        parts = preset.compress(packed.pop(name))
        packed.update({name.removesuffix("weight") + part: t for part, t in parts.items()})
        plain[name] = preset.decompress(parts).to(torch.bfloat16)
    return packed, plain


def small(kind, **sizes):
    """A model without weights: kind is Llama, Qwen3Moe, DeepseekV3."""
    config = getattr(transformers, kind + "Config")(num_hidden_layers=2, num_attention_heads=4, vocab_size=128, pad_token_id=0, **sizes)
    with torch.device("meta"):
        return getattr(transformers, kind + "ForCausalLM")(config)


def llama(folder, preset="MXFP4A16", seed=2, count=3):
    """folder/packed and folder/plain, by a preset scheme of compressed-tensors."""
    model = small("Llama", hidden_size=128, intermediate_size=384, num_key_value_heads=2)
    preset = refct.Preset(preset)
    packed, plain = compress(random_state(model, seed), preset)
    write(folder / "packed", model, packed, count, {"quantization_config": preset.config(ignore=["lm_head"])})
    write(folder / "plain", model, plain, count)


BLOCK = 128
FP8 = {"quant_method": "fp8", "fmt": "e4m3", "activation_scheme": "dynamic", "weight_block_size": [BLOCK, BLOCK]}


def fp8_blocks(weight, scale_dtype):
    """(codes, scales, values) of a weight [N, K] in blocks. Ragged blocks at the end are padded for transformers'
    dequantizer, which takes only whole blocks, and cut again."""
    n, k = weight.shape
    padded = torch.nn.functional.pad(weight.float(), (0, -k % BLOCK, 0, -n % BLOCK))
    blocks = padded.unflatten(0, (-1, BLOCK)).unflatten(-1, (-1, BLOCK))
    scales = (blocks.abs().amax((1, 3)) / 448).to(scale_dtype)
    codes = (blocks / scales.float()[:, None, :, None]).clamp(-448, 448).to(torch.float8_e4m3fn).reshape(padded.shape)
    values = Fp8Dequantize(None)._dequantize_one(codes, scales, torch.bfloat16)
    return codes[:n, :k].contiguous(), scales, values[:n, :k].contiguous()


def split_experts(state):
    """The state with one name per expert, as in checkpoints."""
    out = {}
    for name, t in state.items():
        stem = name.removesuffix("gate_up_proj").removesuffix("down_proj")
        if ".experts." not in name:
            out[name] = t
        elif name.endswith("gate_up_proj"):
            for i, expert in enumerate(t):
                out[f"{stem}{i}.gate_proj.weight"], out[f"{stem}{i}.up_proj.weight"] = expert.chunk(2)
        else:
            out.update({f"{stem}{i}.down_proj.weight": expert for i, expert in enumerate(t)})
    return out


def fp8(folder, model, scale_dtype, seed=3, count=3):
    """folder/packed and folder/plain in the layout of DeepSeek V3 and of transformers' FP8 quantizer."""
    state = split_experts(random_state(model, seed))
    packed, plain = dict(state), dict(state)
    for name in linear(state):
        packed[name], packed[name + "_scale_inv"], plain[name] = fp8_blocks(state[name], scale_dtype)
    write(folder / "packed", model, packed, count, {"quantization_config": FP8})
    write(folder / "plain", model, plain, count)


def qwen3_moe(folder):
    """Blocks that are whole, or alone along their axis, with BF16 scales."""
    model = small(
        "Qwen3Moe", hidden_size=256, moe_intermediate_size=96, num_key_value_heads=2, head_dim=32, num_experts=4, num_experts_per_tok=2, decoder_sparse_step=1
    )
    fp8(folder, model, torch.bfloat16)


def deepseek_v3(folder):
    """Ragged blocks (kv_a_proj_with_mqa has 192 rows, q_a_proj 144), with F32 scales."""
    model = small(
        "DeepseekV3", hidden_size=320, intermediate_size=200, moe_intermediate_size=160, num_key_value_heads=4, n_routed_experts=4, num_experts_per_tok=2,
        n_group=1, topk_group=1, first_k_dense_replace=1, kv_lora_rank=160, q_lora_rank=144, qk_rope_head_dim=32, qk_nope_head_dim=32, v_head_dim=32,
    )  # fmt: skip
    fp8(folder, model, torch.float32)


def bitsandbytes(folder):
    """folder/packed as the library saves it, folder/plain as it dequantizes that."""
    # One of its warnings contains an exception, which keeps the frames and variables of all callers as long as pytest keeps it.
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    model = small("Llama", hidden_size=128, intermediate_size=384, num_key_value_heads=2)
    write(folder / "bf16", model, random_state(model, 4), 1)
    how = transformers.BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=torch.bfloat16)
    quantized = transformers.AutoModelForCausalLM.from_pretrained(folder / "bf16", quantization_config=how, dtype=torch.bfloat16)
    quantized.save_pretrained(folder / "packed")
    quantized.dequantize(torch.bfloat16).save_pretrained(folder / "plain")


COMPRESSED = transformers.CompressedTensorsConfig(dequantize=True)

# name -> (writer, quantization config that makes transformers dequantize; None: `plain` is already that result)
MODELS = {
    "gptoss": (gptoss, transformers.Mxfp4Config(dequantize=True)),
    **{preset: (functools.partial(llama, preset=preset), COMPRESSED) for preset in ("MXFP4A16", "NVFP4", "W4A16", "FP8_BLOCK")},
    "qwen3_moe": (qwen3_moe, transformers.FineGrainedFP8Config(dequantize=True)),
    "deepseek_v3": (deepseek_v3, None),  # transformers does not accept ragged blocks
    "bitsandbytes": (bitsandbytes, None),
}
