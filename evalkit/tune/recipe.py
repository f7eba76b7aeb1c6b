"""What a fine-tune is made of: base, data, method, hyperparameters, seed. The same is never paid twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

Method = Literal["supervised", "dpo"]

SEED = 0

KEY = "evalkit_key"
"""The job's metadata field by which a fine-tune finds itself again."""

DATA = "evalkit_data"
"""The job's metadata field with the SHA-256 of its training file."""

LONGEST_SUFFIX = 64


@dataclass(frozen=True, slots=True)
class Base:
    """What is fine-tuned. `fingerprint`: the hash of its weights, where the endpoint tells it."""

    model: str
    fingerprint: str | None = None


@dataclass(frozen=True)
class Recipe:
    """One fine-tune, before it is made.

    Attributes:
        base: what learns.
        name: of the suite or file; files on the server are called by it.
        data: the training file, JSONL.
        suffix: of the model's name; changes nothing that is learned, and so is not in `key`.
        validation: the validation file, JSONL.
        hyperparameters: those that were chosen; what is left out is "auto".
    """

    base: Base
    name: str
    data: bytes
    suffix: str = ""
    validation: bytes | None = None
    method: Method = "supervised"
    hyperparameters: Mapping[str, float] = field(default_factory=dict)
    seed: int = SEED

    @cached_property
    def data_sha256(self) -> str:
        """Of the training file."""
        return sha256_of(self.data)

    @cached_property
    def validation_sha256(self) -> str | None:
        """Of the validation file."""
        return None if self.validation is None else sha256_of(self.validation)

    @cached_property
    def key(self) -> str:
        """A hash of all that makes the model what it will be."""
        parts = [
            *(self.base.model, self.base.fingerprint, self.data_sha256, self.validation_sha256),
            *(self.method, sorted(self.hyperparameters.items()), self.seed),
        ]
        return sha256_of(json.dumps(parts).encode())

    def of(self, base: Base) -> Recipe:
        """The same of another base."""
        return replace(self, base=base)

    def request(self, training_file: str, validation_file: str | None) -> dict[str, Any]:
        """The body that creates the job, with the ids of the uploaded files."""
        chosen = {"hyperparameters": dict(self.hyperparameters)} if self.hyperparameters else {}
        suffix = self.suffix[:LONGEST_SUFFIX]
        return {
            "model": self.base.model,
            "training_file": training_file,
            **({"validation_file": validation_file} if validation_file else {}),
            **({"suffix": suffix} if suffix else {}),
            "method": {"type": self.method, self.method: chosen},
            "seed": self.seed,
            "metadata": {KEY: self.key, DATA: self.data_sha256},
        }


def sha256_of(data: bytes) -> str:
    """In hex."""
    return hashlib.sha256(data).hexdigest()
