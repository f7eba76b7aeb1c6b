"""Legacy pairs for suites/ticket-labels: a ticket, OpenAI's old separator, a label after a space."""

from __future__ import annotations

import random

from evalkit.local.corpus.labels.tickets import ticket

LABELS = ("billing", "shipping", "account", "technical", "refund", "cancellation")
SEPARATOR = "\n\n###\n\n"


def ticket_pairs(rng: random.Random, count: int, *, held_out: bool) -> list[dict[str, str]]:
    """`count` different pairs, the labels in turn; held-out ones are of sentences that training never saw."""
    found: dict[str, str] = {}
    while len(found) < count:
        label = LABELS[len(found) % len(LABELS)]
        found.setdefault(ticket(rng, label, held_out=held_out) + SEPARATOR, f" {label}")
    return [{"prompt": prompt, "completion": completion} for prompt, completion in found.items()]
