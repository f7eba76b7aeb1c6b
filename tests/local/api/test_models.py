"""GET /v1/models, and the names of what is served."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from openai import NotFoundError, OpenAI

from evalkit.local.engine.adapter import save_adapter_file
from evalkit.local.engine.backend import BASE, open_embedded
from evalkit.local.engine.packing import Example
from evalkit.local.engine.train import Hyper, fine_tune
from evalkit.local.engine.weights import load_model
from evalkit.local.served import JUDGE, ServedModels
from evalkit.local.store import Store
from tests.local.openai_description import assert_conforms
from tests.local.serving import Server


def test_list_conforms_and_names_the_base(server: Server) -> None:
    """The list is valid against OpenAI's schema; each entry has a fingerprint of 16 hex digits."""
    listed = server.send("GET", "/models").json()
    assert_conforms(listed, "ListModelsResponse")
    base = listed["data"][0]
    assert base["id"] == "evalkit-tiny"
    assert len(bytes.fromhex(base["fingerprint"])) == 8


def test_unknown_model_is_404(client: OpenAI) -> None:
    """So is a name with a slash in it."""
    for name in ("gpt-9", "meta/llama"):
        with pytest.raises(NotFoundError) as refusal:
            client.models.retrieve(name)
        assert refusal.value.code == "model_not_found"


def test_judge_is_served_where_its_adapter_is(checkpoint: Path, tmp_path: Path) -> None:
    """The judge is a model of its own: other fingerprint, own adapter; without the file there is none."""
    base = open_embedded(checkpoint)
    adapter = fine_tune(
        load_model(checkpoint), [Example((1, 2, 3), (0, 1, 1))], Hyper(epochs=1), on_step=lambda _step: None
    )
    save_adapter_file(adapter, tmp_path / "judge.safetensors", {})  # type: ignore[arg-type]
    store = Store(tmp_path / "state")
    models = ServedModels(base, store, tmp_path / "judge.safetensors")
    assert [model.name for model in models.all()] == [BASE, JUDGE]
    assert len({model.fingerprint for model in models.all()}) == 2
    assert models.adapter(models.find(BASE)) is None
    assert models.adapter(models.find(JUDGE)) is models.adapter(models.find(JUDGE))
    assert [model.name for model in ServedModels(base, store, tmp_path / "none").all()] == [BASE]
    store.close()
    shutil.rmtree(tmp_path / "state")
