"""Adapters are written and read under PEFT's names, and unfit ones are refused with the reason."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from evalkit.errors import InputError
from evalkit.local.engine.adapter import load_adapter, save_adapter, save_adapter_file
from tests.local.engine.answering import random_adapter
from tests.local.tiny import SMALL


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A sound adapter of rank 4."""
    save_adapter_file(random_adapter(SMALL, seed=1), tmp_path / "adapter.safetensors", {"base": "tiny"})
    return tmp_path / "adapter.safetensors"


def rewrite(file: Path, changes: dict[str, np.ndarray | None], **settings: Any) -> None:
    """Change tensors (None removes one) and settings in the header."""
    tensors = load_file(file) | changes
    raw = {"r": 4, "lora_alpha": 4} | settings
    kept = {name: tensor for name, tensor in tensors.items() if tensor is not None}
    save_file(kept, file, metadata={"adapter_config": json.dumps(raw)})


def test_what_was_saved_is_loaded(file: Path) -> None:
    """All factors come back bit for bit, so the fingerprint does too; other numbers have another one."""
    adapter, loaded = random_adapter(SMALL, seed=1), load_adapter(file)
    assert loaded.rank == 4
    assert loaded.sha256 == adapter.sha256 != random_adapter(SMALL, seed=2).sha256
    assert loaded.fits(SMALL)
    assert not loaded.fits(replace(SMALL, layers=3))
    assert not loaded.fits(replace(SMALL, hidden=50))


def test_names_and_header_are_those_of_peft(file: Path) -> None:
    """PEFT finds its settings, and a matrix where it looks for it; the caller's notes are kept."""
    with safe_open(file, framework="numpy") as handle:
        header = handle.metadata()
        down = handle.get_tensor("base_model.model.model.layers.1.mlp.down_proj.lora_A.weight")
    settings = json.loads(header["adapter_config"])
    assert (settings["peft_type"], settings["r"], settings["lora_alpha"]) == ("LORA", 4, 4)
    assert {"q_proj", "down_proj"} < set(settings["target_modules"])
    assert header["base"] == "tiny"
    assert down.shape == (4, SMALL.hidden)


def test_the_scale_of_peft_is_applied(file: Path) -> None:
    """lora_alpha 8 at rank 4 doubles what is added: B is scaled, A is not."""
    before = load_adapter(file)
    rewrite(file, {}, lora_alpha=8)
    for name, factor in load_adapter(file).factors.items():
        assert np.array_equal(factor, before.factors[name] * (2 if "lora_B" in name else 1))


KEY = "base_model.model.model.layers.0.mlp.up_proj.lora_A.weight"


@pytest.mark.parametrize(
    ("changes", "settings", "field"),
    [
        ({KEY: None}, {}, KEY),
        (
            {"base_model.model.lm_head.lora_A.weight": np.zeros((4, 4), np.float32)},
            {},
            "base_model.model.lm_head",
        ),
        ({KEY: np.zeros((5, SMALL.width), np.float32)}, {}, KEY),
        ({KEY: np.zeros(4, np.float32)}, {}, KEY),
        ({KEY: np.full((4, SMALL.width), np.inf, np.float32)}, {}, KEY),
        ({}, {"r": 0}, "adapter_config"),
        ({}, {"lora_alpha": None}, "adapter_config"),
        ({}, {"use_dora": True}, "adapter_config"),
        ({}, {"alpha_pattern": {"q_proj": 4}}, "adapter_config"),
    ],
)
def test_an_unfit_adapter_is_refused(file: Path, changes: Any, settings: Any, field: str) -> None:
    """The message names the file and the factor or setting."""
    rewrite(file, changes, **settings)
    with pytest.raises(InputError) as caught:
        load_adapter(file)
    assert (caught.value.field or "").startswith(field)


@pytest.mark.parametrize("header", [None, {"adapter_config": "{"}, {"adapter_config": "[]"}])
def test_settings_must_stand_in_the_header(file: Path, header: dict[str, str] | None) -> None:
    """Without PEFT's settings the scale is unknown: refused, not guessed."""
    save_file(load_file(file), file, metadata=header)
    with pytest.raises(InputError, match="adapter_config"):
        load_adapter(file)


def test_a_folder_is_that_of_peft(tmp_path: Path) -> None:
    """Two files of PEFT's names; what is read back is what was written, bit for bit."""
    adapter = random_adapter(SMALL, seed=1)
    save_adapter(adapter, tmp_path / "made")
    assert {path.name for path in (tmp_path / "made").iterdir()} == {
        "adapter_config.json",
        "adapter_model.safetensors",
    }
    settings = json.loads((tmp_path / "made" / "adapter_config.json").read_text())
    assert (settings["peft_type"], settings["r"], settings["bias"]) == ("LORA", 4, "none")
    assert load_adapter(tmp_path / "made").sha256 == adapter.sha256


@pytest.mark.parametrize("text", [None, "{", "[]", "[" * 100_000])
def test_a_folder_without_settings_is_refused(tmp_path: Path, text: str | None) -> None:
    """The message names the file that is missing or damaged."""
    save_adapter(random_adapter(SMALL, seed=1), tmp_path)
    (tmp_path / "adapter_config.json").unlink()
    if text is not None:
        (tmp_path / "adapter_config.json").write_text(text)
    with pytest.raises(InputError, match=r"adapter_config\.json"):
        load_adapter(tmp_path)
