"""What is refused before anything of a folder is loaded, and in which words."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from evalkit.errors import UsageError
from evalkit.local.hf.folder import check_folder, digest
from evalkit.local.options import HERE


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as it should be."""
    copy = tmp_path / "model"
    shutil.copytree(HERE / "weights", copy)
    return copy


def change(file: Path, **fields: object) -> None:
    """Set fields of a JSON file; None removes one."""
    parsed = json.loads(file.read_text("utf-8")) | fields
    file.write_text(json.dumps({name: value for name, value in parsed.items() if value is not None}), "utf-8")


def test_the_shipped_folder_is_accepted(folder: Path) -> None:
    """So is one whose weights are in several files."""
    check_folder(folder)
    (folder / "model.safetensors").rename(folder / "model-00001-of-00001.safetensors")
    index = {"weight_map": {"model.norm.weight": "model-00001-of-00001.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), "utf-8")
    check_folder(folder)


def test_pickled_weights_are_refused(folder: Path) -> None:
    """A pickle can run code when it is read; the message says how to come by safetensors."""
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(UsageError, match=r"weights are pickled \(pytorch_model\.bin\).*save_pretrained"):
        check_folder(folder)


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
def test_remote_code_is_refused(folder: Path, name: str) -> None:
    """Whether the model or its tokenizer brings the code: the file and the field are named."""
    change(folder / name, auto_map={"AutoModelForCausalLM": "modeling_mine.Mine"})
    with pytest.raises(UsageError, match=rf"{name}: auto_map: .*Python code of its own"):
        check_folder(folder)


def test_a_folder_without_tokenizer_is_refused(folder: Path) -> None:
    """Tokens cannot be guessed."""
    (folder / "tokenizer.json").unlink()
    with pytest.raises(UsageError, match=r"no tokenizer\.json: save the model's tokenizer there"):
        check_folder(folder)


def test_a_folder_without_chat_template_is_refused(folder: Path) -> None:
    """A base model was trained on no layout of chats; in either place of a template it is found."""
    template = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))["chat_template"]
    change(folder / "tokenizer_config.json", chat_template=None)
    with pytest.raises(UsageError, match=r"no chat template: put .* into chat_template\.jinja"):
        check_folder(folder)
    (folder / "chat_template.jinja").write_text(template, "utf-8")
    check_folder(folder)


def test_an_adapter_is_no_model(folder: Path) -> None:
    """transformers would look for its base, perhaps on the network."""
    (folder / "adapter_config.json").write_text("{}", "utf-8")
    with pytest.raises(UsageError, match="it is an adapter and no model: merge it"):
        check_folder(folder)


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ({"weight_map": {"a": "../elsewhere.safetensors"}}, "files of this folder are expected"),
        ({"weight_map": {"a": "weights.bin"}}, "ending in .safetensors"),
        ({"weight_map": {"a": "model-00002-of-00002.safetensors"}}, "is missing, which"),
        ({"weight_map": {}}, "no object of tensors"),
        ([], "holds a list where an object is expected"),
    ],
)
def test_shards_are_files_of_the_folder(folder: Path, index: object, message: str) -> None:
    """An index may name neither pickles, nor files elsewhere, nor files that are not there."""
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), "utf-8")
    with pytest.raises(UsageError, match=message):
        check_folder(folder)


@pytest.mark.parametrize(
    ("name", "message"), [("model.safetensors", "no weights"), ("config.json", "no config.json")]
)
def test_what_must_be_there_is_named(folder: Path, name: str, message: str) -> None:
    """Weights of either form, and the sizes."""
    (folder / name).unlink()
    with pytest.raises(UsageError, match=message):
        check_folder(folder)
    with pytest.raises(UsageError, match="not a folder"):
        check_folder(folder / name)


def test_a_broken_file_is_named(folder: Path) -> None:
    """With what is wrong in it."""
    (folder / "config.json").write_text("{", "utf-8")
    with pytest.raises(UsageError, match=r"config\.json: is not JSON"):
        check_folder(folder)


def test_the_digest_changes_with_whatever_answers_depend_on(folder: Path) -> None:
    """The layout of chats as well as the weights."""
    before = digest(folder)
    assert digest(folder) == before
    (folder / "chat_template.jinja").write_text("{{ messages }}", "utf-8")
    assert digest(folder) != before
