"""Streamed answers: whatever way the bytes come, the body is the one of the same answer in one piece."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.endpoints.answers import MAX_BODY_BYTES, read_answer
from evalkit.endpoints.base import Kind, Response, Usage
from evalkit.endpoints.sse import StreamedAnswer
from evalkit.errors import AskError

Json = dict[str, Any]

USAGE = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}


def event(data: Json | str, head: str = "", end: str = "\n\n") -> bytes:
    """One event of a stream."""
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    return f"{head}data: {text}{end}".encode()


def chunk(delta: Json, finish_reason: str | None = None, index: int = 0, **more: Any) -> Json:
    """One chat.completion.chunk."""
    choice = {"index": index, "delta": delta, "finish_reason": finish_reason}
    return {"model": "tiny", "system_fingerprint": "fp_1", "choices": [choice], **more}


def said(text: str, **more: Any) -> bytes:
    """A chunk that brings some text."""
    return event(chunk({"content": text}, **more))


ROLE = event(chunk({"role": "assistant", "content": ""}))
STOP = event(chunk({}, "stop"))
COUNTED = event({"model": "tiny", "choices": [], "usage": USAGE})
DONE = event("[DONE]")


def streamed(*parts: bytes) -> StreamedAnswer:
    """What has taken up these bytes."""
    answer = StreamedAnswer(lambda text: text)
    for part in parts:
        answer.feed(part)
    return answer


def read(*parts: bytes, kind: Kind = "chat") -> Response:
    """The answer that is read from these bytes."""
    return read_answer(streamed(*parts).body(kind), kind)


def fault_of(*parts: bytes) -> AskError:
    """The error that these bytes end in."""
    with pytest.raises(AskError) as caught:
        read(*parts)
    return caught.value


def test_an_answer_is_put_together_from_its_chunks() -> None:
    """Text, finish_reason, model, fingerprint and usage are those of the same answer in one piece."""
    answer = read(ROLE, said("Os"), said("lo"), STOP, COUNTED, DONE)
    assert answer == Response(
        "tiny", "Oslo", finish_reason="stop", system_fingerprint="fp_1", usage=Usage(7, None, 2, 9)
    )


def test_a_legacy_completion_is_put_together_likewise() -> None:
    """The choices of /v1/completions hold `text`."""
    pieces = [{"choices": [{"index": 0, "text": text, "finish_reason": None}]} for text in ("Os", "lo")]
    stop = {"choices": [{"index": 0, "text": "", "finish_reason": "length"}]}
    answer = read(*map(event, pieces), event(stop), DONE, kind="completions")
    assert (answer.text, answer.finish_reason) == ("Oslo", "length")


def test_tool_calls_grow_by_their_index() -> None:
    """Deltas of several calls may alternate; a name or an id that is said again stays as it is."""
    deltas: list[Json] = [
        {"index": 0, "id": "a", "type": "function", "function": {"name": "find", "arguments": ""}},
        {"index": 1, "id": "b", "type": "function", "function": {"name": "count", "arguments": ""}},
        {"index": 0, "function": {"arguments": '{"x"'}},
        {"index": 1, "id": "b", "type": "function", "function": {"name": "count", "arguments": "{}"}},
        {"index": 0, "function": {"arguments": ": 1}"}},
    ]
    parts = [event(chunk({"content": "", "tool_calls": [delta]})) for delta in deltas]
    answer = read(*parts, event(chunk({}, "tool_calls")))
    assert answer.tool_calls == (
        {"id": "a", "type": "function", "function": {"name": "find", "arguments": '{"x": 1}'}},
        {"id": "b", "type": "function", "function": {"name": "count", "arguments": "{}"}},
    )
    assert answer.text is None, "an empty text beside calls is what a whole answer has as null"


def test_calls_of_one_index_with_different_ids_are_different_calls() -> None:
    """Some servers send every call whole, and all of them with index 0 or with none."""
    calls = [{"id": name, "index": 0, "function": {"name": name, "arguments": "{}"}} for name in ("a", "b")]
    parts = [event(chunk({"tool_calls": [call]})) for call in calls]
    assert [call["id"] for call in read(*parts, STOP).tool_calls] == ["a", "b"]


def test_refusals_and_reasoning_are_put_together_too() -> None:
    """They come in pieces like the text."""
    parts = [event(chunk({"reasoning_content": piece})) for piece in ("Let me", " see")]
    parts += [event(chunk({"refusal": piece})) for piece in ("I ", "won't")]
    answer = read(ROLE, *parts, STOP)
    assert (answer.reasoning, answer.refusal, answer.text) == ("Let me see", "I won't", None)


def test_an_empty_finish_reason_ends_nothing() -> None:
    """Some servers send "" with every piece until the last."""
    assert read(*[event(chunk({"content": piece}, "")) for piece in ("Os", "lo")], STOP).text == "Oslo"


def test_of_several_choices_only_the_first_counts() -> None:
    """As in an answer that comes in one piece."""
    other = event(chunk({"content": "Rome"}, "stop", index=1))
    assert read(other, said("Oslo"), other, STOP).text == "Oslo"


@pytest.mark.parametrize("left_out", [ROLE, COUNTED, DONE, COUNTED + DONE])
def test_what_servers_leave_out_is_not_needed(left_out: bytes) -> None:
    """An answer ends with its finish_reason: a role, a usage or [DONE] may be missing."""
    parts = [part for part in (ROLE, said("Oslo"), STOP, COUNTED, DONE) if part not in left_out]
    answer = read(*parts)
    assert (answer.text, answer.finish_reason) == ("Oslo", "stop")
    assert answer.usage.prompt_tokens == (None if COUNTED in left_out else 7)


def test_done_ends_an_answer_without_finish_reason() -> None:
    """The server said that it was the end; the reason stays unknown."""
    answer = read(said("Oslo"), DONE)
    assert (answer.text, answer.finish_reason) == ("Oslo", None)


@pytest.mark.parametrize("parts", [(), (ROLE,), (ROLE, said("Os")), (ROLE, said("Os"), said("lo")[:30])])
def test_a_stream_that_was_cut_is_no_answer(parts: Sequence[bytes]) -> None:
    """It may be asked again, and may have been charged."""
    error = fault_of(*parts)
    assert (error.type, error.retryable, error.possibly_billed) == ("bad_response", True, True)


@pytest.mark.parametrize("cut", range(0, len(COUNTED) - 3, 7))
def test_a_stream_cut_before_its_usage_is_an_answer_without_usage(cut: int) -> None:
    """Wherever in the last event: what was paid for is kept, and unknown is None."""
    answer = read(ROLE, said("Oslo"), STOP, COUNTED[:cut])
    assert (answer.text, answer.usage) == ("Oslo", Usage())


def test_a_count_that_runs_along_is_not_taken_for_the_final_one() -> None:
    """Some servers send the usage so far with every chunk; only with the answer's end it is the usage."""
    running = said("Oslo", usage={"completion_tokens": 1})
    assert read(running, STOP).usage.completion_tokens is None
    ended = event(chunk({}, "stop", usage={"completion_tokens": 2}))
    assert read(running, ended).usage.completion_tokens == 2


