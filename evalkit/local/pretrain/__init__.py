"""How the embedded base model is made of its corpus: tokenizer, packing, training, export.

Development only. `torch_model`, `train` and `export` need torch, `tokenizer` needs tokenizers
(both in the `dev` extra); nothing that runs on a user's machine imports this package.
"""
