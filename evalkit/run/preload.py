"""What a worker process needs, loaded once by the process that all of them are forked from."""

import gc
from importlib import import_module

NEEDED = (
    "evalkit.run.workers",
    "evalkit.endpoints.openai_api",
    "evalkit.endpoints.sse",
    "httpcore2",  # else the first client would load it
    "evalkit.checks.length",  # of the checks that most suites have, the one that loads longest
)

gc.disable()  # loading makes no garbage: looking for it takes a fifth of the time
for name in NEEDED:
    import_module(name)
gc.freeze()  # looking through it later would copy it into every worker
gc.enable()
