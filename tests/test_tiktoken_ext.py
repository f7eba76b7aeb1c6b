"""The embedded model's encoding, registered with tiktoken."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import evalkit.local
from evalkit.local.tokenizer import load_encoding

WEIGHTS = Path(evalkit.local.__file__).parent / "weights"
ROOT = Path(__file__).parents[1]


@pytest.mark.skipif(not (WEIGHTS / "tokenizer.json").exists(), reason=f"no tokenizer in {WEIGHTS}")
def test_encoding_is_found_by_name_without_the_engine() -> None:
    """tiktoken finds `evalkit-tiny`, the same as the model's folder says, and numpy is not loaded for it."""
    script = (
        "import sys, tiktoken\n"
        "found = tiktoken.get_encoding('evalkit-tiny')\n"
        "assert 'evalkit-tiny' in tiktoken.list_encoding_names()\n"
        "assert not {'numpy', 'starlette', 'evalkit.local.engine'} & set(sys.modules), sys.modules.keys()\n"
        "print(found.encode_ordinary('Grüße, 12 <|im_end|>'), found.encode_single_token('<|im_end|>'))\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    folder = load_encoding(WEIGHTS)
    assert said.stdout.strip() == f"{folder.encode_ordinary('Grüße, 12 <|im_end|>')} 2"
