"""The size of an example, whatever its form."""

from __future__ import annotations

from typing import Any

import pytest

from evalkit.dataset.counting import Figures, Meter, figures, meter_of
from evalkit.dataset.rules import Form
from evalkit.tokens import count_messages, encoding_for

LETTERS = Meter(len)
"""Every letter is a token, so that sums can be read."""

ASKED = {"role": "user", "content": "abc"}  # 4 + 3, and 3 for the message


def answer(text: str) -> dict[str, str]:
    """An assistant message: 9 + len(text), and 3."""
    return {"role": "assistant", "content": text}


@pytest.mark.parametrize(
    ("form", "example", "expected"),
    [
        ("chat", {"messages": [ASKED, answer("xy")]}, Figures(2, 3 + 10 + 14, 2, 2)),
        ("chat", {"messages": [ASKED, answer("xy"), ASKED, answer("z")]}, Figures(4, 3 + 20 + 14 + 13, 3, 1)),
        ("chat", {"messages": [{"role": "system", "content": "s", "name": "n"}]}, Figures(1, 15, 0, 0, 12)),
        ("chat", {"messages": [None, ASKED]}, Figures(2, 13, 0, 0)),
        ("chat", {"messages": ""}, Figures(0, 3, 0, 0)),
        ("chat", {"messages": None}, None),
        ("chat", {"messages": [ASKED], "tools": [{}]}, Figures(1, 13, 0, 0, tools=4)),
        ("pair", {"prompt": "abc", "completion": "de"}, Figures(None, 5, 2, 2)),
        ("pair", {"prompt": "abc"}, None),
        (
            "preference",
            {
                "input": {"messages": [answer("old"), ASKED]},
                "preferred_output": [answer("good")],
                "non_preferred_output": [answer("worse")],
            },
            Figures(4, 3 + 15 + 10 + 16 + 17, 12, 4),
        ),
        ("preference", {"input": {"messages": [ASKED]}, "preferred_output": [answer("good")]}, None),
        ("preference", {"input": [], "preferred_output": [], "non_preferred_output": []}, None),
    ],
)  # fmt: skip
def test_an_example_is_measured(form: Form, example: dict[str, Any], expected: Figures | None) -> None:
    """By the script's formula: 3 a message and an example, 1 a name, and every value's own.

    Of a preference pair both outputs are trained on; a call gives back the better one.
    """
    assert figures(example, form, LETTERS) == expected


def test_the_embedded_models_count_by_their_own_template() -> None:
    """As the prompt of a chat counts, but for the opening of the answer that is still to come."""
    encoding = encoding_for("evalkit-tiny")
    assert encoding is not None
    turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Where is Oslo?"}]
    size = figures({"messages": turns}, "chat", meter_of(encoding))
    opening = 1 + len(encoding.encode_ordinary("assistant\n"))
    assert size is not None
    assert size.tokens + opening == count_messages(turns, "evalkit-tiny")


def test_long_texts_are_counted_like_short_ones() -> None:
    """Only short ones are remembered."""
    encoding = encoding_for("evalkit-tiny")
    assert encoding is not None
    length = meter_of(encoding).length
    for text in ("word " * 20_000, "word " * 300_000, "word"):
        assert length(text) == length(text) == len(encoding.encode_ordinary(text))
