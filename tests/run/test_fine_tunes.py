"""Where a run finds its fine-tuned models: evalkit.lock, the spot; and what it says of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalkit.config import LOCAL, Config, LockedModel, ModelFlags, load_config
from evalkit.config.lock import keep
from evalkit.endpoints import retry
from evalkit.endpoints.openai_api import OpenAIEndpoint
from evalkit.errors import UsageError
from evalkit.suite import Suite, load_suite, training_file
from evalkit.tune import Base, FineTuning, Recipe
from evalkit.tune.entry import as_of, entry_for
from evalkit.tune.on_the_spot import ensure
from evalkit.tune.training import read_training
from tests.local.serving import Server
from tests.run.helpers import Watching, run_in
from tests.tune.platform import TRAINED_TOKENS, Platform, serving

SUITE = """
prompt: Answer in capitals.
params: {{temperature: 0, max_tokens: 4}}
{more}
cases: [{{id: oslo, ask: oslo, answer: OSLO}}, {{id: rome, ask: rome, answer: ROME}}]
train: train.jsonl
checks: [equals]
"""


@pytest.fixture
def platform() -> Iterator[Platform]:
    """A platform that closes, loses answers and is late."""
    with serving() as platform:
        yield platform


def write(folder: Path, more: str = "") -> Suite:
    """A suite with ten training lines."""
    folder.mkdir(exist_ok=True)
    (folder / "suite.yaml").write_text(SUITE.format(more=more), "utf-8")
    lines = [{"ask": f"word{number}", "answer": f"WORD{number}"} for number in range(10)]
    (folder / "train.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")
    return load_suite(folder)


def tuned(folder: Path, suite: Suite, place: str, base: str, keep_prompt: bool = False) -> LockedModel:
    """Make a fine-tune at a server, and note it in evalkit.lock as `evalkit tune start --wait` does."""
    config = load_config(folder, ModelFlags(base=f"{base}@{place}"), {})
    settings = next(each for name, each in config.endpoints.items() if name != LOCAL)

    async def made() -> LockedModel:
        endpoint = OpenAIEndpoint(settings.name, place, use_proxy=False)
        try:
            data = training_file(suite, keep_prompt=keep_prompt)
            recipe = Recipe(Base(base), suite.name, data, suffix=suite.name, hyperparameters={"n_epochs": 1})
            job = await FineTuning(endpoint).job((await ensure(recipe, endpoint)).job_id)
            training = read_training(suite.folder, keep_prompt=keep_prompt)
            return as_of(entry_for(training, recipe, settings, job), job)
        finally:
            await endpoint.close()

    entry = asyncio.run(made())
    keep(folder, entry)
    return entry


def asked(folder: Path, suite: Suite, config: Config) -> tuple[dict[str, str], dict[str, Any], list[str]]:
    """Run; the model of each variant, the fine-tunes of run.json, and what was noted."""
    watching = Watching()
    outcome, records = run_in(folder, suite, config, watching, use_cache=False)
    assert outcome.errors == 0, records
    info = json.loads((outcome.folder / "run.json").read_text("utf-8"))
    models = {record.variant: record.request.model for record in records}
    return models, info["fine_tunes"].get(suite.name, {}), watching.notes


def test_a_locked_model_of_the_same_base_and_data_is_ft(tmp_path: Path, platform: Platform) -> None:
    """Nobody names it; run.json says where it was found, by which job, on which data, how it was trained."""
    suite = write(tmp_path / "words")
    entry = tuned(tmp_path, suite, platform.base_url, "gpt-x")
    config = load_config(tmp_path, ModelFlags(base=f"gpt-x@{platform.base_url}"), {})
    models, origins, notes = asked(tmp_path, suite, config)
    assert models == {"base": "gpt-x", "prompted": "gpt-x", "ft": entry.model}
    assert origins["ft"] == {
        "model": entry.model,
        "found": "evalkit.lock",
        "job": "ftjob-0",
        "data_sha256": entry.data_sha256,
        "hyperparameters": {"n_epochs": 1},
        "reused": True,
        "trained_tokens": TRAINED_TOKENS,
        "losses": origins["ft"]["losses"],
    }
    assert notes == []


def test_a_named_model_is_asked_for_and_accounted_for(tmp_path: Path, platform: Platform) -> None:
    """Flags come before evalkit.lock; what is not known here is asked of the server's jobs."""
    suite = write(tmp_path / "words")
    entry = tuned(tmp_path, suite, platform.base_url, "gpt-x")
    (tmp_path / "evalkit.lock").unlink()
    flags = ModelFlags(base=f"gpt-x@{platform.base_url}", ft=f"{entry.model}@{platform.base_url}")
    _, origins, _ = asked(tmp_path, suite, load_config(tmp_path, flags, {}))
    assert (origins["ft"]["found"], origins["ft"]["job"]) == ("named", "ftjob-0")
    assert origins["ft"]["data_sha256"] == entry.data_sha256
    assert origins["ft"]["trained_tokens"] == TRAINED_TOKENS


def test_other_data_or_another_base_is_another_model(tmp_path: Path, platform: Platform) -> None:
    """Elsewhere than on the embedded server nothing is trained by surprise: what evalkit.lock has is told."""
    suite = write(tmp_path / "words")
    tuned(tmp_path, suite, platform.base_url, "gpt-x")
    changed = write(tmp_path / "words", "short_prompt: Be loud.")
    config = load_config(tmp_path, ModelFlags(base=f"gpt-x@{platform.base_url}"), {})
    with pytest.raises(
        UsageError, match=r"evalkit\.lock has ft:gpt-x:org:words:0, of another base or on other"
    ):
        run_in(tmp_path, changed, config)
    other = load_config(tmp_path, ModelFlags(base=f"gpt-y@{platform.base_url}"), {})
    with pytest.raises(UsageError, match="of another base or on other data"):
        run_in(tmp_path, suite, other)


