"""A Llama in numpy: generation in a continuous batch, a LoRA adapter per request, and fine-tuning.

    job.py        what is asked (Job) and what comes back (TokenEvent)
    weights.py    a Hugging Face folder -> Model
    adapter.py    LoRA adapters, read and written under PEFT's names
    forward.py    the layers, shared by prefill and decode
    cache.py      keys and values of the slots, and of system prefixes seen before
    sampling.py   logits -> the next token
    batch.py      Engine: sixteen slots, filled as they fall free
    backward.py   the layers again, kept for training, with hand-derived gradients
    train.py      fine_tune: batches, AdamW, step reports

Import modules of this package directly. Importing any of them sets one BLAS thread, which must happen
before numpy is loaded: two spinning threads on two busy cores cost a factor of a hundred.
"""

import os

for _variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
