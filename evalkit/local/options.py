"""What the server is started with, and the flags that say so."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from evalkit.local.http.limits import GENEROUS, Rates

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Options:
    """What to serve, where, and to whom.

    Attributes:
        host: where the server listens.
        port: 0 = a free one.
        state: the folder of files, jobs and models.
        weights: the Hugging Face folder of the embedded base.
        model: a Hugging Face folder that torch serves instead of the embedded models; None = these.
        aliases: further names of the base.
        key: what every request must show; None = nothing. Needed where the host is no loopback address.
        rates: how often it may be asked.
    """

    host: str = "127.0.0.1"
    port: int = 0
    state: Path = Path(".evalkit")
    weights: Path = HERE / "weights"
    model: Path | None = None
    aliases: tuple[str, ...] = ()
    key: str | None = None
    rates: Rates = GENEROUS


def add_flags(parser: argparse.ArgumentParser, *, port: int, key: str | None = None) -> None:
    """Declare a flag for each option; `port` and `key` are defaults."""
    default = Options()
    parser.add_argument(
        "--host", default=default.host, help="a public name or address needs a key (default 127.0.0.1)"
    )
    parser.add_argument("--port", type=int, default=port, help=f"0 takes a free one (default {port})")
    parser.add_argument(
        "--state", type=Path, default=default.state, help="files, jobs, models (default .evalkit)"
    )
    parser.add_argument(
        "--weights", type=Path, default=default.weights, help="a folder in place of the shipped model's"
    )
    parser.add_argument(
        "--model", type=Path, metavar="FOLDER", help="a Hugging Face model of your own (pip extra: torch)"
    )
    parser.add_argument(
        "--alias",
        action="append",
        default=[],
        metavar="NAME",
        help="a further name of the base, e.g. gpt-4o-mini; may be given several times",
    )
    parser.add_argument(
        "--api-key", type=_key, default=key, metavar="KEY", help="what every request must show (default none)"
    )
    parser.add_argument(
        "--rate-limit",
        type=_rates,
        default=default.rates,
        metavar="REQUESTS[,TOKENS]",
        help=f"a minute (default {default.rates.requests},{default.rates.tokens})",
    )


def options_of(given: argparse.Namespace) -> Options:
    """Give the options that the flags say."""
    return Options(
        host=given.host,
        port=given.port,
        state=given.state,
        weights=given.weights,
        model=given.model,
        aliases=tuple(given.alias),
        key=given.api_key,
        rates=given.rate_limit,
    )


def _key(text: str) -> str:
    if not text.isascii() or not text.isprintable() or not text or " " in text:
        raise argparse.ArgumentTypeError("a key is one or more ASCII letters, digits and signs, no spaces")
    return text


def _rates(text: str) -> Rates:
    figures = text.split(",")
    if len(figures) > 2 or not all(figure.isdecimal() and 0 < int(figure) < 10**12 for figure in figures):
        raise argparse.ArgumentTypeError(f"found {text!r}, write requests a minute, and tokens: 600,100000")
    return Rates(*map(int, figures))
