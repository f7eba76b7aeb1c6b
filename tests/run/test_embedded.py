"""A run on the embedded server, here on a small random checkpoint: nothing named, nothing remote."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evalkit.config import ModelFlags, load_config
from evalkit.errors import UsageError
from evalkit.suite import load_suite
from tests.local.serving import Server
from tests.run.helpers import Watching, run_in

SUITE = """
prompt: Answer in capitals.
params: {temperature: 0, max_tokens: 4}
cases: [{id: oslo, ask: oslo, answer: OSLO}, {id: rome, ask: rome, answer: ROME}]
train: train.jsonl
checks: [equals]
"""


def test_ft_is_made_on_the_spot_and_the_run_is_repeatable(tmp_path: Path, small_server: Server) -> None:
    """Three variants, the third a moment old; asked again, the same model and answers, at no cost."""
    folder = tmp_path / "words"
    folder.mkdir()
    (folder / "suite.yaml").write_text(SUITE, "utf-8")
    examples = [{"ask": f"word{number}", "answer": f"WORD{number}"} for number in range(10)]
    (folder / "train.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in examples), "utf-8")
    config = load_config(tmp_path, ModelFlags(), {}).with_local(small_server.base_url)
    runs = []
    for _ in range(2):
        watching = Watching()
        outcome, records = run_in(tmp_path, load_suite(folder), config, watching, use_cache=False)
        assert outcome.errors == 0
        assert {record.cost_usd for record in records} == {0.0}
        runs.append({(r.case, r.variant): (r.request.model, r.response and r.response.text) for r in records})
    assert runs[0] == runs[1]
    models = {variant: model for (_, variant), (model, _) in runs[0].items()}
    assert models["base"] == models["prompted"] == "evalkit-tiny"
    assert models["ft"].startswith("ft:evalkit-tiny:local:words:")
    info = json.loads((outcome.folder / "run.json").read_text())
    assert info["fine_tunes"]["words"]["ft"]["reused"] is True
    assert set(info["endpoints"]["local"]["fingerprints"]) >= {"evalkit-tiny", models["ft"]}


def test_its_address_makes_it_an_endpoint_like_any_other(tmp_path: Path, small_server: Server) -> None:
    """By flags alone; what is only known of `local`, its price of 0, is then unknown."""
    folder = tmp_path / "words"
    folder.mkdir()
    (folder / "suite.yaml").write_text(SUITE.replace("train: train.jsonl\n", ""), "utf-8")
    flags = ModelFlags(base=f"evalkit-tiny@{small_server.base_url}", variants=("base",))
    _, records = run_in(tmp_path, load_suite(folder), load_config(tmp_path, flags, {}))
    for record in records:
        assert record.response is not None
        assert record.response.usage.prompt_tokens is not None
        assert record.cost_usd is None


def test_without_its_server_the_embedded_endpoint_is_not_asked(tmp_path: Path) -> None:
    """Whoever uses `run` from Python is told to start it."""
    folder = tmp_path / "words"
    folder.mkdir()
    (folder / "suite.yaml").write_text(SUITE.replace("train: train.jsonl\n", ""), "utf-8")
    with pytest.raises(UsageError, match="start the embedded server first"):
        run_in(tmp_path, load_suite(folder), load_config(tmp_path, ModelFlags(), {}), gate=False)
