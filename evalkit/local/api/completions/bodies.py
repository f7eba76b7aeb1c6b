"""Writing legacy completions: whole, and as the chunks of a stream."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from evalkit.local.answer import Piece
from evalkit.local.api.asking import start
from evalkit.local.api.bodies import fingerprint, finite, token_text, usage
from evalkit.local.api.completions.asked import Asked
from evalkit.local.engine.job import TokenEvent
from evalkit.local.generation import Question
from evalkit.local.rows import new_id, now


def whole(asked: Asked, answers: Sequence[Piece]) -> dict[str, Any]:
    """Write the body of whole answers: of each prompt's, the best."""
    wanted, drawn = asked.request.sampling.answers, asked.request.drawn
    choices = []
    for prompt in range(len(asked.prompts)):
        own = list(answers[prompt * drawn : (prompt + 1) * drawn])
        best = sorted(own, key=_mean_logprob, reverse=True)[:wanted] if drawn > wanted else own
        choices += [_Text(asked, prompt).choice(prompt * wanted + at, piece) for at, piece in enumerate(best)]
    return {**_head(asked), "choices": choices, "usage": _usage(asked, answers)}


async def chunks(asked: Asked, questions: Sequence[Question]) -> AsyncIterator[dict[str, Any]]:
    """Write the bodies of streamed answers, all generated at the same time."""
    with_usage = asked.request.sampling.include_usage
    head = _head(asked) | ({"usage": None} if with_usage else {})
    texts = [_Text(asked, index // asked.request.drawn) for index in range(len(questions))]
    generation = start(asked.services, questions, live=True)
    ends: list[Piece] = []
    try:
        async for index, piece in generation.pieces():
            if shown := texts[index].certain(piece):
                yield {**head, "choices": [texts[index].choice(index, shown)]}
            if piece.finish:
                ends.append(piece)
        if with_usage:
            yield {**head, "choices": [], "usage": _usage(asked, ends)}
    finally:
        generation.cancel()


def _head(asked: Asked) -> dict[str, Any]:
    """Give the fields that every body begins with."""
    return {
        "id": new_id("cmpl-"),
        "object": "text_completion",
        "created": now(),
        "model": asked.model.name,
        "system_fingerprint": fingerprint(asked.model),
    }


def _usage(asked: Asked, answers: Sequence[Piece]) -> dict[str, Any]:
    """Give the usage of all prompts together; a prompt counts once, however many answers it has."""
    return usage(sum(len(prompt.ids) for prompt in asked.prompts), *answers)


def _mean_logprob(answer: Piece) -> float:
    return sum(token.logprob for token in answer.tokens) / max(1, len(answer.tokens))


class _Text:
    """The text of one answer as it grows, behind the prompt's where that is echoed."""

    def __init__(self, asked: Asked, prompt: int):
        self._asked, self._prompt = asked, asked.prompts[prompt].ids
        self._echo = asked.asked_text(prompt) if asked.request.echo else ""
        self._offset = 0 if asked.request.echo else len(asked.asked_text(prompt))
        self._given: tuple[TokenEvent, ...] = ()

    def certain(self, piece: Piece) -> Piece | None:
        """Give what can be shown, None while there is nothing; a scored prompt is shown whole."""
        self._given += piece.given
        scored = len(self._given) < len(self._prompt) - 1 and self._asked.request.scores_prompt
        if scored or not (piece.text or piece.tokens or piece.finish or self._echo):
            return None
        return replace(piece, given=self._given)

    def choice(self, index: int, piece: Piece) -> dict[str, Any]:
        """Write the choice object of a piece; the first has the echo."""
        logprobs = self._logprobs(piece) if self._asked.request.logprobs is not None else None
        text, self._echo = self._echo + piece.text, ""
        self._offset += len(text)
        return {"index": index, "text": text, "logprobs": logprobs, "finish_reason": piece.finish}

    def _logprobs(self, piece: Piece) -> Mapping[str, Any]:
        spell, tokens = self._asked.services.spell, list(piece.tokens)
        scores: list[TokenEvent | None] = [*tokens]
        ids = [token.id for token in tokens]
        if self._echo:
            ids, scores = [*self._prompt, *ids], [None, *piece.given, *tokens]
        return {
            "tokens": [token_text(spell(token)) for token in ids],
            "token_logprobs": [score and finite(score.logprob) for score in scores],
            "top_logprobs": [score and self._top(score) for score in scores],
            "text_offset": [self._offset + length for length in self._lengths_before(ids)],
        }

    def _top(self, token: TokenEvent) -> dict[str, float]:
        spell = self._asked.services.spell
        return {token_text(spell(other)): finite(logprob) for other, logprob in token.top}

    def _lengths_before(self, ids: Sequence[int]) -> list[int]:
        """Count the characters that stand before each token."""
        data, lengths = b"", []
        for token in ids:
            lengths.append(len(data.decode("utf-8", "ignore")))
            data += self._asked.services.spell(token)
        return lengths
