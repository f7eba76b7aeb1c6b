"""How many tokens a text is, by the model's own encoding.

The encoding of `evalkit-tiny` comes with the package. OpenAI's are read from rank files, looked for in this
order: tiktoken's own cache (TIKTOKEN_CACHE_DIR), copies inside installed packages, the network (with a time
limit, which tiktoken's own download lacks). Counting is advice: where an encoding is unknown or cannot be
had, the count is None.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import tiktoken

EMBEDDED = "evalkit-tiny"
"""How the embedded models' names begin, and what tiktoken_ext registers their encoding as."""

DOWNLOAD_TIMEOUT_S = 5.0

_ROUGHLY: ContextVar[bool] = ContextVar("roughly", default=False)

AROUND_TOOL = 12
"""Tokens that the cookbook adds for the frame of each tool."""

_PREFIXES = (  # the longest that fits decides; `gpt-4` alone would swallow gpt-4o and gpt-4.1
    ("gpt-4o", "o200k_base"),
    ("chatgpt-4o", "o200k_base"),
    ("gpt-4.1", "o200k_base"),
    ("gpt-4.5", "o200k_base"),
    ("gpt-5", "o200k_base"),
    ("o1", "o200k_base"),
    ("o3", "o200k_base"),
    ("o4", "o200k_base"),
    ("gpt-4", "cl100k_base"),
    ("gpt-3.5", "cl100k_base"),
    ("davinci-002", "cl100k_base"),
    ("babbage-002", "cl100k_base"),
    (EMBEDDED, EMBEDDED),
)


@dataclass(frozen=True, slots=True)
class RankFile:
    """Where OpenAI keeps the ranks of an encoding, and what they must hash to."""

    url: str
    sha256: str

    @property
    def cache_name(self) -> str:
        """The name under which tiktoken caches it."""
        return hashlib.sha1(self.url.encode()).hexdigest()

    def genuine(self, data: bytes) -> bool:
        """Whether `data` are these ranks, whole."""
        return hashlib.sha256(data).hexdigest() == self.sha256


