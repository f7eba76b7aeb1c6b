"""A Hugging Face folder of the user's own behind the server's seam."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from evalkit.local.backend import Backend
from evalkit.local.engine.batch import BatchEngine
from evalkit.local.hf.adapters import load_adapter
from evalkit.local.hf.checkpoint import Checkpoint, load_checkpoint
from evalkit.local.hf.folder import CONFIG, check_folder, digest
from evalkit.local.hf.renderer import Renderer
from evalkit.local.hf.slots import HfSlots
from evalkit.local.hf.template import HfTemplate
from evalkit.local.hf.vocabulary import token_bytes


def open_folder(folder: Path) -> Backend:
    """Load a model, and begin the process of its chat template.

    Raises:
        UsageError: the folder is refused, or cannot be loaded.
    """
    check_folder(folder)
    renderer = Renderer(folder)  # its process starts while the model is loaded
    try:
        checkpoint = load_checkpoint(folder)
        vocabulary = token_bytes(checkpoint.tokenizer, checkpoint.vocab)
        return Backend(
            name=served_name(folder),
            created=int((folder / CONFIG).stat().st_mtime),
            folder=folder.absolute(),
            sha256=digest(folder),
            engine=BatchEngine(HfSlots(checkpoint)),
            template=template_of(checkpoint, renderer),
            vocabulary=vocabulary,
            load_adapter=load_adapter,
            worker="evalkit.local.hf.worker",
            close=renderer.close,
        )
    except BaseException:
        renderer.close()
        raise


def served_name(folder: Path) -> str:
    """Name a model after its folder, in letters that can stand in `ft:base:...` and in a URL."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", folder.absolute().name).strip("-") or "model"


def template_of(checkpoint: Checkpoint, renderer: Renderer) -> HfTemplate:
    """Give the layout; answers end as generation_config.json and the tokenizer say."""
    settings: Any = checkpoint.model.generation_config
    ends = settings.eos_token_id if settings else None
    named = ends if isinstance(ends, list) else [ends]
    known = [token for token in (*named, checkpoint.tokenizer.eos_token_id) if token is not None]
    return HfTemplate(checkpoint.tokenizer, renderer, frozenset(known))