@pytest.mark.parametrize("repeated", [ROLE, STOP, COUNTED, DONE])
def test_repeated_events_without_text_change_nothing(repeated: bytes) -> None:
    """Roles, ends and usages may come as often as they like."""
    once = [ROLE, said("ha"), said("ha"), STOP, COUNTED, DONE]
    twice = [part for part in once for _ in range(1 + (part == repeated))]
    assert read(*twice) == read(*once)


def test_text_after_the_end_does_not_count() -> None:
    """Not even where it comes with a finish_reason again."""
    end = event(chunk({"content": "lo"}, "stop"))
    assert read(said("Os"), end, end, said("!")).text == "Oslo"


@pytest.mark.parametrize(
    "twice",
    [
        event(chunk({"content": "ha"}), head="id: 7\n"),
        said("ha", obfuscation="Zk3x9"),
        said("ha", usage={"completion_tokens": 1}),
    ],
)
def test_an_event_delivered_twice_is_told_by_evidence(twice: bytes) -> None:
    """By its id, by OpenAI's random padding, or by a usage that did not grow."""
    assert read(ROLE, twice, twice, STOP).text == "ha"


def test_equal_tokens_are_no_repetition() -> None:
    """Without evidence two equal chunks are two tokens; padding of one letter proves nothing."""
    assert read(said("ha"), said("ha"), STOP).text == "haha"
    assert read(said("ha", obfuscation="k"), said("ha", obfuscation="k"), STOP).text == "haha"


def test_one_id_for_all_events_proves_nothing() -> None:
    """Some servers give every event the answer's id."""
    parts = [event(chunk({"content": text}), head="id: chat-1\n") for text in ("oh", "ha", "ha")]
    assert read(*parts, STOP).text == "ohhaha"


def test_an_error_in_the_stream_is_the_answer_s_error() -> None:
    """Its type and text are the server's; it may be asked again unless the server says that nothing helps."""
    for_now = event({"error": {"message": "too busy", "type": "server_error", "code": None}})
    error = fault_of(said("Os"), for_now)
    assert (error.type, error.retryable, error.possibly_billed) == ("server_error", True, True)
    assert "too busy" in str(error)
    assert not fault_of(event({"error": {"message": "no", "code": 400}})).retryable
    assert fault_of(event({"error": {"message": "no", "code": "insufficient_quota"}})).fatal
    assert fault_of(event({"error": "out of memory"})).type == "late_error"


def test_nothing_spoils_an_answer_that_is_whole() -> None:
    """Errors and rubbish after its end are not the answer's."""
    for rubbish in (event({"error": "late"}), event("{"), b"\xff\n\n", event("[1]"), b"data: " + b"x" * 100):
        assert read(said("Oslo"), STOP, rubbish).text == "Oslo"


def test_keys_are_taken_out_of_messages_before_they_are_cut_short() -> None:
    """An error's text is the server's, and may echo what it was sent."""
    answer = StreamedAnswer(lambda text: text.replace("sk-planted", "***"))
    with pytest.raises(AskError) as caught:
        answer.feed(event({"error": {"message": "x" * 295 + "sk-planted"}}))
    assert "sk-" not in str(caught.value)


