"""POST /v1/completions: all four forms of a prompt, asked by the official client and by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI

from evalkit.local.tokenizer import load_encoding
from tests.local.openai_description import assert_conforms
from tests.local.serving import Server

MODEL = "evalkit-tiny"


def test_text_and_its_tokens_get_the_same_answer(client: OpenAI, checkpoint: Path) -> None:
    """A prompt is the same as text, in a list, as tokens, and as a list of tokens."""
    ids = load_encoding(checkpoint).encode_ordinary("This is a test")
    forms: list[Any] = ["This is a test", ["This is a test"], ids, [ids]]
    answers = [client.completions.create(model=MODEL, prompt=form, temperature=0) for form in forms]
    assert len({answer.choices[0].text for answer in answers}) == 1
    usages = [answer.usage for answer in answers]
    assert all(usage is not None and usage.prompt_tokens == len(ids) for usage in usages)


def test_default_is_sixteen_tokens(client: OpenAI) -> None:
    """max_tokens is 16 where it is not given, as at OpenAI."""
    answer = client.completions.create(model=MODEL, prompt="the", temperature=0)
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 16
    assert answer.choices[0].finish_reason == "length"


def test_several_prompts_are_answered_in_order(client: OpenAI) -> None:
    """Each prompt has a choice with its index, and the answer that it gets alone; usage is the sum."""
    prompts = ["one", "two", "three"]
    together = client.completions.create(model=MODEL, prompt=prompts, temperature=0, max_tokens=5)
    alone = [
        client.completions.create(model=MODEL, prompt=text, temperature=0, max_tokens=5) for text in prompts
    ]
    assert [choice.index for choice in together.choices] == [0, 1, 2]
    assert [choice.text for choice in together.choices] == [answer.choices[0].text for answer in alone]
    assert together.usage is not None
    assert together.usage.prompt_tokens == sum(answer.usage.prompt_tokens for answer in alone if answer.usage)


def test_echo_repeats_the_prompt(client: OpenAI) -> None:
    """echo puts the prompt before the answer; with max_tokens 0 it is all there is."""
    asked: dict[str, Any] = {"model": MODEL, "prompt": "Grüße", "temperature": 0}
    answer = client.completions.create(**asked, max_tokens=6).choices[0].text
    assert client.completions.create(**asked, max_tokens=6, echo=True).choices[0].text == "Grüße" + answer
    nothing = client.completions.create(**asked, max_tokens=0, echo=True)
    assert nothing.choices[0].text == "Grüße"
    assert nothing.usage is not None
    assert nothing.usage.completion_tokens == 0


def test_stream_says_what_the_whole_answer_says(client: OpenAI) -> None:
    """Streams of several prompts, echo included, add up to the whole answers."""
    asked: dict[str, Any] = {
        "model": MODEL, "prompt": ["one", "two"], "seed": 5, "max_tokens": 20, "echo": True
    }  # fmt: skip
    whole = client.completions.create(**asked)
    texts = {0: "", 1: ""}
    for chunk in client.completions.create(**asked, stream=True, stream_options={"include_usage": True}):
        for choice in chunk.choices:
            texts[choice.index] += choice.text
        last = chunk
    assert list(texts.values()) == [choice.text for choice in whole.choices]
    assert last.usage == whole.usage


def test_logprobs_have_the_legacy_shape(client: OpenAI, server: Server) -> None:
    """Four lists of one length; offsets count characters and go on from the prompt."""
    body = {"model": MODEL, "prompt": "then", "seed": 1, "max_tokens": 8, "logprobs": 3}
    answer = server.send("POST", "/completions", json=body).json()
    assert_conforms(answer, "CreateCompletionResponse")
    logprobs = client.completions.create(**body).choices[0].logprobs  # type: ignore[call-overload]
    assert len(logprobs.tokens) == len(logprobs.token_logprobs) == len(logprobs.text_offset) == 8
    assert all(1 <= len(top) <= 3 for top in logprobs.top_logprobs)
    assert logprobs.text_offset[0] == len("then")
    assert logprobs.text_offset == sorted(logprobs.text_offset)


def test_echo_scores_the_prompt(server: Server) -> None:
    """echo with logprobs tells how probable the prompt was. Its first token follows nothing and has null,

    as at OpenAI, though OpenAI's description forgets it.
    """
    body = {"model": MODEL, "prompt": "then the test", "temperature": 0, "max_tokens": 4, "logprobs": 2}
    answer = server.send("POST", "/completions", json=body).json()
    echoed = server.send("POST", "/completions", json={**body, "echo": True}).json()
    assert echoed["choices"][0]["text"] == "then the test" + answer["choices"][0]["text"]
    assert echoed["usage"] == answer["usage"]
    scored, plain = echoed["choices"][0]["logprobs"], answer["choices"][0]["logprobs"]
    assert "".join(scored["tokens"][:-4]) == "then the test"
    assert len({len(scored[name]) for name in scored}) == 1
    assert scored["token_logprobs"][0] is scored["top_logprobs"][0] is None
    assert all(logprob < 0 for logprob in scored["token_logprobs"][1:])
    assert scored["token_logprobs"][-4:] == pytest.approx(plain["token_logprobs"], abs=1e-3)
    assert scored["text_offset"][0] == 0
    lines = server.send("POST", "/completions", json={**body, "echo": True, "stream": True}).text.split(
        "\n\n"
    )
    chunks = [
        json.loads(line.removeprefix("data: "))["choices"][0] for line in lines if line.startswith("data: {")
    ]
    assert "".join(chunk["text"] for chunk in chunks) == echoed["choices"][0]["text"]
    assert [token for chunk in chunks for token in chunk["logprobs"]["tokens"]] == scored["tokens"]


def test_scores_are_those_of_the_model(server: Server, checkpoint: Path) -> None:
    """What a token was worth when it was generated, it is worth when it is scored."""
    body = {"model": MODEL, "temperature": 0, "logprobs": 1, "prompt": "then"}
    said = server.send(
        "POST", "/completions", json={**body, "max_tokens": 1, "logit_bias": {"70": 100}}
    ).json()
    ids = [*load_encoding(checkpoint).encode_ordinary("then"), 70]
    scored = server.send(
        "POST", "/completions", json={**body, "prompt": ids, "max_tokens": 0, "echo": True}
    ).json()
    worth = [answer["choices"][0]["logprobs"]["token_logprobs"][-1] for answer in (said, scored)]
    assert worth[0] == pytest.approx(worth[1], abs=1e-3)
    assert scored["usage"]["completion_tokens"] == 0


def test_several_answers_and_the_best_of_more(client: OpenAI) -> None:
    """n answers to each prompt; best_of draws more and gives the most probable of them, best first."""
    asked: dict[str, Any] = {
        "model": MODEL,
        "prompt": ["one", "two"],
        "max_tokens": 6,
        "seed": 3,
        "logprobs": 0,
    }
    all_five = client.completions.create(**asked, n=5)
    assert [choice.index for choice in all_five.choices] == list(range(10))
    best = client.completions.create(**asked, n=2, best_of=5)
    assert len(best.choices) == 4
    assert best.usage == all_five.usage

    def mean(choice: Any) -> float:
        return sum(choice.logprobs.token_logprobs) / len(choice.logprobs.token_logprobs)

    for prompt in range(2):
        drawn = sorted(all_five.choices[prompt * 5 : prompt * 5 + 5], key=mean, reverse=True)
        assert [choice.text for choice in best.choices[prompt * 2 : prompt * 2 + 2]] == [
            choice.text for choice in drawn[:2]
        ]


def test_shared_instructions_are_cached(client: OpenAI) -> None:
    """What stands before the last blank line is shared: the second prompt takes it from the cache."""
    head = "Label the ticket as one of: billing, bug, praise. Answer with the label.\n\n"
    answers = [
        client.completions.create(model=MODEL, prompt=f"{head}{ticket}\nLabel:", temperature=0)
        for ticket in ("the bill is wrong", "it crashes")
    ]
    cached = [answer.usage.prompt_tokens_details for answer in answers if answer.usage]
    assert cached[0] is not None
    assert cached[1] is not None
    assert cached[0].cached_tokens == 0
    assert (cached[1].cached_tokens or 0) > 16


@pytest.mark.parametrize(
    ("change", "param", "code", "message"),
    [
        ({"prompt": []}, "prompt", "invalid_type", "an array of integer arrays, but got an array"),
        ({"prompt": [1, "a"]}, "prompt", "invalid_type", "array of strings"),
        ({"prompt": {"a": 1}}, "prompt", "invalid_type", "but got an object"),
        ({"prompt": [True]}, "prompt", "invalid_type", "array of integers"),
        ({"prompt": [[]]}, "prompt", "invalid_type", "array of integers"),
        ({"prompt": [10**6]}, "prompt", "invalid_value", "token ids are between 0 and"),
        ({"prompt": [-1]}, "prompt", "invalid_value", "but got -1"),
        (
            {"prompt": "0" * 1020},
            "prompt",
            "context_length_exceeded",
            "1020 in the prompt, 16 in the completion",
        ),
        ({"logprobs": 6}, "logprobs", "integer_above_max_value", "<= 5"),
        ({"best_of": 1, "n": 2}, "best_of", None, "more choices than it will generate"),
        ({"best_of": 3, "stream": True}, "best_of", None, "cannot be streamed"),
        ({"best_of": 21}, "best_of", "integer_above_max_value", "a value <= 20"),
        ({"prompt": ["x"] * 2049}, "prompt", None, "at most 2048"),
        ({"suffix": "end"}, "suffix", "unsupported_parameter", "suffix"),
        ({"messages": []}, None, None, "Unrecognized request argument supplied: messages"),
    ],
)
def test_refusals(
    server: Server, change: dict[str, Any], param: str | None, code: str | None, message: str
) -> None:
    """Each fault is a 400 that names the parameter."""
    error = server.refused({"model": MODEL, "prompt": "x", **change}, "/completions")
    assert (error["type"], error["param"], error["code"]) == ("invalid_request_error", param, code)
    assert message in error["message"]
