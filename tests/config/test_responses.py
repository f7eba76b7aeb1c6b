"""Recorded answers in evalkit.toml and behind --responses: who is asked, and who is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evalkit.config import Config, ModelFlags, judge_for, load_config, load_model, variants_for
from evalkit.config.model import EMBEDDED_BASE, EMBEDDED_JUDGE, LOCAL
from evalkit.endpoints.base import RECORDED
from evalkit.errors import InputError, UsageError
from evalkit.suite import Suite, Variant

SUITE = Suite("cities", Path("cities"), (), ())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a file of two variants' answers."""
    monkeypatch.chdir(tmp_path)
    lines: list[dict[str, Any]] = [
        {"case": "a", "text": "x", "variant": "ft", "model": "ft:gpt-4.1-mini:me::x1"},
        {"case": "a", "text": "x", "variant": "teacher", "model": "m1"},
        {"case": "b", "text": "x", "variant": "teacher", "model": "m2"},
    ]
    (tmp_path / "answers.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return tmp_path


def load(folder: Path, toml: str = "", **flags: Any) -> Config:
    """Read `toml` as evalkit.toml."""
    (folder / "evalkit.toml").write_text(toml)
    return load_config(folder, ModelFlags(**flags), {})


def asked(config: Config) -> dict[str, Variant]:
    """Who would be asked, by name."""
    return {variant.name: variant for variant in variants_for(config, SUITE)}


def test_responses_alone_is_answered_by_the_files_variants_and_no_ft_is_wanted(folder: Path) -> None:
    """Whatever evalkit.toml names: nothing is asked. A model on which all lines agree decides the price."""
    found = asked(load(folder, '[models]\nbase = "gpt-5"\n', responses="answers.jsonl"))
    assert found == {
        "ft": Variant("ft", "ft:gpt-4.1-mini:me::x1", RECORDED, "short", {}, "answers.jsonl"),
        "teacher": Variant("teacher", "", RECORDED, "short", {}, "answers.jsonl"),
    }


def test_a_named_model_is_asked_beside_the_recorded_ones(folder: Path) -> None:
    """--base asks base and prompted, while ft is answered from the file."""
    config = load(folder, base="gpt-5", responses="answers.jsonl")
    found = asked(config)
    assert {name: variant.endpoint for name, variant in found.items()} == {
        "base": "openai", "prompted": "openai", "ft": RECORDED, "teacher": RECORDED,
    }  # fmt: skip
    assert config.flags.variants == ()
    chosen = asked(load(folder, variants=("teacher",), responses="answers.jsonl"))
    assert list(chosen) == ["teacher"]


def test_the_file_goes_before_a_suites_own_variant(folder: Path) -> None:
    """A flag wins over [suites.SUITE.variants] too."""
    toml = '[suites.cities.variants.ft]\nmodel = "own"\nprompt = "none"\n'
    found = asked(load(folder, toml, responses="answers.jsonl"))
    assert (found["ft"].model, found["ft"].prompt) == ("ft:gpt-4.1-mini:me::x1", "none")


def test_a_variant_of_evalkit_toml_is_answered_from_its_file(folder: Path) -> None:
    """Relative to evalkit.toml; it needs no model; the others are asked as usual, and stay embedded."""
    file = 'responses = "answers.jsonl"'
    toml = f'[variants.old]\n{file}\n[variants.ft]\nmodel = "m"\n{file}\n'
    config = load(folder, toml)
    found = asked(config)
    assert found["old"] == Variant("old", "", RECORDED, "short", {}, "answers.jsonl")
    assert (found["ft"].model, found["ft"].endpoint) == ("m", RECORDED)
    assert (found["base"].model, found["base"].endpoint) == (EMBEDDED_BASE, LOCAL)
    assert judge_for(config, SUITE).model == EMBEDDED_JUDGE


def test_a_named_ft_lends_its_model_to_no_recorded_answers(folder: Path) -> None:
    """Whose answers a file holds, the file or its variant says: else the price would be another model's."""
    toml = '[models]\nbase = "b@http://127.0.0.1:1/v1"\nft = "mine@http://127.0.0.1:1/v1"\n'
    found = asked(load(folder, toml + '[variants.ft]\nresponses = "answers.jsonl"\n'))
    assert (found["ft"].model, found["ft"].endpoint) == ("", RECORDED)


BAD = {
    'responses = "no.jsonl"': r"evalkit\.toml:2: variants\.old\.responses: no file .*no\.jsonl; write",
    'responses = "answers.jsonl"\nendpoint = "openai"': r"toml:1: variants\.old: .*leave the endpoint",
    'responses = "answers.jsonl"\nmodel = "m@http://127.0.0.1:1"': "leave the endpoint out",
    "responses = 3": r"evalkit\.toml:2: variants\.old\.responses: found 3, write a text",
    'model = "m"\nendpoint = "recorded"': "unknown endpoint 'recorded'",
}


@pytest.mark.parametrize(("lines", "told"), BAD.items())
def test_what_cannot_be_used_is_told_with_its_place(folder: Path, lines: str, told: str) -> None:
    """Missing files, an endpoint beside the file, wrong types."""
    with pytest.raises(UsageError, match=told):
        load(folder, f"[variants.old]\n{lines}\n")


def test_recorded_is_no_name_for_an_endpoint(folder: Path) -> None:
    """It stands in records for answers out of a file."""
    with pytest.raises(UsageError, match="`recorded` is where answers come from a file; choose another name"):
        load(folder, '[endpoints.recorded]\nbase_url = "http://127.0.0.1:1"\n')


def test_an_empty_file_has_no_variants(folder: Path) -> None:
    """Nothing to grade is a mistake."""
    (folder / "empty.jsonl").write_text("\n")
    with pytest.raises(InputError, match="holds no answer; write lines such as"):
        load(folder, responses="empty.jsonl")


def test_one_model_is_named_by_its_own_flag(folder: Path) -> None:
    """`record --model`: read like any model, with faults told of that flag."""
    config, ref = load_model(folder, "--model", "llama@http://127.0.0.1:8000/v1", None, {})
    assert config.endpoints[ref.endpoint].base_url == "http://127.0.0.1:8000/v1"
    assert load_model(folder, "--model", "m", "http://127.0.0.1:9/v1", {})[1].endpoint == "127.0.0.1:9/v1"
    with pytest.raises(UsageError, match=r"^--model: unknown endpoint 'gpu'"):
        load_model(folder, "--model", "llama@gpu", None, {})
