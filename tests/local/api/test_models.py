"""/v1/models: list, retrieve, delete; and the names of what is served."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest
from openai import NotFoundError, OpenAI, PermissionDeniedError

from evalkit.local.engine.adapter import save_adapter_file
from evalkit.local.engine.backend import BASE, open_embedded
from evalkit.local.engine.packing import Example
from evalkit.local.engine.train import Hyper, fine_tune
from evalkit.local.engine.weights import load_model
from evalkit.local.http.errors import ApiError
from evalkit.local.rows import TunedModel
from evalkit.local.served import JUDGE, ServedModels
from evalkit.local.store import Store
from tests.local.openai_description import assert_conforms
from tests.local.serving import Server, running


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


def test_a_tuned_model_is_deleted_with_all_that_belongs_to_it(checkpoint: Path, tmp_path: Path) -> None:
    """Its checkpoints and their folders go with it; a checkpoint can go alone; the job stays as it is."""
    lines = [{"prompt": f"{number} plus", "completion": " the end"} for number in range(10)]
    with running(checkpoint, tmp_path) as server, server.client() as client:
        data = "\n".join(map(json.dumps, lines)).encode()
        file = client.files.create(file=("train.jsonl", data), purpose="fine-tune")
        job = client.fine_tuning.jobs.create(
            model=BASE, training_file=file.id, hyperparameters={"n_epochs": 3, "batch_size": 10}
        )
        while client.fine_tuning.jobs.retrieve(job.id).status != "succeeded":
            time.sleep(0.05)
        model = client.fine_tuning.jobs.retrieve(job.id).fine_tuned_model or ""
        adapters = tmp_path / "adapters"
        assert len(list(adapters.iterdir())) == 4
        assert client.models.delete(f"{model}:ckpt-step-1").deleted
        assert len(list(adapters.iterdir())) == 3
        client.completions.create(model=f"{model}:ckpt-step-2", prompt="1 plus", max_tokens=1)
        assert_conforms(server.send("DELETE", f"/models/{model}").json(), "DeleteModelResponse")
        assert list(adapters.iterdir()) == []
        for name in (model, f"{model}:ckpt-step-2"):
            with pytest.raises(NotFoundError):
                client.completions.create(model=name, prompt="1 plus", max_tokens=1)
            with pytest.raises(NotFoundError):
                client.models.delete(name)
        assert client.fine_tuning.jobs.retrieve(job.id).fine_tuned_model == model


def test_the_base_cannot_be_deleted(client: OpenAI) -> None:
    """403, as for a model of OpenAI's own."""
    with pytest.raises(PermissionDeniedError, match="fine-tuned"):
        client.models.delete(BASE)


def test_models_of_other_weights_are_not_served(checkpoint: Path, tmp_path: Path) -> None:
    """An adapter makes no sense on weights that it was not trained upon; an old row does not tell them."""
    base, store = open_embedded(checkpoint), Store(tmp_path)
    with store.transaction():
        for name, sha256 in (("ft:same", base.sha256), ("ft:other", "00"), ("ft:old", None)):
            store.put(TunedModel(name, 1, BASE, "ftjob-1", "00", base_sha256=sha256))
    models = ServedModels(base, store)
    assert [model.name for model in models.all()] == [BASE, "ft:same", "ft:old"]
    with pytest.raises(ApiError):
        models.find("ft:other")
    store.close()


def test_an_alias_stands_for_the_base(checkpoint: Path, tmp_path: Path) -> None:
    """It is found, under the base's own name, and is not listed."""
    store = Store(tmp_path)
    models = ServedModels(open_embedded(checkpoint), store, aliases=["gpt-4o-mini"])
    assert models.find("gpt-4o-mini") == models.find(BASE)
    assert [model.name for model in models.all()] == [BASE]
    store.close()
