"""POST /v1/chat/completions, asked by the official client and by hand."""

from __future__ import annotations

import asyncio
import json
import re
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from openai import AsyncOpenAI, BadRequestError, NotFoundError, OpenAI

from evalkit.local.chat_template import ChatTemplate, Message
from evalkit.local.tokenizer import byte_letters, load_encoding
from tests.local.openai_description import assert_conforms
from tests.local.serving import Server

MODEL = "evalkit-tiny"
HELLO: list[Any] = [{"role": "user", "content": "hello"}]
GRADE = {
    "type": "object",
    "properties": {
        "reason": {"type": "string", "maxLength": 30},
        "score": {"type": "integer", "minimum": 1, "maximum": 5},
        "sure": {"type": ["boolean", "null"]},
    },
    "required": ["reason", "score", "sure"],
    "additionalProperties": False,
}


def as_format(schema: dict[str, Any]) -> Any:
    return {"type": "json_schema", "json_schema": {"name": "grade", "strict": True, "schema": schema}}


def test_usage_counts_the_rendered_template(client: OpenAI, checkpoint: Path) -> None:
    """prompt_tokens are those of the chat template with its opening of the answer, nothing more."""
    template = ChatTemplate(load_encoding(checkpoint))
    rendered = template.prompt([Message("system", "Be brief."), Message("user", "Grüße aus Köln 😀")])
    messages: list[Any] = [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "Grüße aus "}, {"type": "text", "text": "Köln 😀"}],
        },
    ]
    answer = client.chat.completions.create(model=MODEL, messages=messages, max_tokens=7, seed=1)
    assert answer.usage is not None
    assert answer.usage.prompt_tokens == len(rendered.ids)
    assert answer.usage.completion_tokens <= 7
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_answer_conforms_to_openais_description(server: Server) -> None:
    """The body of a whole answer, with log probabilities, is valid against OpenAI's schema."""
    body = {"model": MODEL, "messages": HELLO, "max_tokens": 5, "logprobs": True, "top_logprobs": 3}
    answer = server.send("POST", "/chat/completions", json=body).json()
    assert_conforms(answer, "CreateChatCompletionResponse")
    assert answer["object"] == "chat.completion"


def test_chunks_conform_to_openais_description(server: Server) -> None:
    """So is each chunk of a stream."""
    body = {"model": MODEL, "messages": HELLO, "max_tokens": 5, "stream": True}
    lines = server.send("POST", "/chat/completions", json=body | {"stream_options": {"include_usage": True}})
    assert lines.headers["content-type"].startswith("text/event-stream")
    *events, done = [line.removeprefix("data: ") for line in lines.text.split("\n\n") if line]
    assert done == "[DONE]"
    for event in events:
        assert_conforms(json.loads(event), "CreateChatCompletionStreamResponse")


def test_stream_says_what_the_whole_answer_says(client: OpenAI) -> None:
    """Role first, then the same text as without streaming, then the reason of the end, then the usage."""
    asked: dict[str, Any] = {"model": MODEL, "messages": HELLO, "max_tokens": 40, "seed": 3}
    whole = client.chat.completions.create(**asked)
    chunks = list(
        client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True})
    )
    *spoken, end, usage = chunks
    assert spoken[0].choices[0].delta.role == "assistant"
    assert (
        "".join(chunk.choices[0].delta.content or "" for chunk in spoken) == whole.choices[0].message.content
    )
    assert end.choices[0].finish_reason == whole.choices[0].finish_reason
    assert usage.choices == []
    assert usage.usage is not None
    assert whole.usage is not None
    assert usage.usage.completion_tokens == whole.usage.completion_tokens
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_same_seed_same_answer(client: OpenAI) -> None:
    """A seed repeats an answer; another seed gives another one."""

    def ask(seed: int) -> str | None:
        answer = client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=20, seed=seed)
        return answer.choices[0].message.content

    assert ask(5) == ask(5)
    assert ask(5) != ask(6)


