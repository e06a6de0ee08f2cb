# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""Every part of every format in turn is in a missing shard: the other tensors are shown correctly or not at all."""

import pytest

import ref_float
import ref_int
import ref_table
import refmodels
import refrepo
import reftensor as rt
from helpers import assert_same

MODELS = {
    "packed": lambda: ref_int.packed_layouts((3, 4)), "int8": ref_int.int8_layouts, "modelopt-int8": ref_int.modelopt_int8,
    "gptq": ref_int.gptq_layouts, "awq": ref_int.awq_layouts, "pairs": ref_int.pairs_layouts, "mxfp6": ref_int.mxfp6_layouts,
    "mlx": lambda: ref_int.mlx_layouts(4, 64), "mlx-float": ref_int.mlx_float_layouts, "fp8": ref_float.fp8_layouts,
    "nvfp4": ref_float.nvfp4_layouts, "bitsandbytes-4bit": ref_table.bnb_layouts, "bitsandbytes-int8": ref_table.bnb8_layouts,
    "gptoss": refmodels.gptoss_hf, "gptoss-original": refmodels.gptoss_original, "mxfp4-packed": refmodels.compressed,
    "quark": refmodels.quark, "deepseek": refmodels.deepseek_v4,
}  # fmt: skip
CODES = ("U8", "I8", "I32", "U32", "F8_E4M3", "F8_E5M2")


def parts_gone(model, place):
    """The name of part number `place` of every group that has as many."""
    return {parts[place] for parts in model.parts.values() if place < len(parts)}


@pytest.mark.parametrize("name", MODELS)
def test_one_part_elsewhere(name, run, place):
    model = MODELS[name]()
    for at in range(max(map(len, model.parts.values()))):
        gone = parts_gone(model, at)
        sharded = refrepo.placed(model, 2, lambda tensor, gone=gone: int(tensor in gone))
        folder = sharded.write(place / f"without-{at}", skip=list(sharded.files)[1:])
        file = list(sharded.files)[0]
        done = run("export", "--partial", folder, place / f"out-{at}")
        assert done.rc == 0, (at, done)
        data = (place / f"out-{at}" / file).read_bytes()
        members, start = rt.header(data)
        members.pop("__metadata__", None)
        want, broken = model.expected(), {output for output, parts in model.parts.items() if gone.intersection(parts)}
        mains = {model.parts[output][0] for output in broken}
        assert broken and not [n for n in mains.intersection(members) if members[n]["dtype"] in CODES], at
        for tensor, entry in members.items():
            begin, end = entry["data_offsets"]
            stored = (want.get(tensor) or model.source[tensor]).data
            assert_same(data[start + begin : start + end], stored, f"{at}: {tensor}")


def test_said_of_a_single_file(run, place):
    """The file is part of a model: the index next to it says that another shard has its column order."""
    model = ref_float.FloatModel(ref_int.ct_config(4))
    ref_int.add_packed(model, "x", 1, (5, 256), 4, 64, order=True)
    sharded = refrepo.placed(model, 2, lambda tensor: int(tensor.endswith("g_idx")))
    first, second = sharded.files
    folder = sharded.write(place / "m", skip=[second])
    run("export", folder / first, place / "out").fails(5, "1 of 2 shards missing", second, "x.weight_packed")
