# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""Small quantized models in every layout, each with the tensors that mxfs must show for it.

A builder returns a Model. `fill` decides the bits: `random_fill(seed)` draws codes and scales,
`every_fill()` lays out all 256 scales with all 16 codes in each block.
"""

import json
from dataclasses import dataclass, field

import ml_dtypes
import numpy as np

import reforacle as oracle
import reftensor as rt


@dataclass
class Model:
    """A source file and its dequantized values."""

    source: dict = field(default_factory=dict)  # name -> Tensor, in stored order
    exact: dict = field(default_factory=dict)  # dequantized name -> float64 values
    parts: dict = field(default_factory=dict)  # dequantized name -> the source tensors it is made of
    dropped: set = field(default_factory=set)  # activation and KV scales
    metadata: dict | None = field(default_factory=lambda: {"format": "pt"})
    config: dict | None = None

    def plain(self, name, tensor):
        """Adds a tensor that passes through."""
        self.source[name] = tensor

    def pair(self, output, values, **parts):
        """Adds a dequantized tensor: its exact values and its two parts (name=Tensor)."""
        self.source.update(parts)
        self.exact[output] = values
        self.parts[output] = list(parts)

    def drop(self, name, tensor):
        """Adds a tensor that is not shown."""
        self.source[name] = tensor
        self.dropped.add(name)

    def expected(self, dtype="BF16"):
        """name -> Tensor of the virtual file."""
        gone = self.dropped.union(*self.parts.values())
        out = {name: t for name, t in self.source.items() if name not in gone}
        out.update({name: oracle.rounded(v, dtype) for name, v in self.exact.items()})
        return out

    def expected_bytes(self, dtype="BF16"):
        """The file that the reference library writes for the dequantized tensors."""
        return rt.serialize(self.expected(dtype), {"format": "pt"})

    def write(self, path, by_hand=False):
        """Writes the source (and config.json); `by_hand` keeps the tensors' order, unpadded."""
        path.parent.mkdir(parents=True, exist_ok=True)
        if by_hand:
            path.write_bytes(rt.compose(self.source, self.metadata, align=1))
        else:
            rt.save(path, self.source, self.metadata)
        if self.config is not None:
            (path.parent / "config.json").write_text(json.dumps(self.config, indent=2))
        return path


# --- bits -------------------------------------------------------------------------------------


def random_fill(seed, low=0, high=252):
    """Draws (codes [.., 32G], scales [.., G]) for a shape of blocks [.., G]."""
    rng = np.random.default_rng(seed)

    def fill(*shape):
        codes = rng.integers(0, 16, (*shape[:-1], shape[-1] * 32), np.uint8)
        return codes, rng.integers(low, high + 1, shape, np.uint8)

    return fill