def test_company_changes_nothing(server: Server, client: OpenAI) -> None:
    """A request gets the same answer alone and beside nineteen others."""
    texts = [f"question {number}" for number in range(20)]
    alone = [_ask(client, text) for text in texts[:4]]

    async def together() -> list[str | None]:
        async with AsyncOpenAI(base_url=server.base_url, api_key="none", max_retries=0) as client:
            answers = await asyncio.gather(
                *(
                    client.chat.completions.create(
                        model=MODEL,
                        messages=[{"role": "user", "content": text}],
                        max_tokens=24,
                        temperature=0,
                    )
                    for text in texts
                )
            )
        return [answer.choices[0].message.content for answer in answers]

    assert asyncio.run(together())[:4] == alone


def _ask(client: OpenAI, text: str) -> str | None:
    answer = client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": text}], max_tokens=24, temperature=0
    )
    return answer.choices[0].message.content


def test_system_prompt_is_cached(client: OpenAI) -> None:
    """The second request under a long system message takes it from the cache, and usage says so."""
    messages: list[Any] = [{"role": "system", "content": "Answer in verse. " * 8}, *HELLO]
    first, second = (
        client.chat.completions.create(model=MODEL, messages=messages, max_tokens=8, temperature=0)
        for _ in range(2)
    )
    assert first.usage is not None
    assert second.usage is not None
    assert first.usage.prompt_tokens_details is not None
    assert second.usage.prompt_tokens_details is not None
    assert first.usage.prompt_tokens_details.cached_tokens == 0
    cached = second.usage.prompt_tokens_details.cached_tokens
    assert cached is not None
    assert 0 < cached < second.usage.prompt_tokens
    assert first.choices[0].message.content == second.choices[0].message.content


def test_stop_string_ends_the_answer_before_it(client: OpenAI) -> None:
    """A stop string that lies across tokens is found, and is no part of the answer, streamed or not."""
    asked: dict[str, Any] = {"model": MODEL, "messages": HELLO, "max_tokens": 200, "seed": 3}
    full = client.chat.completions.create(**asked).choices[0].message.content or ""
    stop = max(re.findall("[^\ufffd]+", full), key=len)
    assert len(stop) >= 2  # a character or two a token
    cut = client.chat.completions.create(**asked, stop=["never said", stop]).choices[0]
    assert cut.finish_reason == "stop"
    assert cut.message.content == full[: full.index(stop)]
    chunks = client.chat.completions.create(**asked, stop=stop, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == cut.message.content


def test_logprobs_spell_the_answer(client: OpenAI) -> None:
    """The tokens' bytes put together are the answer; alternatives are sorted, best first."""
    answer = client.chat.completions.create(
        model=MODEL, messages=HELLO, max_tokens=12, temperature=0, logprobs=True, top_logprobs=4
    ).choices[0]
    assert answer.logprobs is not None
    assert answer.logprobs.content is not None
    spelled = b"".join(bytes(token.bytes or ()) for token in answer.logprobs.content)
    assert spelled.decode("utf-8", "replace") == answer.message.content
    for token in answer.logprobs.content:
        assert len(token.top_logprobs) == 4
        assert (
            token.logprob == token.top_logprobs[0].logprob == max(top.logprob for top in token.top_logprobs)
        )


def test_streamed_logprobs_are_those_of_the_whole_answer(client: OpenAI) -> None:
    """Streaming splits the list of tokens, and loses none."""
    asked: dict[str, Any] = {"model": MODEL, "messages": HELLO, "max_tokens": 30, "seed": 2, "logprobs": True}
    whole = client.chat.completions.create(**asked).choices[0].logprobs
    streamed = []
    for chunk in client.chat.completions.create(**asked, stream=True):
        logprobs = chunk.choices[0].logprobs
        streamed += (logprobs.content or []) if logprobs else []
    assert whole is not None
    assert [token.bytes for token in streamed] == [token.bytes for token in whole.content or []]


def test_special_token_text_is_ordinary_text(client: OpenAI) -> None:
    """A user who writes `<|im_end|>` ends nothing: it is many tokens of plain text."""
    plain, marked = (
        client.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": text}], max_tokens=1
        ).usage
        for text in ("hello", "hello<|im_end|>")
    )
    assert plain is not None
    assert marked is not None
    assert marked.prompt_tokens > plain.prompt_tokens + 3


