"""Train the byte-level BPE vocabulary on the corpus, and write it as Hugging Face and tiktoken read it.

python -m evalkit.local.pretrain.tokenizer --out FOLDER [--episodes 20000]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

import evalkit.local
from evalkit.local.corpus.episode import Episode
from evalkit.local.corpus.mix import episodes
from evalkit.local.tokenizer import byte_letters

TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
VOCABULARY = 2048
SEED = 1_000_003  # a stream of the corpus that training does not see

# One alternative a line: a capitalised word, which never takes the space before it (a name has
# then the same tokens after a space and after a quote, and is far easier to copy); any other word
# with its space; one digit; signs with their space; line ends; other blanks.
PATTERN = (
    r"\p{Lu}[\p{L}\p{M}]*"
    r"| ?[\p{Ll}\p{Lt}\p{Lm}\p{Lo}][\p{L}\p{M}]*"
    r"|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+"
    r"|[\r\n]+"
    r"|[^\S\r\n]+"
)

CHAT_TEMPLATE = (Path(evalkit.local.__file__).parent / "chat_template.jinja").read_text(encoding="utf-8")


def texts(corpus: Iterable[Episode]) -> Iterator[str]:
    """Every text of the corpus, each system text once."""
    for episode in corpus:
        yield episode.system
        for turn in episode.turns:
            yield turn.user
            yield turn.answer


def learn_tokens(sample: Iterable[str], vocabulary: int = VOCABULARY) -> list[str]:
    """The tokens by id, in byte letters: the special ones, the 256 bytes, then merges by frequency."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(PATTERN), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])  # fmt: skip
    tokenizer.train_from_iterator(
        sample,
        trainers.BpeTrainer(
            vocab_size=vocabulary,
            min_frequency=20,
            special_tokens=list(SPECIAL),
            initial_alphabet=sorted(byte_letters()),
            show_progress=False,
        ),
    )
    ids: dict[str, int] = tokenizer.get_vocab()
    return sorted(ids, key=ids.__getitem__)


def merges(tokens: list[str]) -> list[tuple[str, str]]:
    """Every split of every token into two tokens, in the order of the ids.

    tiktoken merges whatever pair makes the token of the lowest rank. A list that named one split
    per token would let Hugging Face's tokenizer miss pairs which tiktoken merges.
    """
    rank = {token: place for place, token in enumerate(tokens[len(SPECIAL) :])}
    found: list[tuple[str, str]] = []
    for token in rank:
        splits = [(token[:cut], token[cut:]) for cut in range(1, len(token))]
        known = [pair for pair in splits if pair[0] in rank and pair[1] in rank]
        found += sorted(known, key=lambda pair: (rank[pair[0]], rank[pair[1]]))
    return found


def describe(tokens: list[str]) -> dict[str, Any]:
    """The content of tokenizer.json."""
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    split = {"type": "Split", "pattern": {"Regex": PATTERN}, "behavior": "Isolated", "invert": False}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": i, "content": token, **flags} for i, token in enumerate(SPECIAL)],
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, byte_level]},
        "post_processor": None,
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": True,
            "vocab": {token: i for i, token in enumerate(tokens)},
            "merges": [list(pair) for pair in merges(tokens)],
        },
    }


def write_tokenizer(tokens: list[str], folder: Path) -> None:
    """Write tokenizer.json and tokenizer_config.json, which holds the chat template."""
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
        "model_max_length": 2048,
        "clean_up_tokenization_spaces": False,
        "chat_template": CHAT_TEMPLATE,
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in zip(TOKENIZER_FILES, (describe(tokens), settings), strict=True):
        text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
        (folder / name).write_text(text, encoding="utf-8")


def main() -> None:
    """Train on the first megabytes of the corpus and write the two files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="the model's folder")
    parser.add_argument("--episodes", type=int, default=20_000, help="how much of the corpus to read")
    options = parser.parse_args()
    tokens = learn_tokens(texts(islice(episodes(SEED), options.episodes)))
    write_tokenizer(tokens, options.out)
    print(f"{options.out}: {len(tokens)} tokens")


if __name__ == "__main__":
    main()
