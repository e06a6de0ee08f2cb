# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""load_transformers.py FOLDER: loads a model with from_pretrained and prints a hash of the logits of forty tokens."""

import hashlib
import sys

import torch
from transformers import AutoModelForCausalLM

model = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype="auto").eval()
assert model.dtype == torch.bfloat16
with torch.no_grad():
    logits = model(input_ids=torch.arange(2, 42)[None]).logits
assert logits.isfinite().all() and logits.std() > 0
print(hashlib.sha256(logits.view(torch.uint8).numpy().tobytes()).hexdigest())
