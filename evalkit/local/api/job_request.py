"""The body of POST /v1/fine_tuning/jobs -> the job that is entered."""

from __future__ import annotations

import re
from dataclasses import dataclass

from evalkit.local.http.errors import ApiError
from evalkit.local.http.metadata import read_metadata
from evalkit.local.http.validate import Fields
from evalkit.local.rows import FineTune, Hyperparameters, Method, StoredFile, new_id, now
from evalkit.local.store import Store

METHODS = ("supervised", "dpo", "reinforcement")
SEED = 0  # where none is given: the same request twice makes the same model
MOST_SEED = 2**31 - 1
KNOWN = (
    "model",
    "training_file",
    "validation_file",
    "suffix",
    "seed",
    "metadata",
    "method",
    "hyperparameters",
    "integrations",
)
LONGEST_SUFFIX = 64
TUNED_BY_OPENAI = re.compile(r"(gpt-3\.5-turbo|gpt-4o|gpt-4\.1)(-[a-z0-9.-]+)?|davinci-002|babbage-002")


@dataclass(frozen=True, slots=True)
class JobRequest:
    """A job to be entered, and what its history should warn of."""

    job: FineTune
    warnings: tuple[str, ...]


def read_request(fields: Fields, store: Store, base: str) -> JobRequest:
    """Read the body of a create request.

    Args:
        fields: the body.
        store: where the files are looked up.
        base: the one model that can be fine-tuned. The names of the models that OpenAI has fine-tuned stand
            for it, as an alias there stands for a snapshot: existing scripts go on working.

    Raises:
        ApiError: a field is missing, unknown, wrong or not supported, or names what is not there.
    """
    model, training_file = fields.required("model"), fields.required("training_file")
    fields.only(*KNOWN)
    _check_model(fields, base)
    if fields.get("integrations") not in (None, []):
        raise _refused("integrations", "Integrations are not available: this server sends nothing anywhere.")
    method, chosen = _read_method(fields)
    job = FineTune(
        id=new_id("ftjob-"),
        created_at=now(),
        status="validating_files",
        model=base,
        training_file=_read_file(fields, "training_file", store),
        validation_file=_read_file(fields, "validation_file", store)
        if fields.get("validation_file") is not None
        else None,
        suffix=_read_suffix(fields),
        seed=fields.integer("seed", SEED, low=0, high=MOST_SEED),
        hyperparameters=chosen,
        method=method,
        metadata=read_metadata(fields),
    )
    if job.validation_file == training_file:
        raise _refused("validation_file", "The validation file must be another file than the training file.")
    resolved = f"{model} is not on this server: the job trains {base} in its place, and is named after it"
    return JobRequest(job, () if model == base else (resolved,))


def _check_model(fields: Fields, base: str) -> None:
    name = fields.text("model", "")
    if name != base and not TUNED_BY_OPENAI.fullmatch(name):
        raise ApiError(
            f"Model {name} is not available for fine-tuning or does not exist.",
            param="model",
            code="model_not_available",
        )


def _read_file(fields: Fields, param: str, store: Store) -> str:
    name = fields.text(param, "")
    file = store.get(StoredFile, name)
    if file is None:
        raise ApiError(f"invalid {param}: {name}", param=param, code=f"invalid_{param}")
    if file.purpose != "fine-tune":
        what = f"invalid {param}: {name} was uploaded for '{file.purpose}'; its purpose must be 'fine-tune'"
        raise ApiError(what, param=param, code=f"invalid_{param}")
    return name


def _read_suffix(fields: Fields) -> str:
    suffix = fields.text("suffix", "", longest=LONGEST_SUFFIX)
    if not all(character.isascii() and (character.isalnum() or character in "-_.") for character in suffix):
        raise ApiError(
            f"Invalid 'suffix': letters, digits, '-', '_' and '.' are permitted, but got {suffix!r}.",
            param="suffix",
            code="invalid_value",
        )
    return suffix


def _read_method(fields: Fields) -> tuple[Method, Hyperparameters]:
    """Read what is chosen from `method`, or from where supervised jobs had it before there were methods."""
    chosen, method = fields.object("hyperparameters"), fields.object("method")
    if method is None:
        return "supervised", _read_hyperparameters(chosen or Fields({}), "supervised")
    method.only("type", *METHODS)
    kind = method.choice("type", METHODS)
    if kind == "reinforcement":
        raise _refused("method", "Reinforcement fine-tuning is not available for this model.")
    name: Method = "dpo" if kind == "dpo" else "supervised"
    if own := method.object(name):
        own.only("hyperparameters")
        chosen = own.object("hyperparameters") or chosen
    return name, _read_hyperparameters(chosen or Fields({}), name)


def _read_hyperparameters(chosen: Fields, method: Method) -> Hyperparameters:
    chosen.only("n_epochs", "batch_size", "learning_rate_multiplier", *(["beta"] if method == "dpo" else []))
    return Hyperparameters(
        n_epochs=_unless_auto(chosen, "n_epochs").integer("n_epochs", None, low=1, high=50),
        batch_size=_unless_auto(chosen, "batch_size").integer("batch_size", None, low=1, high=256),
        learning_rate_multiplier=_read_number(chosen, "learning_rate_multiplier", 1000),
        beta=_read_number(chosen, "beta", 2),
    )


def _read_number(chosen: Fields, name: str, high: float) -> float | None:
    given = _unless_auto(chosen, name)
    return None if given.get(name) is None else given.number(name, 0.0, low=1e-6, high=high)


def _unless_auto(fields: Fields, name: str) -> Fields:
    """Give fields without the named one where that is "auto"."""
    return Fields({}) if fields.get(name) == "auto" else fields


def _refused(param: str, message: str) -> ApiError:
    return ApiError(message, param=param, code="invalid_value")
