# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""convert_gguf.py FOLDER OUT.gguf: writes all tensors to a GGUF file in BF16 (experts also in Q8_0), and reads it back."""

import glob
import sys

import gguf
import numpy as np
from safetensors import safe_open

BF16, Q8_0 = gguf.GGMLQuantizationType.BF16, gguf.GGMLQuantizationType.Q8_0

folder, out = sys.argv[1:]
tensors = {}
for path in sorted(glob.glob(folder + "/*.safetensors")):
    with safe_open(path, "pt") as file:
        tensors |= {name: file.get_tensor(name).float().numpy() for name in file.keys()}

writer = gguf.GGUFWriter(out, "gpt-oss")
wanted = {}
for name, values in sorted(tensors.items()):
    kinds = {name: BF16} | ({name + ".q8": Q8_0} if name.endswith("gate_up_proj") and values.shape[-1] % 32 == 0 else {})
    for label, kind in kinds.items():
        packed = gguf.quants.quantize(values, kind)
        writer.add_tensor(label, packed, raw_dtype=kind)
        wanted[label] = packed
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()

read = {t.name: t for t in gguf.GGUFReader(out).tensors}
assert read.keys() == wanted.keys()
for name, tensor in read.items():
    assert np.array_equal(tensor.data, wanted[name]), name
    if tensor.tensor_type == BF16:
        assert np.array_equal(gguf.quants.dequantize(tensor.data, BF16), tensors[name]), name  # nothing was lost in the conversion
print(len(read))