def every_fill():
    """Scale i is i mod 256, and every block has each code twice, rotated by one from block to block."""

    def fill(*shape):
        count = int(np.prod(shape))
        order = np.arange(count)
        codes = (np.arange(32)[None, :] + order[:, None] // 256 + order[:, None]) % 16
        return (
            codes.astype(np.uint8).reshape(*shape[:-1], shape[-1] * 32),
            (order % 256).astype(np.uint8).reshape(shape),
        )

    return fill


def bf16(seed, *shape):
    """A BF16 tensor of small normal numbers."""
    values = np.random.default_rng(seed).standard_normal(shape, np.float32)
    return rt.tensor(values.astype(ml_dtypes.bfloat16))


def menagerie(seed=5):
    """Adds a plain tensor of every dtype that the library can write, including scalars and empty ones."""
    rng = np.random.default_rng(seed)
    zoo = {}
    for dtype, (word, bits, _) in rt.DTYPES.items():
        if word is None:
            continue
        for tag, shape in (("mat", (3, 8)), ("odd", (5, 2))):
            octets = rng.integers(0, 2 if dtype == "BOOL" else 64, int(np.prod(shape)) * bits // 8, np.uint8)
            zoo[f"zoo.{tag}.{dtype.lower()}"] = rt.raw(dtype, shape, octets)
    zoo["zoo.scalar"] = rt.tensor(np.float32(1.5))
    zoo["zoo.empty"] = rt.tensor(np.zeros((4, 0, 3), np.float16))
    zoo["zoo.one"] = rt.tensor(np.uint8([7]))
    return zoo


# --- layouts ----------------------------------------------------------------------------------


def _blocks(codes, scales):
    packed = oracle.pack(codes)
    blocks = packed.reshape(*scales.shape, 16)
    return rt.tensor(blocks), rt.tensor(scales), oracle.mxfp4(packed, scales)


def add_gptoss(model, name, fill, *shape, transpose=True):
    """P_blocks [E,N,G,16] + P_scales [E,N,G] -> P [E,K,N]; other ranks (or on request) [..,K]."""
    blocks, scales, values = _blocks(*fill(*shape))
    if transpose and len(shape) == 3:
        values = values.transpose(0, 2, 1)
    model.pair(name, values, **{name + "_blocks": blocks, name + "_scales": scales})


def add_original(model, name, fill, *shape):
    """P.blocks + P.scales -> P [E,N,K]."""
    blocks, scales, values = _blocks(*fill(*shape))
    model.pair(name, values, **{name + ".blocks": blocks, name + ".scales": scales})


def add_packed(model, stem, fill, *shape, weight="weight_packed", scale="weight_scale", kind="U8", scale_kind="U8"):
    """X.<weight> [..,N,K/2] + X.<scale> [..,N,K/32] -> X.weight [..,N,K]."""
    codes, scales = fill(*shape)
    packed = oracle.pack(codes)
    model.pair(
        f"{stem}.weight",
        oracle.mxfp4(packed, scales),
        **{f"{stem}.{weight}": rt.raw(kind, packed.shape, packed), f"{stem}.{scale}": rt.raw(scale_kind, scales.shape, scales)},
    )


def add_tiles(model, stem, seed, n, k, tile, scales=(100, 140)):
    """X.weight F8_E4M3 [N,K] + X.scale F8_E8M0 [ceil(N/tile), ceil(K/tile)] -> X.weight [N,K]."""
    rng = np.random.default_rng(seed)
    weight = rng.integers(0, 256, (n, k), np.uint8)
    scale = rng.integers(scales[0], scales[1] + 1, (-(-n // tile), -(-k // tile)), np.uint8)
    model.pair(
        f"{stem}.weight",
        oracle.tiled(weight, scale, tile),
        **{f"{stem}.weight": rt.raw("F8_E4M3", weight.shape, weight), f"{stem}.scale": rt.raw("F8_E8M0", scale.shape, scale)},
    )


# --- models -----------------------------------------------------------------------------------


def gptoss_hf(fill=None, config=True):
    """gpt-oss under its Hugging Face names: ragged N, several groups, a square down_proj, plain tensors."""
    fill = fill or random_fill(1)
    m = Model(config={"model_type": "gpt_oss", "torch_dtype": "bfloat16", "quantization_config": {"quant_method": "mxfp4"}} if config else None)
    m.plain("model.embed_tokens.weight", bf16(1, 101, 96))
    for layer, (gate, down) in enumerate([((3, 166, 3), (3, 96, 3)), ((5, 33, 2), (5, 97, 5)), ((1, 1, 1), (2, 31, 4))]):
        at = f"model.layers.{layer}.mlp.experts."
        add_gptoss(m, at + "gate_up_proj", fill, *gate)
        m.plain(at + "gate_up_proj_bias", bf16(2, *gate[:2]))
        add_gptoss(m, at + "down_proj", fill, *down)
        m.plain(at + "down_proj_bias", bf16(3, *down[:2]))
        m.plain(f"model.layers.{layer}.self_attn.sinks", bf16(4, 64))
        m.plain(f"model.layers.{layer}.mlp.router.weight", bf16(5, gate[0], 96))
    m.source.update(menagerie())
    return m


def big_gptoss():
    """Matrices too large for the smallest cache, so that they are cut into strips and strips are evicted."""
    m = Model()
    for layer in range(2):
        add_gptoss(m, f"model.layers.{layer}.mlp.experts.down_proj", random_fill(77 + layer), 3, 1100, 40)
    return m


def gptoss_original(fill=None):
    """gpt-oss `original/`: not transposed, with norm gains named scale."""
    fill = fill or random_fill(2)
    m = Model()
    for block in range(2):
        m.plain(f"block.{block}.attn.norm.scale", bf16(1, 64))
        m.plain(f"block.{block}.mlp.norm.scale", bf16(2, 64))
        add_original(m, f"block.{block}.mlp.mlp1_weight", fill, 3, 130, 2)
        add_original(m, f"block.{block}.mlp.mlp2_weight", fill, 3, 64, 3)
        m.plain(f"block.{block}.mlp.mlp1_bias", bf16(3, 3, 130))
    m.plain("norm.scale", bf16(4, 64))
    return m


def generic(fill=None):
    """transformers' generic X.weight_blocks + X.weight_scales: never transposed."""
    fill = fill or random_fill(3)
    m = Model()
    for stem, shape in {"a.q_proj": (65, 4), "a.b.up_proj": (32, 1), "z": (1, 2), "m.experts.gate_up_proj": (3, 33, 2)}.items():
        add_gptoss(m, stem + ".weight", fill, *shape, transpose=False)
    m.plain("a.norm.weight", bf16(1, 64))
    return m


CT_CONFIG = {
    "model_type": "llama",
    "torch_dtype": "bfloat16",
    "quantization_config": {
        "quant_method": "compressed-tensors",
        "format": "mxfp4-pack-quantized",
        "config_groups": {
            "group_0": {
                "targets": ["Linear"],
                "weights": {"num_bits": 4, "type": "float", "strategy": "group", "group_size": 32, "symmetric": True, "scale_dtype": "torch.uint8"},
            }
        },
        "quantization_status": "compressed",
    },
}


def compressed(fill=None, config=True):
    """compressed-tensors mxfp4-pack-quantized, with activation and KV scales that are not shown."""
    fill = fill or random_fill(4)
    m = Model(config=CT_CONFIG if config else None)
    for stem, shape in {"model.layers.0.mlp.up_proj": (67, 3), "model.layers.0.mlp.experts": (4, 33, 2), "model.layers.1.o_proj": (1, 1)}.items():
        add_packed(m, stem, fill, *shape)
    add_packed(m, "model.layers.1.mlp.up_proj", fill, 32, 8, scale_kind="F8_E8M0")
    m.plain("model.layers.0.mlp.up_proj.bias", bf16(1, 67))
    m.plain("lm_head.weight", bf16(2, 17, 96))
    m.drop("model.layers.0.mlp.up_proj.input_scale", rt.tensor(np.float32([0.25])))
    m.drop("model.layers.0.self_attn.k_scale", rt.tensor(np.float32(0.5)))
    m.drop("model.layers.0.self_attn.v_scale", rt.tensor(np.float32(0.5)))
    return m


def quark(fill=None):
    """Quark and ModelOpt MXFP4: X.weight U8 + X.weight_scale U8 -> X.weight."""
    fill = fill or random_fill(5)
    m = Model()
    for stem, shape in {"model.layers.0.mlp.up_proj": (65, 3), "model.layers.0.mlp.down_proj": (33, 2), "model.layers.0.mlp.experts": (3, 31, 4)}.items():
        add_packed(m, stem, fill, *shape, weight="weight")
    m.plain("model.norm.weight", bf16(1, 96))
    return m


def deepseek_v4(fill=None, tile=128):
    """DeepSeek V4: FP4 pairs in I8 experts, FP8 tiles elsewhere, with ragged edges and decoys."""
    fill = fill or random_fill(6)
    m = Model(
        config={
            "model_type": "deepseek_v4",
            "torch_dtype": "bfloat16",
            "expert_dtype": "fp4",
            "quantization_config": {"quant_method": "fp8", "fmt": "e4m3", "scale_fmt": "ue8m0", "weight_block_size": [tile, tile]},
        }
    )
    for expert in range(3):
        add_packed(m, f"layers.0.ffn.experts.{expert}.w1", fill, 40 + expert, 3, weight="weight", scale="scale", kind="I8", scale_kind="F8_E8M0")
    add_tiles(m, "layers.0.attn.wq_a", 1, 200, 256, tile)
    add_tiles(m, "layers.0.attn.wkv", 2, 3 * tile + 1, tile + 5, tile)
    add_tiles(m, "layers.0.attn.wo_a", 3, 7, 5 * tile - 1, tile)
    add_tiles(m, "layers.0.ffn.shared_experts.w1", 4, 2 * tile, 2 * tile, tile)
    m.plain("layers.0.hc_attn_scale", rt.tensor(np.float32([1, 2, 3])))
    m.plain("layers.0.hc_ffn_scale", rt.tensor(np.float32([1, 2, 3])))
    m.plain("hc_head_scale", rt.tensor(np.float32([1])))
    m.plain("layers.0.attn_norm.weight", bf16(1, 96))
    m.plain("embed.weight", bf16(2, 31, 96))
    return m


def decoys():
    """Names that look like scales but are not, with one real pair, so that the file is dequantized."""
    m = Model()
    add_packed(m, "model.layers.0.up_proj", random_fill(7), 5, 1)
    for name in (
        "block.0.attn.norm.scale", "layers.0.hc_attn_scale", "layers.0.hc_ffn_scale", "hc_head_scale", "blocks.0.layer_scale",
        "stages.0.layerscale.scale", "logit_scale", "model.layers.0.router.scale", "model.layers.0.router.per_expert_scale", "scale_embed",
    ):  # fmt: skip
        m.plain(name, bf16(1, 32))
    m.plain("model.layers.0.router.norm.scale", rt.tensor(np.float32([1, 2])))
    return m


MODELS = {
    "gptoss-hf": gptoss_hf,
    "gptoss-original": gptoss_original,
    "generic": generic,
    "compressed-tensors": compressed,
    "quark": quark,
    "deepseek-v4": deepseek_v4,
}

# One tensor of each layout with room for all 256 scales: name -> builder of a Model from a fill.


def _every(add, *args, **kwargs):
    def build(fill=None):
        m = Model()
        add(m, args[0], fill or every_fill(), *args[1:], **kwargs)
        return m

    return build


EVERY_CODE = {
    "gptoss-hf": _every(add_gptoss, "model.layers.0.mlp.experts.gate_up_proj", 3, 67, 4),
    "gptoss-hf-square": _every(add_gptoss, "model.layers.0.mlp.experts.down_proj", 1, 96, 3),
    "gptoss-original": _every(add_original, "block.0.mlp.mlp1_weight", 2, 65, 4),
    "generic": _every(add_gptoss, "x.weight", 129, 4, transpose=False),
    "compressed-tensors": _every(add_packed, "x", 257, 2),
    "compressed-tensors-3d": _every(add_packed, "x", 2, 65, 4),
    "quark": _every(add_packed, "x", 86, 3, weight="weight"),
    "deepseek-v4-fp4": _every(add_packed, "x", 43, 6, weight="weight", scale="scale", kind="I8", scale_kind="F8_E8M0"),
}


def every_tile():
    """FP8 tiles: all 256 codes in each of 256 tiles, one for every scale."""
    m = Model()
    weight = np.broadcast_to(np.arange(256, dtype=np.uint8).reshape(16, 1, 16), (16, 16, 16))  # [row, repeat, col]
    weight = np.ascontiguousarray(np.tile(weight.reshape(16, 256), (16, 1)))
    scale = np.arange(256, dtype=np.uint8).reshape(16, 16)
    m.pair(
        "x.weight",
        oracle.tiled(weight, scale, 16),
        **{"x.weight": rt.raw("F8_E4M3", weight.shape, weight), "x.scale": rt.raw("F8_E8M0", scale.shape, scale)},
    )
    return m