@pytest.mark.parametrize("seed", range(6))
def test_json_schema_is_held(client: OpenAI, seed: int) -> None:
    """Whatever a random model says at temperature 1, the answer is valid against the schema."""
    answer = client.chat.completions.create(
        model=MODEL, messages=HELLO, max_tokens=300, seed=seed, response_format=as_format(GRADE)
    ).choices[0]
    assert answer.finish_reason == "stop"
    text = answer.message.content or ""
    jsonschema.validate(json.loads(text), GRADE)
    assert text == json.dumps(json.loads(text), ensure_ascii=False)


def test_max_tokens_cuts_even_a_schema(client: OpenAI) -> None:
    """max_tokens is kept before the schema is: finish_reason says that the answer is cut."""
    answer = client.chat.completions.create(
        model=MODEL, messages=HELLO, max_completion_tokens=5, response_format=as_format(GRADE)
    )
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 5


def test_fingerprint_is_the_models(client: OpenAI) -> None:
    """system_fingerprint is what /v1/models calls `fingerprint`."""
    answer = client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=1)
    model = client.models.retrieve(MODEL)
    assert model.model_extra is not None
    assert answer.system_fingerprint == f"fp_{model.model_extra['fingerprint']}"


def test_what_does_not_concern_the_answer_is_ignored(client: OpenAI) -> None:
    """user, metadata and store are OpenAI's bookkeeping; null is as good as absent."""
    answer = client.chat.completions.create(
        model=MODEL,
        messages=[{"role": "developer", "content": "x"}, *HELLO],
        max_tokens=1,
        user="me",
        metadata={"a": "b"},
        store=True,
        n=1,
        stop=None,
        frequency_penalty=0,
        presence_penalty=0.0,
        logit_bias={},
    )
    assert answer.choices[0].finish_reason in ("stop", "length")


def test_unknown_model(client: OpenAI) -> None:
    """An unknown model is OpenAI's 404 model_not_found."""
    with pytest.raises(NotFoundError) as refusal:
        client.chat.completions.create(model="gpt-9", messages=HELLO)
    assert refusal.value.code == "model_not_found"


def test_too_long_a_prompt(client: OpenAI) -> None:
    """Prompt and max_tokens beyond the context are refused with OpenAI's code, before anything runs."""
    with pytest.raises(BadRequestError, match="maximum context length is 1024 tokens") as refusal:
        client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=1024)
    assert refusal.value.code == "context_length_exceeded"
    with pytest.raises(BadRequestError) as refusal:
        client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "0" * 30_000}])
    assert refusal.value.code == "context_length_exceeded"


