"""The Responses API: text and tools, whole and streamed, stored and gone on from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from openai import NotFoundError, OpenAI

from tests.local.openai_description import assert_conforms
from tests.local.serving import Server, running

MODEL = "evalkit-tiny"
PARAMETERS = {
    "type": "object",
    "properties": {"room": {"enum": ["hall", "kitchen"]}, "on": {"type": "boolean"}},
    "required": ["room", "on"],
    "additionalProperties": False,
}
LIGHT: Any = {"type": "function", "name": "set_light", "parameters": PARAMETERS, "strict": True}


def asked(**more: Any) -> dict[str, Any]:
    return {"model": MODEL, "input": "hello", "max_output_tokens": 40, "temperature": 0, **more}


def test_text(client: OpenAI) -> None:
    """A text is asked as a chat's user message is, instructions as its system message."""
    response = client.responses.create(**asked(instructions="Be brief."))
    chat = client.chat.completions.create(
        model=MODEL,
        messages=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hello"}],
        max_tokens=40,
        temperature=0,
    )
    assert response.output_text == chat.choices[0].message.content
    assert response.usage is not None
    assert chat.usage is not None
    assert response.usage.input_tokens == chat.usage.prompt_tokens
    assert response.usage.output_tokens == chat.usage.completion_tokens
    assert response.status == "incomplete"
    assert response.incomplete_details is not None
    assert response.incomplete_details.reason == "max_output_tokens"
    assert response.instructions == "Be brief."


def test_stream_says_what_the_whole_response_says(client: OpenAI) -> None:
    """The client's helper follows the typed events to the same response."""
    whole = client.responses.create(**asked())
    with client.responses.stream(**asked()) as stream:
        events = list(stream)
    final: Any = events[-1].response  # type: ignore[union-attr]
    assert final.output_text == whole.output_text
    assert final.usage == whole.usage
    kinds = [event.type for event in events]
    assert kinds[:4] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert kinds[-4:] == [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.incomplete",
    ]
    assert (
        "".join(event.delta for event in events if event.type == "response.output_text.delta")
        == final.output_text
    )


def test_events_conform_to_openais_description(server: Server) -> None:
    """Each event is valid against OpenAI's schema, and they are numbered."""
    body = asked(stream=True, tools=[LIGHT], tool_choice="required", parallel_tool_calls=False)
    body["max_output_tokens"] = 200
    answer = server.send("POST", "/responses", json=body)
    assert answer.headers["content-type"].startswith("text/event-stream")
    blocks = [block.split("\n") for block in answer.text.strip().split("\n\n")]
    events = [json.loads(data.removeprefix("data: ")) for _, data in blocks]
    assert [name.removeprefix("event: ") for name, _ in blocks] == [event["type"] for event in events]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    for event in events:
        assert_conforms(event, "ResponseStreamEvent")


@pytest.mark.parametrize("stream", [False, True])
def test_a_call_and_what_it_returned(client: OpenAI, stream: bool) -> None:
    """A forced call is well formed; its output is sent back as an item, and the conversation goes on."""
    choice = {"type": "function", "name": "set_light"}
    body = asked(tools=[LIGHT], tool_choice=choice, max_output_tokens=200)
    if stream:
        with client.responses.stream(**body) as events:
            response: Any = events.get_final_response()
    else:
        response = client.responses.create(**body)
    (call,) = response.output
    assert call.type == "function_call"
    assert call.name == "set_light"
    jsonschema.validate(json.loads(call.arguments), PARAMETERS)
    returned = {"type": "function_call_output", "call_id": call.call_id, "output": "done"}
    history = [{"role": "user", "content": "hello"}, *client.responses.retrieve(response.id).output, returned]
    by_items = client.responses.create(**asked(input=history, tools=[LIGHT], tool_choice="none"))
    by_id = client.responses.create(
        **asked(input=[returned], previous_response_id=response.id, tools=[LIGHT], tool_choice="none")
    )
    assert by_items.output_text == by_id.output_text
    assert by_items.usage == by_id.usage


def test_a_form(client: OpenAI) -> None:
    """text.format json_schema holds the answer to the schema."""
    form = {"format": {"type": "json_schema", "name": "light", "strict": True, "schema": PARAMETERS}}
    response = client.responses.create(**asked(text=form, max_output_tokens=200))
    jsonschema.validate(json.loads(response.output_text), PARAMETERS)
    assert response.status == "completed"
    assert response.text is not None
    assert response.text.format is not None
    assert response.text.format.type == "json_schema"


def test_logprobs_where_they_are_included(client: OpenAI) -> None:
    """include asks for log probabilities; without it there are none."""
    include: Any = ["message.output_text.logprobs"]
    told = client.responses.create(**asked(include=include, top_logprobs=2)).output[0]
    assert told.type == "message"
    assert told.content[0].type == "output_text"
    logprobs = told.content[0].logprobs
    assert logprobs
    assert (
        b"".join(bytes(token.bytes) for token in logprobs).decode("utf-8", "replace") == told.content[0].text
    )
    assert all(len(token.top_logprobs) == 2 for token in logprobs)
    plain = client.responses.create(**asked()).output[0]
    assert plain.type == "message"
    assert plain.content[0].type == "output_text"
    assert plain.content[0].logprobs == []


