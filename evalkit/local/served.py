"""The models that are served: the base, the judge that is shipped with it, and what fine-tuning made."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from evalkit.local.backend import Backend
from evalkit.local.disk import remove
from evalkit.local.engine.job import AnyAdapter
from evalkit.local.http.errors import ApiError, model_not_found
from evalkit.local.rows import Checkpoint, TunedModel
from evalkit.local.store import Store

JUDGE = "evalkit-tiny-judge"
ADAPTERS_KEPT = 32  # in memory, about 1 MB each


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model as /v1/models lists it; `fingerprint` changes whenever its answers may."""

    name: str
    created: int
    owned_by: str
    fingerprint: str
    adapter_file: Path | None = None


class ServedModels:
    """Finds models by name, and keeps their adapters in memory while they are in use.

    Args:
        base: what they all go back to.
        store: knows the models that jobs made.
        judge: the judge's adapter; it is served if the file is there.
        aliases: further names of the base; an answer names the base itself.
    """

    def __init__(self, base: Backend, store: Store, judge: Path | None = None, aliases: Collection[str] = ()):
        self._base, self._store, self._aliases = base, store, frozenset(aliases)
        self._shipped = [ServedModel(base.name, base.created, "evalkit", fingerprint(base.sha256))]
        if judge and judge.exists():
            mark = fingerprint(base.sha256, base.load_adapter(judge).sha256)
            self._shipped.append(ServedModel(JUDGE, base.created, "evalkit", mark, judge))
        self._adapters: OrderedDict[str, AnyAdapter] = OrderedDict()

    def all(self) -> list[ServedModel]:
        """Give every model, the shipped ones first."""
        return [*self._shipped, *map(self._tuned, filter(self._fits, self._store.all(TunedModel)))]

    def find(self, name: str) -> ServedModel:
        """Give the model of this name, or of this alias.

        Raises:
            ApiError: there is none (404, model_not_found).
        """
        for model in self._shipped:
            if model.name == (self._base.name if name in self._aliases else name):
                return model
        tuned = self._store.get(TunedModel, name)
        if tuned is None or not self._fits(tuned):
            raise model_not_found(name)
        return self._tuned(tuned)

    def adapter(self, model: ServedModel) -> AnyAdapter | None:
        """Give a model's adapter, read from its file at first use; None for the base."""
        if model.adapter_file is None:
            return None
        if model.name not in self._adapters:
            self._adapters[model.name] = self._base.load_adapter(model.adapter_file)
        self._adapters.move_to_end(model.name)
        while len(self._adapters) > ADAPTERS_KEPT:
            self._adapters.popitem(last=False)
        return self._adapters[model.name]

    def delete(self, name: str) -> None:
        """Delete what a job made, with its adapter: a checkpoint alone, or the model and all its checkpoints.

        Raises:
            ApiError: there is no such model (404), or it was not fine-tuned here (403).
        """
        tuned = self._store.get(TunedModel, self.find(name).name)
        if tuned is None:
            raise ApiError(
                f"The model `{name}` cannot be deleted: only models that were fine-tuned can be.", status=403
            )
        whole = tuned.step is None
        gone = self._store.all(TunedModel, job=tuned.job) if whole else [tuned]
        with self._store.transaction():
            for made in self._store.all(Checkpoint, owner=tuned.job) if whole else ():
                self._store.delete(made)
            for model in gone:
                self._store.delete(model)
        for model in gone:
            self._adapters.pop(model.id, None)
            remove(self._store.adapter(model.job, model.step))

    def _fits(self, model: TunedModel) -> bool:
        """Whether a model was made of the weights that are served; the folder may have seen others."""
        return model.base == self._base.name and model.base_sha256 in (None, self._base.sha256)

    def _tuned(self, model: TunedModel) -> ServedModel:
        file = self._store.adapter(model.job, model.step)
        return ServedModel(model.id, model.created_at, "local", model.fingerprint, file)


def fingerprint(*sha256: str) -> str:
    """Give one short mark for weights and adapter: 16 hex digits."""
    return hashlib.sha256(" ".join(sha256).encode()).hexdigest()[:16]
