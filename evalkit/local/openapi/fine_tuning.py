"""/fine_tuning/jobs."""

from __future__ import annotations

from evalkit.local.api.fine_tuning import MOST_LISTED
from evalkit.local.api.job_request import LONGEST_SUFFIX, METHODS, MOST_SEED
from evalkit.local.openapi.batches import METADATA
from evalkit.local.openapi.shapes import (
    ANY,
    COUNT,
    NULL,
    OBJECT,
    TEXT,
    TIME,
    Schema,
    array,
    asked,
    either,
    in_path,
    in_query,
    integer,
    list_of,
    mapping,
    number,
    one_of,
    operation,
    paged,
    ref,
    text,
    told,
)

AUTO: Schema = {"const": "auto"}
CHOSEN = {
    "n_epochs": either(AUTO, integer(1, 50)),
    "batch_size": either(AUTO, integer(1, 256)),
    "learning_rate_multiplier": either(AUTO, number(1e-6, 1000)),
}
BETA = {"beta": either(AUTO, number(1e-6, 2))}
SUPERVISED = asked({}, {"hyperparameters": asked({}, CHOSEN)})
DPO = asked({}, {"hyperparameters": asked({}, CHOSEN | BETA)})
STATUS = one_of("validating_files", "queued", "running", "paused", "succeeded", "failed", "cancelled")
LOSSES = ("train_loss", "valid_loss", "full_valid_loss")
ACCURACIES = tuple(f"{split}_mean_token_accuracy" for split in ("train", "valid", "full_valid"))
FIGURES = {name: {"type": "number"} for name in (*LOSSES, *ACCURACIES)}


def _method(kind: str, schema: Schema) -> Schema:
    """What is said of the other methods is not looked at."""
    return asked({"type": {"const": kind}}, {**dict.fromkeys(METHODS, ANY), kind: schema})


SCHEMAS: dict[str, Schema] = {
    "JobRequest": asked(
        {"model": TEXT, "training_file": TEXT},
        {
            "validation_file": TEXT,
            "suffix": text(longest=LONGEST_SUFFIX, pattern="^[A-Za-z0-9._-]*$"),
            "seed": integer(0, MOST_SEED),
            "metadata": METADATA,
            "hyperparameters": asked({}, CHOSEN),
            "method": either(_method("supervised", SUPERVISED), _method("dpo", DPO)),
            "integrations": array(ANY, most=0),
        },
    ),
    "Job": told(
        {
            "id": TEXT,
            "object": one_of("fine_tuning.job"),
            "created_at": TIME,
            "finished_at": either(TIME, NULL),
            "model": TEXT,
            "fine_tuned_model": either(TEXT, NULL),
            "organization_id": TEXT,
            "result_files": array(TEXT),
            "status": STATUS,
            "trained_tokens": either(COUNT, NULL),
            "training_file": TEXT,
            "validation_file": either(TEXT, NULL),
            "hyperparameters": told(CHOSEN, BETA),
            "method": told(
                {"type": one_of("supervised", "dpo")},
                {kind: told({"hyperparameters": told(CHOSEN, BETA)}) for kind in ("supervised", "dpo")},
            ),
            "seed": integer(0, MOST_SEED),
            "error": either(told({"code": TEXT, "message": TEXT, "param": either(TEXT, NULL)}), NULL),
            "estimated_finish": either(TIME, NULL),
            "integrations": array(ANY, most=0),
            "metadata": either(METADATA, NULL),
        }
    ),
    "Jobs": list_of("Job"),
    "JobEvent": told(
        {
            "id": TEXT,
            "object": one_of("fine_tuning.job.event"),
            "created_at": TIME,
            "level": one_of("info", "warn", "error"),
            "message": TEXT,
            "type": one_of("message", "metrics"),
            "data": OBJECT,
        }
    ),
    "JobEvents": list_of("JobEvent"),
    "Checkpoint": told(
        {
            "id": TEXT,
            "object": one_of("fine_tuning.job.checkpoint"),
            "created_at": TIME,
            "fine_tuned_model_checkpoint": TEXT,
            "step_number": COUNT,
            "metrics": {**mapping(ANY), "properties": {"step": COUNT, **FIGURES}, "required": ["step"]},
            "fine_tuning_job_id": TEXT,
        }
    ),
    "Checkpoints": list_of("Checkpoint"),
}
ONE = [in_path("fine_tuning_job_id")]
PER_METADATA = {**in_query("metadata", mapping(ANY)), "style": "deepObject", "explode": True}
JOB = "/fine_tuning/jobs/{fine_tuning_job_id}"
PATHS: dict[str, Schema] = {
    "/fine_tuning/jobs": {
        "post": operation("Enter a job.", ref("Job"), body=ref("JobRequest")),
        "get": operation(
            "List the jobs, newest first.", ref("Jobs"), parameters=[*paged(MOST_LISTED), PER_METADATA]
        ),
    },
    JOB: {"get": operation("Describe a job.", ref("Job"), parameters=ONE)},
    **{
        f"{JOB}/{verb}": {"post": operation(f"{verb.title()} a job.", ref("Job"), parameters=ONE)}
        for verb in ("cancel", "pause", "resume")
    },
    f"{JOB}/events": {
        "get": operation("List what happened.", ref("JobEvents"), parameters=[*ONE, *paged(MOST_LISTED)])
    },
    f"{JOB}/checkpoints": {
        "get": operation("List the checkpoints.", ref("Checkpoints"), parameters=[*ONE, *paged(MOST_LISTED)])
    },
}
