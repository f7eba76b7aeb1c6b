"""Working through suites: plan, ask, check, record.

What the rest of the harness needs to look at runs is named here. Preparing and running stand in
`evalkit.run.prepare`, `evalkit.run.estimate` and `evalkit.run.run`, which load the client of the endpoints.
"""

from evalkit.run.options import RunOptions
from evalkit.run.outcome import Observer, Outcome
from evalkit.run.plan import Plan, Task
from evalkit.run.records import Failure, Record, RecordedVerdict
from evalkit.run.store import latest, read_info, read_records

__all__ = [
    "Failure",
    "Observer",
    "Outcome",
    "Plan",
    "Record",
    "RecordedVerdict",
    "RunOptions",
    "Task",
    "latest",
    "read_info",
    "read_records",
]
