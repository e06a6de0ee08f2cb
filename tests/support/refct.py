# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""compressed-tensors as an oracle: its preset schemes, compressing weights and decompressing them."""

import torch
from compressed_tensors.compressors import BaseCompressor
from compressed_tensors.compressors.format import infer_module_format
from compressed_tensors.quantization import QuantizationConfig
from compressed_tensors.quantization.quant_scheme import PRESET_SCHEMES, preset_name_to_scheme
from compressed_tensors.quantization.utils import calculate_qparams, generate_gparam, maybe_pad_tensor_for_block_quant


class Preset:
    """A preset scheme with the format that the library itself chooses for it."""

    def __init__(self, name):
        self.scheme = preset_name_to_scheme(name, ["Linear"])
        self.args = self.scheme.weights
        self.format = infer_module_format(torch.nn.Linear, self.scheme)
        self.scheme.format = self.format
        self.compressor = BaseCompressor.get_value_from_registry(self.format.value)

    def config(self, **more):
        """The quantization_config that the library writes."""
        config = QuantizationConfig(config_groups={"group_0": self.scheme}, format=self.format.value, quantization_status="compressed", **more)
        return {"quant_method": "compressed-tensors", **config.model_dump(mode="json", exclude={"quant_method"})}

    def compress(self, weight, scale_dtype=None):
        """Compresses a weight [N, K], with scales and zero points from its smallest and largest values."""
        state = {"weight": weight}
        if self.args.strategy == "tensor_group":
            state["weight_global_scale"] = generate_gparam(*weight.aminmax())
        scale, zero = calculate_qparams(*extremes(weight, self.args), self.args, state.get("weight_global_scale"))
        state["weight_scale"] = scale.to(scale_dtype or weight.dtype)
        if self.args.type == "int":
            state["weight_zero_point"] = zero
        return self.compressor.compress(state, self.scheme)

    def decompress(self, stored):
        """Decompresses the stored tensors of a weight."""
        return self.compressor.decompress(dict(stored), self.scheme)["weight"]


def extremes(weight, args):
    """The smallest and the largest value of each run of weights that share a scale."""
    if args.strategy == "tensor":
        runs = weight.reshape(1, -1)
    elif args.strategy == "channel":
        runs = weight.unsqueeze(-2)
    elif args.strategy == "block":
        high, wide = args.block_structure
        padded = maybe_pad_tensor_for_block_quant(weight, args.block_structure)
        blocks = padded.unflatten(0, (-1, high)).unflatten(-1, (-1, wide))
        runs = blocks.transpose(1, 2).flatten(-2)
    else:
        runs = weight.unflatten(-1, (-1, args.group_size))
    return runs.amin(-1), runs.amax(-1)


def presets():
    """The names of all presets that quantize weights."""
    return [name for name in PRESET_SCHEMES if preset_name_to_scheme(name, ["Linear"]).weights]
