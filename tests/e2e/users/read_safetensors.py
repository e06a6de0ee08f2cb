# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""read_safetensors.py FOLDER: reads every tensor with both back ends of the library, whole and in slices; prints names
and hashes for each back end."""

import glob
import hashlib
import sys

import torch
from safetensors import safe_open

for backend in "mmap", "pread":
    hashes = {}
    for path in sorted(glob.glob(sys.argv[1] + "/*.safetensors")):
        with safe_open(path, "pt", backend=backend) as file:
            for name in file.keys():
                tensor, part = file.get_tensor(name), file.get_slice(name)
                assert part.get_shape() == list(tensor.shape), name
                cut = tuple(slice(n // 3, n - n // 4) for n in tensor.shape)
                assert torch.equal(part[cut], tensor[cut]), (name, cut)
                hashes[name] = hashlib.sha256(tensor.view(torch.uint8).numpy().tobytes()).hexdigest()
    for name, digest in sorted(hashes.items()):
        print(name, digest)
