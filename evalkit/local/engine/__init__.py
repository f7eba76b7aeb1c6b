"""A Llama in numpy: generation in a continuous batch, a LoRA adapter per request, and fine-tuning.

    job.py        what is asked (Job) and what comes back (TokenEvent)
    weights.py    a Hugging Face folder -> Model
    adapter.py    LoRA adapters, read and written under PEFT's names
    forward.py    the layers, shared by prefill and decode
    cache.py      keys and values of the slots, and of system prefixes seen before
    sampling.py   logits -> the next token
    batch.py      Engine: sixteen slots, filled as they fall free
    train.py      fine_tune: AdamW, step reports

behind them: config.py and tensors.py (reading a checkpoint), projection.py and attention.py (what differs
between prefill and decode), slots.py and answer.py (the numbers and the state of what is being answered),
packing.py, trainable.py, blocks.py and backward.py (examples, parameters and gradients of training).

Import modules of this package directly. Importing any of them sets one BLAS thread, which must happen
before numpy is loaded: two spinning threads on two busy cores cost a factor of a hundred.
"""

import os

for _variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