_RANK_FILES = {
    "cl100k_base": RankFile(
        "https://openaipublic.blob.core.windows.net/encodings/cl100k_base.tiktoken",
        "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    ),
    "o200k_base": RankFile(
        "https://openaipublic.blob.core.windows.net/encodings/o200k_base.tiktoken",
        "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    ),
}


def ft_base(model: str) -> str | None:
    """The base in `ft:<base>:<org>:<suffix>:<id>[:ckpt-step-N]`; None for any other name.

    Only names that start with `ft:` are taken apart: other engines use colons of their own.
    """
    return model.split(":")[1] if model.startswith("ft:") else None


def encoding_name(model: str) -> str | None:
    """The encoding of `model`, for an `ft:` name that of its base; None where the name says nothing."""
    name = ft_base(model) or model
    fitting = [(len(prefix), encoding) for prefix, encoding in _PREFIXES if name.startswith(prefix)]
    return max(fitting)[1] if fitting else None


def encoding_for(model: str) -> tiktoken.Encoding | None:
    """The encoding of `model`, or None where its name is unknown or its ranks cannot be had."""
    name = encoding_name(model)
    if name is None or (name in _RANK_FILES and _ROUGHLY.get()):
        return None
    return _load(name)


@contextmanager
def roughly() -> Iterator[None]:
    """Within, OpenAI's encodings are left alone: each takes 70 MB and a third of a second to load."""
    token = _ROUGHLY.set(True)
    try:
        yield
    finally:
        _ROUGHLY.reset(token)


def without_encoding(model: str) -> str:
    """Why the tokens of `model` cannot be counted here, and how to mend it."""
    name = encoding_name(model)
    if name is None:
        return f"No encoding is known of {model!r}: name one of OpenAI's models, or {EMBEDDED}."
    return (
        f"The ranks of {name} are neither in tiktoken's cache ({_cache_folder()}) nor in an installed "
        "package, and could not be downloaded: pip install --no-deps llama-index-core brings them, or set "
        f"TIKTOKEN_CACHE_DIR to a folder that holds them as {_RANK_FILES[name].cache_name}."
    )


def count(text: str, model: str) -> int | None:
    """Tokens of `text` for `model`, special tokens read as plain text; None where that cannot be known."""
    encoding = encoding_for(model)
    return None if encoding is None else _length(encoding.name, text)


def count_messages(
    messages: Sequence[Mapping[str, Any]], model: str, tools: Sequence[Mapping[str, Any]] = ()
) -> int | None:
    """Tokens of a chat prompt for `model`, the opening of the answer included; None where unknown.

    Exact for the embedded models; for OpenAI's by the rule of their cookbook, tools roughly:
    https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken

    Args:
        messages, tools: as in the body of a request.
        model: its name.
    """
    encoding = encoding_for(model)
    if encoding is None:
        return None
    if encoding.name == EMBEDDED:
        return _chatml_tokens(_with_tools(messages, tools), encoding)
    declared = sum(_length(encoding.name, _signature(tool)) + AROUND_TOOL for tool in tools)
    return _cookbook_tokens(messages, encoding) + declared


def tool_signature(name: str, description: str, parameters: Mapping[str, Any]) -> str:
    """A tool as a model sees it, e.g. `set_light(room: "hall" | "attic", on?: boolean): Switch it.`

    The embedded models see just this, OpenAI's much the same. `?` marks what is not required; types are
    told, and the tool's own description.
    """
    required = parameters.get("required") or ()
    properties: Mapping[str, Any] = parameters.get("properties") or {}
    arguments = [
        f"{name}{'' if name in required else '?'}: {_type_of(schema)}" for name, schema in properties.items()
    ]
    described = f": {' '.join(description.split())}" if description else ""
    return f"{name}({', '.join(arguments)}){described}"


def tools_block(signatures: Iterable[str]) -> str:
    """What stands at the end of the embedded models' system turn, a tool a line."""
    return "\n".join(["Tools:", *signatures])


def _signature(tool: Mapping[str, Any]) -> str:
    """Of a tool as a request declares it."""
    function = tool.get("function") or {}
    description = function.get("description") or ""
    return tool_signature(str(function.get("name")), description, function.get("parameters") or {})


def _type_of(schema: Any) -> str:
    if not isinstance(schema, Mapping):
        return "any"
    if schema.get("enum"):
        return " | ".join(json.dumps(value, ensure_ascii=False) for value in schema["enum"])
    kinds = schema.get("type") or "any"
    return " | ".join(_kind(kind, schema) for kind in ([kinds] if isinstance(kinds, str) else kinds))


def _kind(kind: str, schema: Mapping[str, Any]) -> str:
    items = schema.get("items")
    return f"array of {_type_of(items)}" if kind == "array" and isinstance(items, Mapping) else kind


def _with_tools(
    messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]
) -> Sequence[Mapping[str, Any]]:
    """The messages with the tools in the system turn, as the embedded server lays them out."""
    if not tools:
        return messages
    block = tools_block(map(_signature, tools))
    if not messages or messages[0].get("role") != "system":
        return [{"role": "system", "content": block}, *messages]
    system = f"{_joined(messages[0].get('content'))}\n\n{block}"
    return [{"role": "system", "content": system}, *messages[1:]]


def _chatml_tokens(messages: Sequence[Mapping[str, Any]], encoding: tiktoken.Encoding) -> int:
    """By the embedded chat template, `<|im_start|>role\\ntext<|im_end|>\\n`; special tokens are 1 each."""
    turns = [f"{message['role']}\n{_joined(message.get('content'))}" for message in messages]
    around = 2 + _length(encoding.name, "\n")
    opening = 1 + _length(encoding.name, "assistant\n")
    return sum(around + _length(encoding.name, turn) for turn in turns) + opening


def _cookbook_tokens(messages: Sequence[Mapping[str, Any]], encoding: tiktoken.Encoding) -> int:
    """3 for each message, every value's own, 1 more for a name, and 3 for the opening of the answer."""
    values = [_joined(value) for message in messages for value in message.values()]
    names = sum("name" in message for message in messages)
    return 3 + 3 * len(messages) + names + sum(_length(encoding.name, value) for value in values)


def _joined(content: Any) -> str:
    """A message's value as text: itself, or the text parts of a list; "" for what holds no text."""
    if isinstance(content, list):
        return "".join(part["text"] for part in content if isinstance(part, dict) and "text" in part)
    return content if isinstance(content, str) else ""


@lru_cache(maxsize=4096)  # the same long system prompt stands in hundreds of requests
def _length(encoding: str, text: str) -> int:
    return len(_registered(encoding).encode_ordinary(text))


@cache
def _load(name: str) -> tiktoken.Encoding | None:
    """The encoding, once its ranks lie where tiktoken looks: its own download would wait without a limit."""
    if name in _RANK_FILES and not _provide(_RANK_FILES[name]):
        return None
    return _registered(name)


def _registered(name: str) -> tiktoken.Encoding:
    import tiktoken  # with its encodings it is 60 MB, and this module is asked for names far more often

    return tiktoken.get_encoding(name)


def _provide(ranks: RankFile) -> bool:
    """Make sure that tiktoken's cache holds the ranks; False where no source has them."""
    place = _cache_folder() / ranks.cache_name
    if place.is_file() and ranks.genuine(place.read_bytes()):
        return True
    data = _from_packages(ranks) or _from_network(ranks)
    if data is None:
        return False
    return _write(place, data)


def _cache_folder() -> Path:
    """The folder in which tiktoken looks first."""
    named = os.environ.get("TIKTOKEN_CACHE_DIR") or os.environ.get("DATA_GYM_CACHE_DIR")
    return Path(named) if named else Path(tempfile.gettempdir()) / "data-gym-cache"


def _from_packages(ranks: RankFile) -> bytes | None:
    """The ranks as llama-index-core carries them, where it is installed (it need not be imported)."""
    try:
        files = metadata.files("llama-index-core") or []
    except metadata.PackageNotFoundError:
        return None
    for file in files:
        if file.name == ranks.cache_name:
            data = Path(str(file.locate())).read_bytes()
            return data if ranks.genuine(data) else None
    return None


def _from_network(ranks: RankFile) -> bytes | None:
    import urllib.request  # loads an HTTP client for what happens once in a machine's life

    try:
        with urllib.request.urlopen(ranks.url, timeout=DOWNLOAD_TIMEOUT_S) as reply:
            data: bytes = reply.read()
    except OSError:
        return None
    return data if ranks.genuine(data) else None


def _write(place: Path, data: bytes) -> bool:
    """Put the ranks into the cache whole or not at all; False where the folder cannot be written."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=place.parent, delete=False) as part:
            part.write(data)
        Path(part.name).replace(place)
    except OSError:
        return False
    return True
