# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""train_peft.py FOLDER OUT: trains a LoRA on attention and experts for two steps, saves it, merges it and saves the result.

Prints the two losses.
"""

import os
import sys

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM

folder, out = sys.argv[1:]
torch.manual_seed(7)
base = AutoModelForCausalLM.from_pretrained(folder, dtype="auto")
before = {name: p.detach().clone() for name, p in base.named_parameters()}
lora = LoraConfig(
    r=4, lora_alpha=8, init_lora_weights=True, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM",
    target_parameters=["0.mlp.experts.gate_up_proj", "1.mlp.experts.down_proj"],
)  # fmt: skip
model = get_peft_model(base, lora)
trained = [p for p in model.parameters() if p.requires_grad]
optimizer = torch.optim.AdamW(trained, lr=1e-2)
ids = torch.arange(2, 66).reshape(2, 32)
for _ in range(2):
    loss = model(input_ids=ids, labels=ids).loss
    assert loss.isfinite()
    loss.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in trained)
    optimizer.step()
    optimizer.zero_grad()
    print(f"{loss.item():.6f}")

model.save_pretrained(os.path.join(out, "adapter"))
kept = {name.replace("base_model.model.", "").replace(".base_layer", ""): p for name, p in model.named_parameters() if "lora_" not in name}
assert kept.keys() == before.keys()
assert all(torch.equal(p, before[name]) for name, p in kept.items())

# Merge into a separate model on top of the mounted one.
again = AutoModelForCausalLM.from_pretrained(folder, dtype="auto")
PeftModel.from_pretrained(again, os.path.join(out, "adapter")).merge_and_unload().save_pretrained(os.path.join(out, "merged"))
