# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""Writes a small model in the shape of gpt-oss, quantized and, computed from first principles, dequantized.

Usage: demo_model.py MODEL_DIR EXPECTED_FILE. The mount must show EXPECTED_FILE byte for byte. This is plain
Python without libraries, and shares no code with mxfs.

gpt-oss stores its experts as MXFP4: 32 values along the input share one scale 2^(s - 127), two 4-bit
codes lie in a byte (the low half first), and dequantized matrices are transposed, [experts, in, out].
"""

import json
import math
import random
import struct
import sys
from array import array
from pathlib import Path

LAYERS, EXPERTS, HIDDEN, INTERMEDIATE = 2, 8, 288, 352
E2M1 = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, -0.0, -0.5, -1.0, -1.5, -2.0, -3.0, -4.0, -6.0]
BF16_NAN, BF16_INF = 0x7FC0, 0x7F80


def bf16(value, scale):
    """The bits of value * 2^(scale - 127) as bfloat16, which is always exact; scale 255 is NaN."""
    if scale == 255:
        return BF16_NAN
    exact = math.ldexp(value, scale - 127)
    if abs(exact) >= 2.0**128:
        return BF16_INF | (0x8000 if exact < 0 else 0)
    bits = struct.unpack("<I", struct.pack("<f", exact))[0]
    assert bits & 0xFFFF == 0
    return bits >> 16


DECODED = [[bf16(value, scale) for value in E2M1] for scale in range(256)]


def little_endian(values):
    if sys.byteorder == "big":
        values.byteswap()
    return values.tobytes()


def dequantized(blocks, scales, experts, rows, columns):
    """[experts, rows, columns/32, 16] codes and their scales → [experts, columns, rows] bfloat16."""
    groups = columns // 32
    result = bytearray()
    for expert in range(experts):
        matrix = array("H", bytes(2 * rows * columns))
        for row in range(rows):
            first = (expert * rows + row) * groups
            line = array("H")
            for group in range(first, first + groups):
                value = DECODED[scales[group]]
                for byte in blocks[16 * group : 16 * group + 16]:
                    line.append(value[byte & 15])
                    line.append(value[byte >> 4])
            matrix[row::rows] = line
        result += little_endian(matrix)
    return bytes(result)


def write_safetensors(path, tensors):
    """Writes tensors (name, dtype, shape, bytes) as the reference library does: by dtype, then name."""
    rank = {"BF16": 0, "U8": 1}
    header, offset, data = {"__metadata__": {"format": "pt"}}, 0, []
    for name, dtype, shape, content in sorted(tensors, key=lambda t: (rank[t[1]], t[0])):
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [offset, offset + len(content)]}
        offset += len(content)
        data.append(content)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(data))


def random_scales(rng, count):
    """Ordinary scales, and a few extreme ones: the smallest, the largest and NaN."""
    scales = bytearray(rng.choices(range(112, 128), k=count))
    for scale in (0, 1, 253, 254, 255):
        scales[rng.randrange(count)] = scale
    return bytes(scales)


def bf16_noise(rng, count):
    """Small positive and negative numbers, like weights."""
    return little_endian(array("H", (rng.randrange(0x3C00, 0x3E00) | rng.choice((0, 0x8000)) for _ in range(count))))


def experts(rng, prefix, rows, columns):
    """(stored tensors, dequantized tensors) of one projection with its bias."""
    groups = columns // 32
    blocks = rng.randbytes(EXPERTS * rows * columns // 2)
    scales = random_scales(rng, EXPERTS * rows * groups)
    bias = (prefix + "_bias", "BF16", [EXPERTS, rows], bf16_noise(rng, EXPERTS * rows))
    stored = [
        (prefix + "_blocks", "U8", [EXPERTS, rows, groups, 16], blocks),
        (prefix + "_scales", "U8", [EXPERTS, rows, groups], scales),
        bias,
    ]
    shown = (prefix, "BF16", [EXPERTS, columns, rows], dequantized(blocks, scales, EXPERTS, rows, columns))
    return stored, [shown, bias]


def plain(rng, name, *shape):
    return (name, "BF16", list(shape), bf16_noise(rng, math.prod(shape)))


def model(rng):
    stored, shown = [], []
    both = [plain(rng, "model.embed_tokens.weight", 128, HIDDEN), plain(rng, "model.norm.weight", HIDDEN)]
    for layer in range(LAYERS):
        prefix = f"model.layers.{layer}."
        for name, rows, columns in (("gate_up_proj", 2 * INTERMEDIATE, HIDDEN), ("down_proj", HIDDEN, INTERMEDIATE)):
            packed, decoded = experts(rng, prefix + "mlp.experts." + name, rows, columns)
            stored += packed
            shown += decoded
        both.append(plain(rng, prefix + "mlp.router.weight", EXPERTS, HIDDEN))
        both += [plain(rng, f"{prefix}self_attn.{p}_proj.weight", HIDDEN, HIDDEN) for p in "qkvo"]
        both.append(plain(rng, prefix + "self_attn.sinks", 8))
    return stored + both, shown + both


CONFIG = {
    "architectures": ["GptOssForCausalLM"],
    "model_type": "gpt_oss",
    "hidden_size": HIDDEN,
    "intermediate_size": INTERMEDIATE,
    "num_hidden_layers": LAYERS,
    "num_local_experts": EXPERTS,
    "quantization_config": {
        "quant_method": "mxfp4",
        "modules_to_not_convert": ["model.layers.*.self_attn", "model.layers.*.mlp.router", "model.embed_tokens"],
    },
}


def main(directory, expected):
    stored, shown = model(random.Random(20))
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "config.json").write_text(json.dumps(CONFIG, indent=2) + "\n")
    write_safetensors(directory / "model.safetensors", stored)
    write_safetensors(expected, shown)


main(Path(sys.argv[1]), Path(sys.argv[2]))
