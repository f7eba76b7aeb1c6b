"""Checkpoints are read faithfully, and unfit ones are refused with the reason."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from evalkit.errors import InputError
from evalkit.local.engine.weights import load_model, named_tensors, save_model
from tests.local.tiny import SMALL, random_model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sound checkpoint."""
    save_model(random_model(SMALL), tmp_path)
    return tmp_path


def change_config(folder: Path, **changes: Any) -> None:
    """Overwrite keys of config.json; None removes one."""
    file = folder / "config.json"
    raw = json.loads(file.read_text()) | changes
    file.write_text(json.dumps({key: value for key, value in raw.items() if value is not None}))


@pytest.mark.parametrize("config", [SMALL, replace(SMALL, tied=False)])
def test_what_was_saved_is_loaded(tmp_path: Path, config: Any) -> None:
    """Sizes, every tensor and the fingerprint come back as they were."""
    model = random_model(config)
    save_model(model, tmp_path / "new" / "folder")
    loaded = load_model(tmp_path / "new" / "folder")
    assert loaded.config == config
    assert loaded.sha256 == model.sha256
    for (name, tensor), (same_name, same) in zip(named_tensors(model), named_tensors(loaded), strict=True):
        assert name == same_name
        assert np.array_equal(tensor, same)


def test_the_fingerprint_tells_weights_apart() -> None:
    """One changed number, or a changed size, is another model."""
    model, other = random_model(SMALL), random_model(SMALL)
    other.norm[0] += 1
    assert len({model.sha256, other.sha256, replace(model, config=replace(SMALL, norm_eps=1e-3)).sha256}) == 3


def test_half_precision_is_widened_exactly(folder: Path) -> None:
    """fp16 and bf16 become the float32 of the same value."""
    tensors = load_file(folder / "model.safetensors")
    halves = {name: tensor.astype(np.float16) for name, tensor in tensors.items()}
    save_file(halves, folder / "model.safetensors")
    for name, tensor in named_tensors(load_model(folder)):
        assert np.array_equal(tensor, halves[name])
    write_bf16(folder / "model.safetensors", tensors)
    for name, tensor in named_tensors(load_model(folder)):
        assert np.array_equal(tensor.view(np.uint32), tensors[name].view(np.uint32) & 0xFFFF0000)


def write_bf16(file: Path, tensors: Mapping[str, np.ndarray]) -> None:
    """Cut float32 to its upper halves; numpy has no bf16, so the file is put together by hand."""
    header, data = {}, b""
    for name, tensor in tensors.items():
        half = (tensor.view(np.uint32) >> 16).astype("<u2").tobytes()
        header[name] = {
            "dtype": "BF16",
            "shape": tensor.shape,
            "data_offsets": [len(data), len(data) + len(half)],
        }
        data += half
    encoded = json.dumps(header).encode()
    file.write_bytes(len(encoded).to_bytes(8, "little") + encoded + data)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"model_type": "mistral"}, "model_type"),
        ({"hidden_act": "gelu"}, "hidden_act"),
        ({"attention_bias": True}, "attention_bias"),
        ({"rope_scaling": {"rope_type": "llama3"}}, "rope_scaling"),
        ({"rope_parameters": {"rope_type": "yarn"}}, "rope_parameters.rope_type"),
        ({"hidden_size": None}, "hidden_size"),
        ({"vocab_size": "64"}, "vocab_size"),
        ({"num_hidden_layers": 0}, "num_hidden_layers"),
        ({"num_hidden_layers": True}, "num_hidden_layers"),
        ({"num_key_value_heads": 3}, "num_key_value_heads"),
        ({"head_dim": 7}, "head_dim"),
        ({"rms_norm_eps": -1}, "rms_norm_eps"),
    ],
)
def test_an_unfit_config_is_refused(folder: Path, changes: dict[str, Any], field: str) -> None:
    """The message names config.json and the field that this engine cannot run."""
    change_config(folder, **changes)
    with pytest.raises(InputError) as caught:
        load_model(folder)
    assert caught.value.field == field
    assert caught.value.file.name == "config.json"


def test_sizes_that_transformers_may_leave_out(folder: Path) -> None:
    """Without head_dim and key/value heads, transformers' own defaults hold; so does its newer rope key."""
    change_config(folder, head_dim=None, rope_theta=None, rope_parameters={"rope_theta": 500.0})
    assert load_model(folder).config == replace(SMALL, rope_theta=500.0)


@pytest.mark.parametrize("file", ["config.json", "model.safetensors"])
@pytest.mark.parametrize("content", [None, b"", b"{", b"\xff\xfe nonsense"])
def test_missing_and_damaged_files_are_named(folder: Path, file: str, content: bytes | None) -> None:
    """No traceback from a parser: the file that cannot be read is named."""
    (folder / file).unlink()
    if content is not None:
        (folder / file).write_bytes(content)
    with pytest.raises(InputError) as caught:
        load_model(folder)
    assert caught.value.file == folder / file


def spoil(folder: Path, name: str, tensor: np.ndarray | None) -> None:
    """Replace or remove one tensor."""
    tensors = load_file(folder / "model.safetensors")
    tensors.pop(name)
    if tensor is not None:
        tensors[name] = tensor
    save_file(tensors, folder / "model.safetensors")


@pytest.mark.parametrize(
    ("tensor", "complaint"),
    [
        (None, "missing"),
        (np.zeros((3, 3), np.float32), "shape"),
        (np.full((SMALL.width,), np.nan, np.float32), "NaN"),
        (np.zeros((SMALL.width,), np.int32), "I32"),
    ],
)
def test_an_unfit_tensor_is_refused(folder: Path, tensor: np.ndarray | None, complaint: str) -> None:
    """The message names the tensor and what is wrong with it."""
    spoil(folder, "model.norm.weight", tensor)
    with pytest.raises(InputError, match=complaint) as caught:
        load_model(folder)
    assert caught.value.field == "model.norm.weight"