@pytest.mark.parametrize("data", [b"\xff", b'{"choices": ["\xc3"]}', b"[1]", b"ping", b"{" * 100_000])
def test_events_that_cannot_be_read_are_a_bad_response(data: bytes) -> None:
    """Text could be lost with them: invalid UTF-8, no JSON, no object."""
    assert fault_of(b"data: " + data + b"\n\n", STOP).type == "bad_response"


def test_a_page_in_place_of_a_stream_is_told() -> None:
    """The message shows how it begins."""
    assert "<html>" in str(fault_of(b"<html>\n<body>Sign in</body>\n\n</html>"))


def test_an_answer_in_one_piece_is_read_as_it_is() -> None:
    """A server may not know how to stream."""
    whole = {"model": "tiny", "choices": [{"message": {"content": "Oslo"}, "finish_reason": "stop"}]}
    assert read(json.dumps(whole, indent=1).encode()).text == "Oslo"


def test_an_answer_of_any_length_is_not_read_to_its_end() -> None:
    """With or without line ends; what is whole stays whole."""
    for part in (b"data: " + b"x" * 1_000_000, said("x" * 1_000_000)):
        with pytest.raises(AskError) as caught:
            streamed(*[part] * (MAX_BODY_BYTES // 1_000_000 + 1))
        assert (caught.value.type, caught.value.retryable) == ("too_large", False)
    answer = streamed(said("Oslo"), STOP, *[b":" * 1_000_000] * 17)
    assert answer.done
    assert read_answer(answer.body("chat"), "chat").text == "Oslo"


def test_the_first_token_is_the_first_piece_of_anything_but_a_role() -> None:
    """Its time is told as soon as it is there."""
    answer = streamed(b": keep-alive\n\n", ROLE)
    assert answer.first_token_at is None
    answer.feed(said("Os"))
    first = answer.first_token_at
    answer.feed(said("lo") + STOP + COUNTED)
    assert first is not None
    assert answer.first_token_at == first
    assert answer.ended_at is not None
    assert answer.ended_at > first


def test_whole_and_done() -> None:
    """An answer is whole from its finish_reason on; [DONE] says that nothing follows."""
    answer = streamed(said("Oslo"))
    assert not answer.whole
    answer.feed(STOP)
    assert (answer.whole, answer.done) == (True, False)
    answer.feed(DONE)
    assert answer.done


def test_halves_of_a_character_in_two_chunks_stay_what_they_are() -> None:
    """Some servers cut JavaScript texts between the halves; encoded as JSON they are one character again."""
    parts = [json.dumps(chunk({"content": half})) for half in ("\ud83d", "\ude00")]
    text = read(*map(event, parts), STOP).text
    assert json.loads(json.dumps(text)) == "😀"


BREAKS = st.sampled_from(["\n", "\r\n", "\r"])
NOISE = st.sampled_from(["", ": keep-alive", "event: message", "retry: 100", "unknown: field", "id"])


@st.composite
def streams(draw: st.DrawFn) -> tuple[Json, bytes]:
    """A whole body, and the same answer as a stream: pieces, line ends and comments at will."""
    texts = draw(st.lists(st.text(min_size=1), min_size=1))
    arguments = draw(st.lists(st.text(min_size=1)))
    deltas: list[Json] = [{"content": text} for text in texts]
    message: Json = {"content": "".join(texts)}
    if arguments:
        call = {"id": "a", "type": "function", "function": {"name": "find", "arguments": ""}}
        deltas.append({"tool_calls": [{"index": 0, **call}]})
        deltas += [{"tool_calls": [{"index": 0, "function": {"arguments": piece}}]} for piece in arguments]
        message["tool_calls"] = [{**call, "function": {"name": "find", "arguments": "".join(arguments)}}]
    chunks = [chunk({"role": "assistant", "content": ""}), *map(chunk, deltas), chunk({}, "stop")]
    chunks.append({"choices": [], "usage": USAGE})
    line_end, noise = draw(BREAKS), draw(NOISE)
    lines = [line for data in chunks for line in (noise, f"data: {json.dumps(data, ensure_ascii=False)}", "")]
    stream = line_end.join([*lines, "data: [DONE]", ""]).encode("utf-8", "surrogatepass")
    body = {"model": "tiny", "system_fingerprint": "fp_1", "usage": USAGE}
    return body | {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}, stream


@given(streams(), st.data())
def test_streamed_equals_unstreamed_however_the_bytes_are_cut(
    whole: tuple[Json, bytes], data: st.DataObject
) -> None:
    """Any split of the same bytes gives the answer that the whole body gives."""
    body, stream = whole
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    parts = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert read(*parts) == read_answer(body, "chat")
    assert read(*(stream[at : at + 1] for at in range(len(stream)))) == read(stream)


@given(st.lists(st.binary()))
def test_any_bytes_are_an_answer_or_an_error(parts: list[bytes]) -> None:
    """Rubbish never raises anything but AskError."""
    with suppress(AskError):
        read(*parts)
