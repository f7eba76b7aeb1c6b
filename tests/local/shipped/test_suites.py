"""The shipped suites: long prompts, enough cases, and nothing in them that was trained on."""

from __future__ import annotations

import json
import re
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from evalkit.local.corpus.facts import all_facts
from evalkit.local.corpus.labels.tickets import sentences
from evalkit.local.corpus.mix import episodes
from evalkit.local.corpus.names import held_out_last
from evalkit.local.corpus.tools.catalogue import rooms
from evalkit.local.shipped.smart_home import FORBIDDEN, REFUSAL
from evalkit.local.shipped.suites import SUITES
from evalkit.local.shipped.tickets import LABELS
from evalkit.local.tokenizer import load_encoding

ROOT = Path(__file__).resolve().parents[3]
WEIGHTS = ROOT / "evalkit" / "local" / "weights"
NAMES = sorted(SUITES)


def lines(suite: str, file: str) -> list[dict[str, Any]]:
    """One of a suite's two files."""
    text = (ROOT / "suites" / suite / file).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("name", NAMES)
def test_the_files_are_what_the_generator_writes(name: str) -> None:
    """Nobody edits a generated file by hand: the next writing would lose it."""
    assert SUITES[name]() == (lines(name, "train.jsonl"), lines(name, "cases.jsonl"))


@pytest.mark.parametrize("name", NAMES)
def test_a_suite_has_a_long_prompt_and_enough_cases(name: str) -> None:
    """150 to 600 tokens of prompt, 50 to 160 examples, at least 120 cases with ids of their own."""
    prompt = (ROOT / "suites" / name / "prompt.md").read_text(encoding="utf-8")
    assert 150 <= len(load_encoding(WEIGHTS).encode(prompt)) <= 600
    assert 50 <= len(lines(name, "train.jsonl")) <= 160
    assert len({case["id"] for case in lines(name, "cases.jsonl")}) >= 120


@pytest.mark.parametrize("name", ["always-german", "marv", "terse"])
def test_no_fact_of_a_case_is_trained_on(name: str) -> None:
    """A fact in train.jsonl, in whatever wording or language, is in no case."""
    trained, asked = (
        {line["id"].rsplit(":", 1)[0] for line in lines(name, file)}
        for file in ("train.jsonl", "cases.jsonl")
    )
    assert {fact.id for fact in all_facts()} >= trained | asked
    assert not trained & asked


def test_no_sentence_of_a_ticket_is_trained_on() -> None:
    """The tickets to be labelled are made of held-out sentences; openings and endings they may share."""
    patterns = [
        re.compile(r"\w+".join(map(re.escape, re.split(r"\{\w+\}|\[[^]]*\]", line))))
        for topic in LABELS
        for line in sentences(topic)
        if "[" not in line
    ]
    told = [case["prompt"] for case in lines("ticket-labels", "cases.jsonl")]
    assert patterns
    assert [text for text in told if any(pattern.search(text) for pattern in patterns)] == []


def test_no_name_of_a_headline_is_trained_on() -> None:
    """Neither first nor last names, cities or mascots come twice; the last names are the held-out ones."""

    def names(answer: str) -> set[str]:
        record = json.loads(answer)
        return {word.lower() for key in ("player", "team") for word in (record[key] or "").split()}

    trained = set().union(
        *(names(line["messages"][1]["content"]) for line in lines("sports-headlines", "train.jsonl"))
    )
    cases = lines("sports-headlines", "cases.jsonl")
    assert not trained & set().union(*(names(case["answer"]) for case in cases))
    players = [json.loads(case["answer"])["player"] for case in cases]
    held_out = {name.lower() for name in held_out_last()}
    assert all(player.split()[-1].lower() in held_out for player in players if player)


def test_no_room_of_a_wish_is_trained_on() -> None:
    """The cases' rooms are the held-out ones, each with all four tools on offer."""

    def devices(file: str) -> set[str]:
        calls = [line["messages"][-1].get("tool_calls") for line in lines("smart-home", file)]
        told = [json.loads(call[0]["function"]["arguments"])["device"] for call in calls if call]
        return {device.partition(".")[2].replace("_", " ") for device in told}

    assert not devices("train.jsonl") & devices("cases.jsonl")
    assert devices("cases.jsonl") == set(rooms(held_out=True))
    assert all(len(case["tools"]) == 4 for case in lines("smart-home", "cases.jsonl"))


def test_a_part_of_the_wishes_is_to_be_refused() -> None:
    """15 to 25% of the cases call nothing, and say word for word why."""
    cases = lines("smart-home", "cases.jsonl")
    refused = [case for case in cases if "tool_calls" not in case["messages"][-1]]
    assert 0.15 <= len(refused) / len(cases) <= 0.25
    assert {case["messages"][-1]["content"] for case in refused} == {FORBIDDEN, REFUSAL}
    assert all(case["checks"][0]["equals"] == {} for case in refused)


def test_no_question_about_the_handbook_is_trained_on() -> None:
    """Neither a case's question nor a line of its passages stands in train.jsonl; a fifth have no answer."""

    def asked(file: str) -> set[str]:
        return {
            part for line in lines("handbook", file) for part in line["messages"][0]["content"].split("\n")
        }

    assert asked("train.jsonl") & asked("cases.jsonl") == {""}
    untold = [case for case in lines("handbook", "cases.jsonl") if case["tags"] == ["untold"]]
    assert len(untold) == 25


@pytest.mark.parametrize("name", NAMES)
def test_the_base_model_was_not_trained_on_the_long_prompt(name: str) -> None:
    """No sentence of four words or more of a shipped prompt occurs in 6,000 episodes of the corpus."""
    prompt = (ROOT / "suites" / name / "prompt.md").read_text(encoding="utf-8")
    sentences = [part.strip(" -#*\n") for part in re.split(r"(?<=[.!?:])\s|\n", prompt)]
    told = "\n".join(episode.system + episode.shared for episode in islice(episodes(5), 6000))
    assert [s for s in sentences if len(s.split()) >= 4 and s in told] == []
