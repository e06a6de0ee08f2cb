# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""offload_accelerate.py FOLDER SCRATCH: prints the same hash of logits, with layers that stay on disk.

Runs twice: with transformers' device_map and an offload_folder (tensors stay in the checkpoint and are read when they
are needed), and with accelerate's load_checkpoint_and_dispatch (tensors are copied into the folder).
"""

import hashlib
import os
import sys

import torch
from accelerate import init_empty_weights, load_checkpoint_and_dispatch
from transformers import AutoConfig, AutoModelForCausalLM

folder, scratch = sys.argv[1:]
places = {"model.embed_tokens": "cpu", "model.rotary_emb": "cpu", "model.norm": "cpu", "lm_head": "cpu", "model.layers.0": "disk", "model.layers.1": "disk"}


def show(model):
    """Runs the model; some of its weights must be offloaded before and after."""
    assert any(p.device.type == "meta" for p in model.parameters())
    with torch.no_grad():
        logits = model.eval()(input_ids=torch.arange(2, 42)[None]).logits
    assert any(p.device.type == "meta" for p in model.parameters())
    print(hashlib.sha256(logits.view(torch.uint8).numpy().tobytes()).hexdigest())


show(AutoModelForCausalLM.from_pretrained(folder, dtype="auto", device_map=places, offload_folder=os.path.join(scratch, "1")))

config = AutoConfig.from_pretrained(folder)
with init_empty_weights(include_buffers=False):
    model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
show(load_checkpoint_and_dispatch(model, folder, device_map=places, offload_folder=os.path.join(scratch, "2")))
assert os.listdir(os.path.join(scratch, "2"))