def test_stored_responses(client: OpenAI) -> None:
    """A response can be retrieved, gone on from, its conversation listed; deleted it is gone."""
    first = client.responses.create(**asked(metadata={"case": "7"}))
    assert client.responses.retrieve(first.id) == first
    second = client.responses.create(**asked(input="and then?", previous_response_id=first.id))
    history: Any = [
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": first.output_text},
        {"role": "user", "content": "and then?"},
    ]
    assert second.output_text == client.responses.create(**asked(input=history)).output_text
    pages = client.responses.input_items.list(second.id, limit=2, order="asc")
    items: list[Any] = list(pages)
    assert [item.role for item in items] == ["user", "assistant", "user"]
    assert items[1].id == first.output[0].id
    newest: Any = client.responses.input_items.list(second.id, limit=1).data[0]
    assert newest.content[0].text == "and then?"
    client.responses.delete(first.id)
    for lost in (client.responses.retrieve, client.responses.delete, client.responses.input_items.list):
        with pytest.raises(NotFoundError, match="not found"):
            lost(first.id)
    assert client.responses.create(
        **asked(previous_response_id=second.id)
    ).output  # what it built on is in it


def test_store_false_keeps_nothing(client: OpenAI) -> None:
    """A response that is not to be stored cannot be retrieved."""
    response = client.responses.create(**asked(store=False))
    with pytest.raises(NotFoundError):
        client.responses.retrieve(response.id)


def test_stored_responses_outlive_the_server(checkpoint: Path, tmp_path: Path) -> None:
    """Killed without notice, the server still knows what it has acknowledged."""
    with running(checkpoint, tmp_path) as server, server.client() as client:
        response = client.responses.create(**asked(max_output_tokens=16))
        server.process.kill()
        server.process.wait()
    with running(checkpoint, tmp_path) as server, server.client() as client:
        assert client.responses.retrieve(response.id).output_text == response.output_text


RETURNED = {"type": "function_call_output", "call_id": "a", "output": "x"}
CALLED = {"type": "function_call", "call_id": "a", "name": "f", "arguments": ""}


@pytest.mark.parametrize(
    ("change", "param", "message"),
    [
        ({"model": None}, None, "you must provide a model parameter"),
        ({"input": None}, "input", "Missing required parameter"),
        ({"input": 3}, "input", "a string or an array of input items"),
        ({"input": []}, "input", "empty array"),
        ({"input": [3]}, "input[0]", "an object"),
        ({"input": [{"type": "reasoning"}]}, "input[0].type", "'reasoning'"),
        ({"input": [{"role": "boss", "content": ""}]}, "input[0].role", "'boss'"),
        ({"input": [{"role": "user", "content": [{"type": "x"}]}]}, "input[0].content[0].type", "'x'"),
        ({"input": [{"role": "user", "content": 3}]}, "input[0].content", "an integer"),
        ({"input": [RETURNED]}, "input", "No tool call found for function call output with call_id a"),
        ({"input": [CALLED]}, "input", "No tool output found for function call a"),
        ({"input": [RETURNED, CALLED]}, "input", "No tool call found"),
        ({"max_output_tokens": 15}, "max_output_tokens", "a value >= 16"),
        ({"previous_response_id": "resp_x"}, "previous_response_id", "'resp_x' not found"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type", "'web_search'"),
        ({"tools": [{"type": "function"}]}, "tools[0].name", "Missing required"),
        ({"tools": [LIGHT | {"parameters": {"type": "object"}}]}, "tools[0].parameters", "additional"),
        ({"tools": [LIGHT], "tool_choice": {"type": "function", "name": "x"}}, "tool_choice", "not found in"),
        ({"tool_choice": "required"}, "tool_choice", "only allowed when 'tools' are specified"),
        ({"text": {"format": {"type": "yaml"}}}, "text.format.type", "'yaml'"),
        ({"text": {"format": {"type": "json_object"}}}, "input", "must contain the word 'json'"),
        ({"text": {"format": {"type": "json_schema", "name": "a"}}}, "text.format.schema", "Missing"),
        ({"include": ["x"]}, "include", "Supported values"),
        ({"background": True}, "background", "not supported"),
        ({"conversation": "c"}, "conversation", "not supported"),
        ({"temperature": 3}, "temperature", "a value <= 2"),
        ({"max_output_tokens": 5000}, "input", "maximum context length"),
        ({"metadata": {"a": 1}}, "metadata.a", "a string"),
        ({"frequency": 1}, None, "Unrecognized request argument"),
    ],
)  # fmt: skip
def test_refusals(server: Server, change: dict[str, Any], param: str | None, message: str) -> None:
    """Each fault is a 400 that names its place."""
    error = server.refused(asked(**change), "/responses")
    assert (error["type"], error["param"]) == ("invalid_request_error", param)
    assert message in error["message"]


def test_unknown_model(client: OpenAI) -> None:
    """An unknown model is a 404, as in chats."""
    with pytest.raises(NotFoundError, match="does not exist"):
        client.responses.create(**asked(model="gpt-9"))
