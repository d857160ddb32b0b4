"""Memory and time of loading a checkpoint: ours and transformers', each in a process of its own.

    python -m tests.benchmarks.bench_loading [gigabytes, default 1.0]

Writes a checkpoint of random weights of that size, of a Llama and of a GPT-2 (whose matrices lie
transposed), and prints the greatest memory that loading added, divided by the size of the files.
"""

import ctypes
import json
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch

from common.interop import load_pretrained, save_pretrained
from common.interop.config_file import write_config
from common.interop.mapping import published_places, skeleton
from common.interop.weight_file import write_weights
from common.model import TransformerLM
from common.model_config import ModelConfig
from tests.benchmarks.measure import report

RESET = Path("/proc/self/clear_refs")  # Linux: forgets the peak of the resident memory
SIZES = {"vocab_size": 50257, "context_length": 1024, "d_model": 1024, "num_heads": 16}
CONFIGS = {
    "llama": ModelConfig(**SIZES, num_layers=1, rope_layout="half", tie_embeddings=True),
    "gpt2": ModelConfig.gpt2_small(**SIZES, num_layers=1),
}


def status_bytes(entry: str) -> int:
    """VmRSS, the resident memory, or VmHWM, its peak, of this process."""
    return int(re.search(rf"{entry}:\s+(\d+)", Path("/proc/self/status").read_text())[1]) * 1024


def write_random(folder: Path, model_type: str, num_bytes: float) -> int:
    """A float32 checkpoint of at least num_bytes, by as many layers as it takes; its size."""
    config = CONFIGS[model_type]
    one = sum(p.numel() for p in skeleton(config).parameters())
    two = sum(p.numel() for p in skeleton(replace(config, num_layers=2)).parameters())
    config = replace(config, num_layers=max(1, 1 + -(-int(num_bytes / 4 - one) // (two - one))))
    model, layout = skeleton(config), {}
    for name, place in published_places(config, model_type).items():
        shape = place.published_shape(model.get_parameter(name).shape)
        layout[place.name] = torch.empty(shape, device="meta")
    numbers = (torch.randn(tensor.shape) for tensor in layout.values())
    write_weights(folder / "model.safetensors", layout, numbers)
    (folder / "config.json").write_text(json.dumps(write_config(config)))
    return (folder / "model.safetensors").stat().st_size


def load(who: str, folder: str | Path, dtype: torch.dtype | None) -> torch.nn.Module:
    if who == "ours":
        return load_pretrained(folder, dtype=dtype)
    import transformers

    transformers.logging.disable_progress_bar()
    return transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=dtype or "auto")


def child(who: str, folder: str, size: str, dtype: str) -> None:
    """Load once and report; what was imported and touched before does not count."""
    with tempfile.TemporaryDirectory() as small:  # all that is imported late, and first-time costs
        tiny = ModelConfig(vocab_size=8, context_length=8, d_model=4, num_layers=1, num_heads=2)
        load(who, save_pretrained(TransformerLM(tiny), None, small), None)
    ctypes.CDLL(None).malloc_trim(0)
    RESET.write_text("5")
    before, start = status_bytes("VmRSS"), time.process_time()
    model = load(who, folder, None if dtype == "stored" else getattr(torch, dtype))
    seconds = time.process_time() - start
    peak = status_bytes("VmHWM") - before
    total = sum(parameter.detach().float().sum() for parameter in model.parameters())
    assert total.isfinite(), "the weights are not numbers"
    used = status_bytes("VmHWM") - before  # a map that is read late shows here
    report(
        f"load {Path(folder).name} as {dtype}, {who}",
        gigabytes=int(size) / 1e9,
        cpu_seconds=seconds,
        peak_over_size=peak / int(size),
        peak_with_first_use=used / int(size),
    )


def main() -> None:
    if not RESET.exists():
        sys.exit("memory is measured through /proc, which this system does not have")
    gigabytes = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    for model_type in CONFIGS:
        with tempfile.TemporaryDirectory() as root:
            folder = Path(root, model_type)
            folder.mkdir()
            size = write_random(folder, model_type, gigabytes * 1e9)
            for dtype in ("stored", "bfloat16"):
                for who in ("ours", "transformers"):
                    arguments = ["child", who, str(folder), str(size), dtype]
                    command = [sys.executable, "-m", "tests.benchmarks.bench_loading", *arguments]
                    done = subprocess.run(command, check=False)
                    if done.returncode:
                        print(f"{who}: not measured (exit {done.returncode})", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        child(*sys.argv[2:])
    else:
        main()
