"""What a job takes: how many examples, how large a file, how long an example for which model."""

from __future__ import annotations

from evalkit.tokens import EMBEDDED, ft_base

FEWEST_EXAMPLES = 10
MOST_BYTES = 512 << 20
"""OpenAI's limit on an uploaded file."""

_LIMITS = (  # tokens of one example; the longest name that fits decides
    ("gpt-3.5-turbo-0613", 4_096),
    ("gpt-3.5-turbo", 16_385),
    ("gpt-4o", 65_536),
    ("gpt-4.1", 65_536),
    ("gpt-4-0613", 8_192),
    ("davinci-002", 16_384),
    ("babbage-002", 16_384),
    (EMBEDDED, 2_048),
)


def token_limit(model: str) -> int | None:
    """The tokens after which a training example for `model` is cut off; None where the name says nothing."""
    name = ft_base(model) or model
    fitting = [(len(prefix), limit) for prefix, limit in _LIMITS if name.startswith(prefix)]
    return max(fitting)[1] if fitting else None
