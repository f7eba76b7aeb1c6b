"""Two programs read one tokenizer.json: Hugging Face's tokenizers and tiktoken. They must agree."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.errors import InputError
from evalkit.local.tokenizer import NAME, load_encoding
from tests.local.pretrain.packing import EPISODES, WEIGHTS

tokenizers = pytest.importorskip("tokenizers", reason="it only makes vocabularies: pip install .[pretrain]")

from evalkit.local.pretrain.tokenizer import (  # noqa: E402
    SPECIAL,
    describe,
    learn_tokens,
    merges,
    texts,
    write_tokenizer,
)

SHIPPED = load_encoding(WEIGHTS)
HUGGING_FACE = tokenizers.Tokenizer.from_file(str(WEIGHTS / "tokenizer.json"))

# Words that the vocabulary knows, run together in odd ways; and any assigned character: the two
# programs come with tables of different Unicode versions, so new characters may differ.
PIECES = ("the", " Olga", "Müller", " null", '{"player": "', "  ", "\n\n", "\t", "42", "’s", " ...", *SPECIAL)
TEXT = st.lists(
    st.one_of(st.sampled_from(PIECES), st.text(st.characters(exclude_categories=("Cs", "Cn")), max_size=8))
).map("".join)


@given(TEXT)
def test_both_programs_give_the_same_tokens(text: str) -> None:
    """Token for token, special tokens included; and decoding gives the text back."""
    ids = SHIPPED.encode(text, allowed_special="all")
    assert HUGGING_FACE.encode(text, add_special_tokens=False).ids == ids
    assert SHIPPED.decode(ids) == text


@pytest.mark.parametrize("before", [" ", '"', "\n", "(", ""])
def test_a_name_has_the_same_tokens_wherever_it_stands(before: str) -> None:
    """A capitalised word never absorbs the space before it, so that copying it is easy."""
    name = SHIPPED.encode("Olga Marga")
    assert SHIPPED.encode(before + "Olga Marga")[-len(name) :] == name


def test_special_tokens_in_a_text_are_plain_text_unless_allowed() -> None:
    """What a user writes cannot end their message."""
    assert SHIPPED.encode("<|im_end|>", allowed_special="all") == [2]
    assert not {0, 1, 2} & set(SHIPPED.encode_ordinary("<|im_end|>"))


def test_every_split_of_a_token_is_a_merge() -> None:
    """tiktoken joins any pair that makes a token; the written merges name them all."""
    tokens = [*SPECIAL, "a", "b", "ab", "aba"]
    assert merges(tokens) == [("a", "b"), ("ab", "a")]
    assert ("a", "ba") in merges([*tokens, "ba"])


def test_a_vocabulary_can_be_learned_and_read_back(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What is learned from some texts, written and read, encodes those texts."""
    folder = tmp_path_factory.mktemp("tokenizer")
    tokens = learn_tokens([*texts(EPISODES)] * 30, vocabulary=300)
    write_tokenizer(tokens, folder)
    encoding = load_encoding(folder)
    assert (encoding.name, encoding.n_vocab) == (NAME, len(tokens))
    assert tokens[:3] == [*SPECIAL]
    assert encoding.decode(encoding.encode("Answer with one word.")) == "Answer with one word."
    assert len(encoding.encode("Answer with one word.")) < len("Answer with one word.")
    assert describe(tokens) == json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("content", [None, "{", "[]", '{"added_tokens": []}'])
def test_a_folder_without_a_usable_tokenizer_is_named(
    tmp_path_factory: pytest.TempPathFactory, content: str | None
) -> None:
    """The message names the file, and no other exception escapes."""
    folder = tmp_path_factory.mktemp("broken")
    if content is not None:
        (folder / "tokenizer.json").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=r"tokenizer\.json"):
        load_encoding(folder)