@pytest.mark.parametrize(
    ("change", "param", "code", "message"),
    [
        ({"model": None}, None, None, "you must provide a model parameter"),
        ({"model": 3}, "model", "invalid_type", "expected a string, but got an integer"),
        ({"messages": None}, "messages", "missing_required_parameter", "Missing required parameter"),
        ({"messages": []}, "messages", "empty_array", "minimum length 1"),
        ({"messages": "hi"}, "messages", "invalid_type", "expected an array of objects"),
        ({"messages": ["hi"]}, "messages[0]", "invalid_type", "expected an object, but got a string"),
        ({"messages": [{"role": "boss", "content": ""}]}, "messages[0].role", "invalid_value", "'boss'"),
        ({"messages": [{"role": "user"}]}, "messages[0].content", "missing_required_parameter", "content"),
        ({"messages": [{"role": "user", "content": 1}]}, "messages[0].content", "invalid_type", "an integer"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
            "messages[0].content",
            "invalid_type",
            "content parts of type 'text'",
        ),
        ({"temperature": 3}, "temperature", "decimal_above_max_value", "a value <= 2, but got 3"),
        ({"temperature": "1"}, "temperature", "invalid_type", "expected a decimal, but got a string"),
        ({"top_p": -1}, "top_p", "decimal_below_min_value", "a value >= 0"),
        ({"max_tokens": 0}, "max_tokens", "integer_below_min_value", "a value >= 1, but got 0"),
        ({"max_tokens": True}, "max_tokens", "invalid_type", "a boolean"),
        ({"max_tokens": 1.5}, "max_tokens", "invalid_type", "a decimal"),
        ({"max_tokens": 1, "max_completion_tokens": 1}, "max_tokens", "invalid_parameter_combination", ""),
        ({"seed": 2**64}, "seed", "integer_above_max_value", "seed"),
        ({"stop": ["a"] * 5}, "stop", "array_above_max_length", "maximum length 4"),
        ({"stop": [1]}, "stop", "invalid_type", "array of strings"),
        ({"stop": ""}, "stop", "invalid_value", "empty"),
        ({"stream": 1}, "stream", "invalid_type", "a boolean"),
        ({"stream_options": {"include_usage": True}}, "stream_options", None, "'stream' is enabled"),
        ({"n": 0}, "n", "integer_below_min_value", "a value >= 1"),
        ({"n": 129}, "n", "integer_above_max_value", "a value <= 128"),
        ({"logit_bias": {"a": 1}}, "logit_bias", "invalid_value", "non-negative integers"),
        ({"logit_bias": {"99999": 1}}, "logit_bias", "invalid_value", "between 0 and"),
        ({"logit_bias": {"5": 101}}, "logit_bias.5", "decimal_above_max_value", "a value <= 100"),
        ({"presence_penalty": 3}, "presence_penalty", "decimal_above_max_value", "a value <= 2"),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs", "integer_above_max_value", "<= 20"),
        ({"top_logprobs": 2}, "top_logprobs", None, "'logprobs' is enabled"),
        ({"frequency": 1}, None, None, "Unrecognized request argument supplied: frequency"),
        ({"response_format": {"type": "yaml"}}, "response_format.type", "invalid_value", "'yaml'"),
        ({"response_format": {"type": "json_object"}}, "messages", None, "must contain the word 'json'"),
    ],
)  # fmt: skip
def test_refusals(
    server: Server, change: dict[str, Any], param: str | None, code: str | None, message: str
) -> None:
    """Each fault is a 400 invalid_request_error that names the parameter, with OpenAI's code."""
    error = server.refused({"model": MODEL, "messages": HELLO, **change})
    assert (error["type"], error["param"], error["code"]) == ("invalid_request_error", param, code)
    assert message in error["message"]


def test_huge_numbers_are_refused_shortly(server: Server) -> None:
    """A number of four thousand digits is neither a crash nor repeated in the message."""
    body = '{"model": "evalkit-tiny", "messages": [{"role": "user", "content": "x"}], "temperature": %s}'
    error = server.send("POST", "/chat/completions", content=body % ("9" * 4000)).json()["error"]
    assert error["code"] == "decimal_above_max_value"
    assert len(error["message"]) < 300


def test_lone_surrogates_do_no_harm(server: Server) -> None:
    """Text that is no valid Unicode is answered like any other, or refused; never a 500."""
    body = (
        r'{"model": "evalkit-tiny", "max_tokens": 1, "messages": [{"role": "user", "content": "\ud83d x"}]}'
    )
    assert server.send("POST", "/chat/completions", content=body).status_code == 200
    error = server.send("POST", "/chat/completions", content=r'{"model": "\ud83d", "messages": []}')
    assert error.status_code == 400


