"""A checkpoint of the training as a Hugging Face folder: fp16, safetensors, ready for any Llama engine.

python -m evalkit.local.pretrain.export --checkpoint FOLDER [--out evalkit/local/weights]
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from evalkit.local.pretrain.checkpoint import Progress, load_checkpoint
from evalkit.local.pretrain.tokenizer import SPECIAL, TOKENIZER_FILES
from evalkit.local.pretrain.torch_model import Shape

WEIGHTS = Path(__file__).parents[1] / "weights"


def config(shape: Shape) -> dict[str, Any]:
    """config.json as transformers' LlamaConfig reads it."""
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": shape.vocab,
        "hidden_size": shape.width,
        "intermediate_size": shape.hidden,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_dim,
        "hidden_act": "silu",
        "max_position_embeddings": shape.positions,
        "rms_norm_eps": shape.norm_eps,
        "rope_theta": shape.rope_theta,
        "tie_word_embeddings": True,
        "attention_bias": False,
        "mlp_bias": False,
        "torch_dtype": "float16",
        **generation_config(),
    }


def generation_config() -> dict[str, Any]:
    """Where generation starts, ends and pads: ids of the special tokens."""
    end_of_text, start, end = range(len(SPECIAL))
    return {"bos_token_id": start, "eos_token_id": [end, end_of_text], "pad_token_id": end_of_text}


def export(checkpoint: Path, tokenizer: Path, out: Path) -> Progress:
    """Write the folder; returns how far the training had come. FileNotFoundError without a checkpoint."""
    progress, state = load_checkpoint(checkpoint)
    out.mkdir(parents=True, exist_ok=True)
    weights: dict[str, torch.Tensor] = state["model"]
    halves = {name: tensor.half().contiguous() for name, tensor in weights.items()}
    part = out / "model.safetensors.part"
    save_file(halves, part, metadata={"format": "pt"})
    part.replace(out / "model.safetensors")
    for name, content in (("config", config(Shape())), ("generation_config", generation_config())):
        (out / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    if not tokenizer.samefile(out):
        for name in TOKENIZER_FILES:
            shutil.copyfile(tokenizer / name, out / name)
    return progress


def main() -> None:
    """Export as the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--checkpoint", type=Path, required=True, help="the trainer's --out")
    parser.add_argument("--tokenizer", type=Path, default=WEIGHTS, help="folder of tokenizer.json")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="folder to write")
    options = parser.parse_args()
    progress = export(options.checkpoint, options.tokenizer, options.out)
    size = (options.out / "model.safetensors").stat().st_size
    print(f"{options.out}: {size / 1e6:.1f} MB, {progress.tokens / 1e6:.1f}M tokens, {progress.steps} steps")


if __name__ == "__main__":
    main()
