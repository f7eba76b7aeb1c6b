"""Small Hugging Face folders with random weights, of other architectures than the shipped one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
)

TEXTS = (
    "The quick brown fox jumps over the lazy dog.\n\nWhat is the capital of France? Paris.",
    "Grüße aus Köln, 東京 and Αθήνα: 12 + 30 = 42!",
    '<tool_call>{"name": "set_light", "arguments": {"room": "hall", "on": true}}</tool_call>',
)
CHATML = (
    "{%- if tools %}<|im_start|>system\n{{ tools | tojson }}<|im_end|>\n{% endif %}"
    "{%- for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}"
    "{%- for call in message.tool_calls or [] %}<tool_call>{{ call.function | tojson }}</tool_call>"
    "{% endfor %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
INST = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message.role == 'user' %}[INST] {{ message.content | trim }} [/INST]"
    "{% elif message.role == 'assistant' %} {{ message.content | trim }}{{ eos_token }}"
    "{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}"
)
SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
}


def write_qwen(folder: Path, template: str = CHATML) -> Path:
    """Qwen2, byte-level BPE, ChatML with tools as JSON."""
    tokenizer = _byte_level(template)
    save(folder, Qwen2ForCausalLM(Qwen2Config(vocab_size=len(tokenizer), **SIZES)), tokenizer)
    return folder


def write_gpt2(folder: Path) -> Path:
    """GPT-2: learned positions, and linears that are stored the other way round."""
    tokenizer = _byte_level(CHATML)
    config = GPT2Config(vocab_size=len(tokenizer), n_embd=32, n_layer=2, n_head=4, n_positions=256)
    save(folder, GPT2LMHeadModel(config), tokenizer)
    return folder


def write_mistral(folder: Path) -> Path:
    """Mistral with a window of 8 tokens, sentencepiece's spelling, a template that knows no system role."""
    tokenizer = _sentencepiece(INST)
    config = MistralConfig(vocab_size=len(tokenizer), sliding_window=8, **SIZES)
    save(folder, MistralForCausalLM(config), tokenizer)
    return folder


def save(folder: Path, model: Any, tokenizer: Any) -> None:
    """Write both, the weights wide enough that different prompts get different answers."""
    torch.manual_seed(1)
    for parameter in model.parameters():
        if parameter.dim() == 2:
            torch.nn.init.normal_(parameter, std=parameter.shape[1] ** -0.5)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _byte_level(template: str) -> Any:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        show_progress=False,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=["<|im_start|>"],
        chat_template=template,
    )


def _sentencepiece(template: str) -> Any:
    """Letters, and bytes for those that are missing: no merges, so that nothing need be trained."""
    spelled = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    letters = sorted({*"".join(TEXTS[:1]).replace(" ", "▁"), "▁"})
    tokenizer = Tokenizer(
        models.BPE(
            vocab={token: place for place, token in enumerate([*spelled, *letters])},
            merges=[],
            byte_fallback=True,
            unk_token="<unk>",
        )
    )
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        chat_template=template,
    )