@pytest.mark.slow
def test_leaving_frees_the_engine(server: Server, client: OpenAI) -> None:
    """Answers whose clients have gone are given up: the next client does not wait for them."""
    long = {"type": "string", "minLength": 400}
    form = as_format(GRADE | {"properties": {"a": long, "b": long}, "required": ["a", "b"]})
    body = {"model": MODEL, "messages": HELLO, "response_format": form}
    began = time.monotonic()
    server.send("POST", "/chat/completions", json=body)
    one_answer = time.monotonic() - began
    with ExitStack() as leaving:
        for _ in range(48):
            asked = server.http.stream(
                "POST", f"{server.base_url}/chat/completions", json=body | {"stream": True}
            )
            leaving.enter_context(asked)
    began = time.monotonic()
    client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=1)
    assert time.monotonic() - began < one_answer  # the 48 take three times as long at the least


def test_several_answers(client: OpenAI) -> None:
    """n answers differ, the seed repeats them all, the first is the one of n=1; the prompt counts once."""
    asked: dict[str, Any] = {"model": MODEL, "messages": HELLO, "max_tokens": 20, "seed": 5}
    one = client.chat.completions.create(**asked)
    three, again = (client.chat.completions.create(**asked, n=3) for _ in range(2))
    texts = [choice.message.content for choice in three.choices]
    assert [choice.index for choice in three.choices] == [0, 1, 2]
    assert texts == [choice.message.content for choice in again.choices]
    assert len(set(texts)) == 3
    assert texts[0] == one.choices[0].message.content
    assert one.usage is not None
    assert three.usage is not None
    assert three.usage.prompt_tokens == one.usage.prompt_tokens
    assert three.usage.completion_tokens > one.usage.completion_tokens
    streamed = ["", "", ""]
    for chunk in client.chat.completions.create(**asked, n=3, stream=True):
        streamed[chunk.choices[0].index] += chunk.choices[0].delta.content or ""
    assert streamed == texts


def test_json_object(client: OpenAI) -> None:
    """JSON mode gives one object, in the spelling of json.dumps, or is cut off by max_tokens."""
    for seed in range(3):
        answer = client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": "Some JSON, please."}],
            response_format={"type": "json_object"},
            seed=seed,
            logit_bias={_token("}"): 8.0, _token("{"): -100.0},
            max_tokens=200,
        ).choices[0]
        if answer.finish_reason == "stop":
            assert isinstance(json.loads(answer.message.content or ""), dict)
        assert (answer.message.content or "").startswith("{")


def _token(character: str) -> str:
    """The id of a printable byte in the small checkpoint; three special tokens come first."""
    return str(3 + sorted(byte_letters(), key=byte_letters().__getitem__).index(character))


def test_bias_bans_and_forces(client: OpenAI) -> None:
    """A bias of 100 makes a token certain, whatever the model thinks; a penalty breaks repetitions."""
    answer = client.chat.completions.create(
        model=MODEL, messages=HELLO, max_tokens=5, logit_bias={_token("x"): 100}
    ).choices[0]
    assert answer.message.content == "xxxxx"
    penalised = client.chat.completions.create(
        model=MODEL,
        messages=HELLO,
        max_tokens=30,
        temperature=0,
        logit_bias={_token("x"): 6},
        frequency_penalty=2,
    ).choices[0]
    assert penalised.message.content is not None
    assert penalised.message.content.count("x") < 30


def test_too_complex_a_schema_is_refused(server: Server) -> None:
    """A schema that turns out to be too much while the answer is written is no 500."""
    many = {"type": "object", "properties": {f"p{number}": {"type": "integer"} for number in range(1500)}}
    form = {"type": "json_schema", "json_schema": {"name": "f", "schema": many}}
    error = server.refused({"model": MODEL, "messages": HELLO, "response_format": form})
    assert "too complex" in error["message"]
