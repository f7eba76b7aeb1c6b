"""A Hugging Face folder of the user's own behind the server's seam, by transformers and peft (extra `torch`).

    folder.py      what a folder must hold, and what is refused in it
    checkpoint.py  loading model and tokenizer
    vocabulary.py  the bytes of each token
    render.py      the process that runs the folder's chat template, within bounds
    template.py    HfTemplate: chats -> tokens
    rows.py        keys and values of the running answers, as one batch
    adapters.py    LoRA adapters, several in one batch
    slots.py       the numbers behind the engine's schedule
    train.py       LoRA training
    worker.py      the process that trains
    backend.py     all of it as one Backend

Import modules of this package directly; torch is loaded by those that need it.
"""

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # for transformers: nothing here asks the network
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # for torch: server and training share the cores
