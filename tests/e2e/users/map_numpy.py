# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""map_numpy.py FOLDER: compares npy/, mapped by numpy.load, with tensors/, mapped by torch; prints how many there are."""

import os
import sys

import numpy as np
import torch

count = 0
for name in sorted(os.listdir(sys.argv[1] + "/npy")):
    array = np.load(f"{sys.argv[1]}/npy/{name}", mmap_mode="r")
    assert isinstance(array, np.memmap) and not array.flags.writeable and array.dtype == np.float32, name
    raw = torch.from_file(f"{sys.argv[1]}/tensors/{name.removesuffix('.npy')}", size=array.size, dtype=torch.bfloat16)
    assert np.array_equal(array, raw.float().numpy().reshape(array.shape)), name
    count += 1
print(count)
