"""LoRA adapters in PEFT's layout, several of them worn in one batch."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from peft import LoraConfig, PeftConfig, PeftModel
from safetensors import SafetensorError, safe_open

from evalkit.errors import InputError
from evalkit.local.engine.job import AnyAdapter

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
PREFIX = "base_model.model."  # of every tensor's name, before the module's own
BASE = "__base__"  # peft's word for no adapter
KEPT = 32  # adapters in the model's memory at once, and more only while more are worn


@dataclass(frozen=True, slots=True, eq=False)
class FolderAdapter:
    """An adapter on disk.

    Attributes:
        folder: where it is.
        sha256: of its two files.
        shapes: of its tensors, by their names.
    """

    folder: Path
    sha256: str
    shapes: Mapping[str, tuple[int, ...]]


def load_adapter(folder: Path) -> FolderAdapter:
    """Read what must be known of an adapter before it is worn.

    Raises:
        InputError: a file is missing or unreadable, or it is not a plain LoRA.
    """
    digest = hashlib.sha256()
    try:
        for name in (CONFIG, WEIGHTS):
            digest.update((folder / name).read_bytes())
        settings = PeftConfig.from_pretrained(str(folder))
        with safe_open(folder / WEIGHTS, framework="numpy") as tensors:
            shapes = {name: tuple(tensors.get_slice(name).get_shape()) for name in tensors.keys()}  # noqa: SIM118
    except OSError as fault:
        raise InputError(f"cannot be read ({fault}); train the model anew", file=folder) from fault
    except (SafetensorError, ValueError, TypeError, KeyError) as fault:
        raise InputError(f"is no adapter in PEFT's layout: {fault}", file=folder) from fault
    if not isinstance(settings, LoraConfig) or settings.use_dora or settings.bias != "none":
        raise InputError("is no plain LoRA, the kind that several can be worn of in one batch", file=folder)
    return FolderAdapter(folder, digest.hexdigest(), shapes)


class Wardrobe:
    """The model with the adapters that its rows wear. Used by one thread.

    Args:
        model: the base model, of transformers.
    """

    def __init__(self, model: Any):
        self._base: Any = model
        self._dressed: Any = None
        self._known: OrderedDict[str, None] = OrderedDict()
        self._shapes = dict(_linear_shapes(model))

    def fits(self, adapter: AnyAdapter) -> bool:
        """Whether all its matrices belong to linears of the model, and have their sizes."""
        return isinstance(adapter, FolderAdapter) and all(
            self._shapes.get(name) == _outer(name, shape) for name, shape in adapter.shapes.items()
        )

    def __call__(self, adapters: Sequence[AnyAdapter | None], **inputs: Any) -> Any:
        """Run the model on rows that wear these adapters."""
        for adapter in adapters:
            if adapter is not None:
                self._put_on(adapter)
        if self._dressed is None:
            return self._base(**inputs)
        self._tidy({adapter.sha256 for adapter in adapters if adapter})
        return self._dressed(
            **inputs, adapter_names=[adapter.sha256 if adapter else BASE for adapter in adapters]
        )

    def _put_on(self, adapter: AnyAdapter) -> None:
        assert isinstance(adapter, FolderAdapter)
        name = adapter.sha256
        if self._dressed is None:
            self._dressed = PeftModel.from_pretrained(self._base, str(adapter.folder), adapter_name=name)
            self._dressed.eval()
        elif name not in self._known:
            self._dressed.load_adapter(str(adapter.folder), adapter_name=name)
        self._known[name] = None
        self._known.move_to_end(name)

    def _tidy(self, worn: set[str]) -> None:
        """Let go of adapters that were not worn for longest."""
        for name in [name for name in self._known if name not in worn][: max(0, len(self._known) - KEPT)]:
            self._dressed.delete_adapter(name)
            del self._known[name]


def _linear_shapes(model: Any) -> Any:
    """PEFT's name of each factor that a linear may get -> its inputs (A) or outputs (B)."""
    for name, module in model.named_modules():
        weight = getattr(module, "weight", None)
        if weight is None or weight.dim() != 2:
            continue
        out, inputs = reversed(weight.shape) if type(module).__name__ == "Conv1D" else weight.shape
        yield f"{PREFIX}{name}.lora_A.weight", inputs
        yield f"{PREFIX}{name}.lora_B.weight", out


def _outer(name: str, shape: tuple[int, ...]) -> int | None:
    """The side of a factor that is not its rank."""
    if len(shape) != 2:
        return None
    return shape[1] if ".lora_A." in name else shape[0]