def test_a_model_with_the_prompt_is_ft_prompted(tmp_path: Path, platform: Platform) -> None:
    """--keep-prompt made it to be asked with the prompt; as `ft` it is not taken, and that is said."""
    suite = write(tmp_path / "words")
    entry = tuned(tmp_path, suite, platform.base_url, "gpt-x", keep_prompt=True)
    base = f"gpt-x@{platform.base_url}"
    with pytest.raises(UsageError, match="trained with the prompt: compare it as ft_prompted"):
        run_in(tmp_path, suite, load_config(tmp_path, ModelFlags(base=base), {}))
    flags = ModelFlags(base=base, variants=("base", "ft_prompted"), candidate="ft_prompted")
    models, _, notes = asked(tmp_path, suite, load_config(tmp_path, flags, {}))
    assert models["ft_prompted"] == entry.model
    assert notes == []


def test_another_system_message_than_it_was_trained_with_is_told(tmp_path: Path, platform: Platform) -> None:
    """Before anything is asked, with both messages."""
    suite = write(tmp_path / "words")
    entry = tuned(tmp_path, suite, platform.base_url, "gpt-x")
    changed = write(tmp_path / "words", "short_prompt: Be loud.")
    flags = ModelFlags(base=f"gpt-x@{platform.base_url}", ft=f"{entry.model}@{platform.base_url}")
    _, _, notes = asked(tmp_path, changed, load_config(tmp_path, flags, {}))
    assert len(notes) == 1
    assert "was trained with no system message and will be sent the system message 'Be loud.'" in notes[0]


def test_a_remote_model_that_is_gone_is_not_replaced_by_surprise(tmp_path: Path, platform: Platform) -> None:
    """It was deleted long after it was made: exit 4, with the command that makes it anew."""
    suite = write(tmp_path / "words")
    tuned(tmp_path, suite, platform.base_url, "gpt-x")
    platform.models.clear()
    platform.jobs[0]["finished_at"] = 0
    config = load_config(tmp_path, ModelFlags(base=f"gpt-x@{platform.base_url}"), {})
    with pytest.raises(UsageError, match=r"is not served any more; make it anew with evalkit tune start"):
        run_in(tmp_path, suite, config)


def test_a_model_that_is_not_ready_yet_is_waited_for(
    tmp_path: Path, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made a moment ago, its first questions are answered 404: they are asked again, and that is said."""
    monkeypatch.setattr(retry.RetryPolicy, "wait_s", lambda *_: 0.01)
    suite = write(tmp_path / "words")
    entry = tuned(tmp_path, suite, platform.base_url, "gpt-x")
    platform.late = 8
    config = load_config(tmp_path, ModelFlags(base=f"gpt-x@{platform.base_url}"), {})
    models, _, notes = asked(tmp_path, suite, config)
    assert models["ft"] == entry.model
    assert notes == [f"{entry.model} was just made and is not ready (model_not_found): waiting up to 600 s"]


def test_a_typing_error_is_not_waited_for(tmp_path: Path, platform: Platform) -> None:
    """No job made such a model: refused before anything is asked."""
    suite = write(tmp_path / "words")
    tuned(tmp_path, suite, platform.base_url, "gpt-x")
    flags = ModelFlags(base=f"gpt-x@{platform.base_url}", ft=f"ft:gpt-x:org:wrods:0@{platform.base_url}")
    with pytest.raises(UsageError, match="has no model 'ft:gpt-x:org:wrods:0'"):
        run_in(tmp_path, suite, load_config(tmp_path, flags, {}))
    assert platform.count("POST", "/chat/completions") == 0


def test_the_embedded_base_takes_its_ft_from_the_lock_too(tmp_path: Path, small_server: Server) -> None:
    """Trained otherwise than on the spot, it is another model, and the one that is asked."""
    suite = write(tmp_path / "words")
    entry = embedded(tuned(tmp_path, suite, small_server.base_url, "evalkit-tiny"))
    (tmp_path / "evalkit.lock").unlink()
    keep(tmp_path, entry)
    config = load_config(tmp_path, ModelFlags(), {}).with_local(small_server.base_url)
    models, origins, _ = asked(tmp_path, suite, config)
    assert models["ft"] == entry.model
    assert origins["ft"]["hyperparameters"]["n_epochs"] == 1


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"model": "ft:evalkit-tiny:local:words:0"}, "is not served any more"),
        ({"base_fingerprint": "of other weights"}, "was made of other weights of evalkit-tiny"),
    ],
)
def test_an_embedded_model_that_is_gone_is_made_anew(
    tmp_path: Path, small_server: Server, change: dict[str, str], why: str
) -> None:
    """Another state folder, or a new base: it costs nothing, and it is said."""
    suite = write(tmp_path / "words")
    entry = embedded(tuned(tmp_path, suite, small_server.base_url, "evalkit-tiny"))
    (tmp_path / "evalkit.lock").unlink()
    gone = replace(entry, **change)  # type: ignore[arg-type]
    keep(tmp_path, gone)
    config = load_config(tmp_path, ModelFlags(), {}).with_local(small_server.base_url)
    models, origins, notes = asked(tmp_path, suite, config)
    assert f"evalkit.lock: {gone.model} {why}; it is made anew" in notes
    assert models["ft"] not in (gone.model, entry.model)
    assert origins["ft"]["found"] == "tuned"


def embedded(entry: LockedModel) -> LockedModel:
    """The entry as the embedded server's, whose address is another each time."""
    return replace(entry, endpoint=LOCAL, base_url=None)
