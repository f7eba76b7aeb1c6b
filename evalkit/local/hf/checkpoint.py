"""Loading a folder's model and tokenizer: safetensors only, no code of the folder's own, no network."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache
from transformers.utils import logging

from evalkit.errors import UsageError
from evalkit.local.hf.folder import check_folder

SMALL = 10_000_000  # parameters: handing parts of such a model to several threads takes longer than the parts
UNBOUNDED = 2**31  # positions of a model that has no table of them

logging.disable_progress_bar()
logging.set_verbosity_error()  # what matters of its warnings is checked below, and refused
warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)  # peft asks it


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """A base model in memory, and its tokenizer.

    Attributes:
        vocab: how many tokens it knows.
        positions: how many it reads.
        width: numbers a token is made into.
    """

    model: nn.Module
    tokenizer: Any
    vocab: int
    positions: int
    width: int


def load_checkpoint(folder: Path) -> Checkpoint:
    """Load model and tokenizer: on the GPU in bfloat16 where there is one, else on the CPU in float32.

    Raises:
        UsageError: the folder is refused, or transformers cannot load it whole.
    """
    check_folder(folder)
    tokenizer, model = load_tokenizer(folder), _load_model(folder)
    vocab, width = model.get_input_embeddings().weight.shape
    positions = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    if (highest := max(tokenizer.get_vocab().values())) >= vocab:
        raise UsageError(f"{folder}: token {highest} of the tokenizer is none of the model's {vocab}")
    return Checkpoint(model, tokenizer, vocab, positions or UNBOUNDED, width)


def load_tokenizer(folder: Path) -> Any:
    """Load a fast tokenizer.

    Raises:
        UsageError: transformers cannot load it.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            folder, trust_remote_code=False, local_files_only=True, use_fast=True
        )
    except (OSError, ValueError, ImportError, KeyError, TypeError) as fault:
        raise UsageError(f"{folder}: transformers cannot load its tokenizer: {_first_line(fault)}") from fault
    if not tokenizer.is_fast:
        raise UsageError(f"{folder}: {type(tokenizer).__name__} has no fast form (tokenizer.json)")
    return tokenizer


def _load_model(folder: Path) -> Any:
    try:
        model, info = AutoModelForCausalLM.from_pretrained(
            folder,
            trust_remote_code=False,
            local_files_only=True,
            use_safetensors=True,
            dtype=torch.float32 if _device() == "cpu" else torch.bfloat16,
            output_loading_info=True,
        )
    except (OSError, ValueError, ImportError, KeyError, TypeError, RuntimeError) as fault:
        raise UsageError(f"{folder}: transformers cannot load its model: {_first_line(fault)}") from fault
    if lacking := sorted(map(str, (*info["missing_keys"], *info["mismatched_keys"]))):
        raise UsageError(
            f"{folder}: {len(lacking)} tensors are missing or of other shapes than config.json says, e.g. "
            f"{lacking[0]}: save the whole model anew"
        )
    model.requires_grad_(False)
    torch.set_num_threads(1 if model.num_parameters() < SMALL else os.cpu_count() or 1)
    return _checked(model.to(_device()).eval(), folder)


def _device() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


@torch.inference_mode()
def _checked(model: Any, folder: Path) -> Any:
    """Make sure that all the model remembers is keys and values of each token: rows of a batch are those."""
    cache, asked = DynamicCache(), torch.zeros((1, 2), dtype=torch.long, device=model.device)
    try:
        model(input_ids=asked, past_key_values=cache, use_cache=True)
        remembered = [layer.keys.shape[-2] for layer in cache.layers]
    except (AttributeError, TypeError, ValueError, IndexError, KeyError) as fault:
        remembered = [_first_line(fault)]
    if not remembered or remembered != [2] * len(remembered):
        raise UsageError(
            f"{folder}: a {type(model).__name__} does not keep plain keys and values of each token, which is "
            "what this server's batches are made of; take a model of another architecture"
        )
    return model


def _first_line(fault: Exception) -> str:
    return str(fault).strip().partition("\n")[0] or type(fault).__name__
