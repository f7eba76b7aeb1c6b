"""What a Hugging Face folder must hold to be served; nothing of it is loaded here.

Refused is whatever could run code when it is loaded: pickled weights, and Python files of the model's own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from evalkit.errors import InputError, UsageError

CONFIG, TOKENIZER, TOKENIZER_CONFIG = "config.json", "tokenizer.json", "tokenizer_config.json"
WEIGHTS, INDEX, TEMPLATE = "model.safetensors", "model.safetensors.index.json", "chat_template.jinja"
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")
CHUNK = 1 << 20  # bytes hashed at a time


def check_folder(folder: Path) -> None:
    """Make sure that a folder can be served.

    Raises:
        UsageError: it is no folder, or lacks weights, tokenizer or chat template, or asks for remote code.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: not a folder: name one with {CONFIG}, {WEIGHTS} and {TOKENIZER}")
    if (folder / "adapter_config.json").exists():
        raise UsageError(
            f"{folder}: holds adapter_config.json, so it is an adapter and no model: merge it into its base "
            "(peft: merge_and_unload), and give the merged model's folder"
        )
    _check_code(folder)
    _check_weights(folder)
    _check_tokenizer(folder)


def digest(folder: Path) -> str:
    """Give the SHA-256 in hex of every file that answers depend on."""
    found = hashlib.sha256()
    for file in _served_files(folder):
        found.update(f"{file.name} {file.stat().st_size} ".encode())
        with file.open("rb") as content:
            while chunk := content.read(CHUNK):
                found.update(chunk)
    return found.hexdigest()


def _served_files(folder: Path) -> Iterator[Path]:
    for pattern in ("*.json", "*.jinja", "*.safetensors"):
        yield from sorted(folder.glob(pattern))


def _check_code(folder: Path) -> None:
    for name in (CONFIG, TOKENIZER_CONFIG):
        if "auto_map" in _read_object(folder / name):
            raise InputError(
                "the model asks for Python code of its own, which is never run here; "
                "if transformers knows this architecture by itself, delete the field",
                file=folder / name,
                field="auto_map",
            )


def _check_weights(folder: Path) -> None:
    if (folder / WEIGHTS).exists():
        return
    if (folder / INDEX).exists():
        _check_shards(folder)
        return
    if pickles := sorted(file.name for pattern in PICKLES for file in folder.glob(pattern)):
        raise UsageError(
            f"{folder}: its weights are pickled ({pickles[0]}), and a pickle can run code: load it where you "
            "trust it, and save it anew with save_pretrained(folder, safe_serialization=True)"
        )
    raise UsageError(f"{folder}: no weights: {WEIGHTS}, or {INDEX} and its shards, are expected there")


def _check_shards(folder: Path) -> None:
    shards = _read_object(folder / INDEX).get("weight_map")
    if not isinstance(shards, dict) or not shards:
        raise InputError("no object of tensors and their files", file=folder / INDEX, field="weight_map")
    for name in sorted(set(map(str, shards.values()))):
        if Path(name).name != name or not name.endswith(".safetensors"):
            what = f"names {name!r}; files of this folder are expected, ending in .safetensors"
            raise InputError(what, file=folder / INDEX, field="weight_map")
        if not (folder / name).exists():
            raise UsageError(f"{folder}: {name} is missing, which {INDEX} names: copy the whole folder")


def _check_tokenizer(folder: Path) -> None:
    if not (folder / TOKENIZER).exists():
        raise UsageError(
            f"{folder}: no {TOKENIZER}: save the model's tokenizer there "
            "(transformers: AutoTokenizer.from_pretrained(...).save_pretrained(folder))"
        )
    if not (folder / TEMPLATE).exists() and not _read_object(folder / TOKENIZER_CONFIG).get("chat_template"):
        raise UsageError(
            f"{folder}: no chat template: put the one that the model was trained with into {TEMPLATE}, "
            f"or give its instruction-tuned variant"
        )


def _read_object(file: Path) -> dict[str, Any]:
    """Read a JSON object; {} where only config.json must be and this is another file that is not there."""
    try:
        parsed = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        if file.name == CONFIG:
            raise UsageError(f"{file.parent}: no {CONFIG}: give a folder saved by transformers") from None
        return {}
    except OSError as fault:
        raise InputError(f"cannot be read ({fault.strerror})", file=file) from fault
    except (ValueError, RecursionError) as fault:
        raise InputError(f"is not JSON: {fault}", file=file) from fault
    if not isinstance(parsed, dict):
        raise InputError(f"holds a {type(parsed).__name__} where an object is expected", file=file)
    return parsed
