# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the mxfs authors
"""Time and memory that transformers' from_pretrained takes for a gpt-oss of half a billion parameters:

    mount        the packed model, mounted with mxfs
    dequantize   the packed model, loaded with Mxfp4Config(dequantize=True)
    passthrough  the same model in BF16, through a filesystem that only passes reads on (passthrough.c)

    make && make bench && build/venv/bin/python tests/bench/from_pretrained.py [--rounds N]

transformers may leave BF16 weights in the mapped files and return at once. So the clock stops only when one byte of
every page of every weight has been read, and peak RSS includes all weights.

Each load is a new process with a fresh mount. The three take turns, so that disturbances hit all alike. The source
files are in the page cache. The model (1.4 GB in all) is created for the run and removed afterwards.
"""

import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

# The matrices of gpt-oss-20b, with fewer layers and experts.
SIZES = {"hidden": 2880, "inter": 2880, "layers": 2, "experts": 8, "vocab": 8192, "heads": 36}
KINDS = ["mount", "dequantize", "passthrough"]


def memory(key):
    """VmRSS or VmHWM of this process in bytes."""
    return int(re.search(rf"^{key}:\s+(\d+) kB", pathlib.Path("/proc/self/status").read_text(), re.M).group(1)) * 1024


def work(kind, path):
    """Loads the model once, in this process, and prints time and memory."""
    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    options = {"quantization_config": transformers.Mxfp4Config(dequantize=True)} if kind == "dequantize" else {}
    transformers.GptOssForCausalLM  # noqa: B018 -- import it before the clock starts
    before, start = memory("VmRSS"), time.perf_counter()
    model, info = transformers.AutoModelForCausalLM.from_pretrained(path, dtype="auto", output_loading_info=True, **options)
    returned = time.perf_counter() - start
    assert not any(info.values()), info
    for p in model.parameters():
        p.detach().view(torch.int16).numpy().reshape(-1)[:: 4096 // 2].max()
    seconds = time.perf_counter() - start
    weights = sum(p.numel() for p in model.parameters())
    print(json.dumps({"seconds": seconds, "returned": returned, "peak": memory("VmHWM"), "before": before, "parameters": weights}))


def load(kind, path):
    """Runs work() in a new process."""
    done = subprocess.run([sys.executable, __file__, "--work", kind, str(path)], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def one(kind, folder, programs):
    """Loads once, with the mount that this needs."""
    if kind == "dequantize":
        return load(kind, folder / "packed")
    mnt = folder / "mnt"
    mnt.mkdir(exist_ok=True)
    source = folder / ("packed" if kind == "mount" else "plain")
    command = [programs[kind], *(["-f"] if kind == "mount" else []), str(source), str(mnt)]
    with subprocess.Popen(command) as process:
        try:
            while not os.path.ismount(mnt):
                if process.poll() is not None:
                    sys.exit(f"{command} exited with status {process.returncode}")
                time.sleep(0.005)
            return load(kind, mnt)
        finally:
            subprocess.run(["fusermount3", "-u", str(mnt)], check=False)


def warm(folder):
    """Reads the source files into the page cache."""
    for file in (*(folder / "packed").iterdir(), *(folder / "plain").iterdir()):
        with open(file, "rb") as f:
            while f.read(1 << 24):
                pass


def report(results):
    """Prints the medians of each, and the medians of the ratios taken in each round."""
    print(f"{results['mount'][0]['parameters'] / 1e9:.2f} G parameters, {len(results['mount'])} rounds, medians (min to max)")
    for kind in KINDS:
        seconds, peaks = [r["seconds"] for r in results[kind]], [r["peak"] for r in results[kind]]
        returned = statistics.median(r["returned"] for r in results[kind])
        print(
            f"  {kind:12} {statistics.median(seconds):6.2f} s ({min(seconds):.2f} to {max(seconds):.2f}; the call returned after {returned:.2f})"
            f"   peak RSS {statistics.median(peaks) / 1e9:.2f} GB"
        )
    ratio = lambda key, a, b: statistics.median(x[key] / y[key] for x, y in zip(results[a], results[b]))
    print(f"mount, speed relative to passthrough:        {ratio('seconds', 'passthrough', 'mount'):.2f} (target: at least 0.9)")
    print(f"mount, speed relative to dequantize=True:    {ratio('seconds', 'dequantize', 'mount'):.1f} (target: at least 6)")
    print(f"mount, peak RSS relative to dequantize=True: {ratio('peak', 'mount', 'dequantize'):.2f} (target: at most 0.65)")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--mxfs", default=str(ROOT / "build" / "mxfs"))
    parser.add_argument("--passthrough", default=str(ROOT / "build" / "bench" / "passthrough"))
    parser.add_argument("--work", nargs=2, metavar=("KIND", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(*options.work)
        return
    import refrepo_hf

    programs = {"mount": options.mxfs, "passthrough": options.passthrough}
    with tempfile.TemporaryDirectory(prefix="mxfs-bench.") as name:
        folder = pathlib.Path(name)
        refrepo_hf.gptoss(folder, count=3, **SIZES)
        warm(folder)
        results = {kind: [] for kind in KINDS}
        for _ in range(options.rounds):
            for kind in KINDS:
                results[kind].append(one(kind, folder, programs))
        report(results)


if __name__ == "__main__":
    main()
