"""Opening the endpoints of a run: keys from the environment, a look at which models they serve."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from evalkit.config import LOCAL, EndpointSettings, ModelRef
from evalkit.config.hosts import is_private
from evalkit.config.places import missing_keys
from evalkit.config.toml_file import close_match
from evalkit.errors import AskError, UsageError
from evalkit.tokens import ft_base

if TYPE_CHECKING:
    from evalkit.endpoints.openai_api import OpenAIEndpoint

SHOWN_MODELS = 8
"""How many of a server's models a message lists."""


@dataclass(frozen=True, slots=True)
class Connection:
    """An endpoint that is open, and what it said of its models.

    `fingerprints`: hashes of weights and adapter by model, where the endpoint tells them.
    `fresh`: models that may have been made a moment ago, and may not be ready.
    `shutdown_dates`: ISO dates by model, where the endpoint tells them.
    """

    endpoint: OpenAIEndpoint
    settings: EndpointSettings
    fingerprints: Mapping[str, str]
    fresh: frozenset[str] = frozenset()
    shutdown_dates: Mapping[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """What names the endpoint across runs: its URL, or `local`, whose port is another each time."""
        return LOCAL if self.settings.name == LOCAL else str(self.settings.base_url)


def open_endpoint(
    settings: EndpointSettings, environ: Mapping[str, str] = os.environ, *, stream: bool = False
) -> OpenAIEndpoint:
    """Make ready to ask one endpoint, with streamed answers or whole ones; nothing is sent yet.

    Raises:
        UsageError: its key is not set, or the embedded server has not been started.
    """
    for complaint in missing_keys([settings], environ):
        raise UsageError(complaint)
    if settings.base_url is None:
        raise UsageError(f"endpoint {settings.name} has no address: start the embedded server first")
    from evalkit.endpoints.openai_api import OpenAIEndpoint  # here alone: it takes half a second to load

    return OpenAIEndpoint(
        settings.name,
        settings.base_url,
        api_key=(environ.get(settings.api_key_env) if settings.api_key_env else None) or None,
        headers=settings.headers,
        timeout_s=settings.timeout_s,
        use_proxy=not is_private(settings.base_url),
        most=settings.max_concurrency,
        stream=stream,
    )


async def connect(
    endpoint: OpenAIEndpoint,
    settings: EndpointSettings,
    models: Iterable[str],
    fresh: frozenset[str] = frozenset(),
) -> Connection:
    """Find out what an endpoint knows of the models that it will be asked for.

    A server without a list of models is taken as it is; so is a model that was made a moment ago.

    Args:
        endpoint: open.
        settings: how it was opened.
        models: their names.
        fresh: those that were just made.

    Raises:
        UsageError: it cannot be reached, refuses the key, or does not serve one of the models.
    """
    listed = await _listed(endpoint, settings)
    fingerprints, shutdown_dates = {}, {}
    for model in models if listed else ():
        if model in listed or model not in fresh:
            entry = listed.get(model) or await _unlisted(endpoint, model, listed)
            if isinstance(entry.get("fingerprint"), str):
                fingerprints[model] = entry["fingerprint"]
            if gone := _shutdown_date(entry) or _shutdown_date(listed.get(ft_base(model) or "", {})):
                shutdown_dates[model] = gone
    return Connection(endpoint, settings, fingerprints, fresh, shutdown_dates)


async def connect_all(
    refs: Iterable[ModelRef], endpoints: Mapping[str, EndpointSettings], opened: AsyncExitStack
) -> dict[str, Connection]:
    """Open the endpoints of these models until `opened` is closed, and see that each is served; by name.

    Raises:
        UsageError: as `open_endpoint` and `connect`.
    """
    connections = {}
    for name, models in by_endpoint(refs).items():
        endpoint = open_endpoint(endpoints[name])
        opened.push_async_callback(endpoint.close)
        connections[name] = await connect(endpoint, endpoints[name], models)
    return connections


def by_endpoint(refs: Iterable[ModelRef]) -> dict[str, list[str]]:
    """The names of the models that each endpoint is asked for; in order, each once."""
    models: dict[str, list[str]] = {}
    for ref in sorted(set(refs), key=lambda ref: (ref.endpoint, ref.model)):
        models.setdefault(ref.endpoint, []).append(ref.model)
    return models


async def _listed(endpoint: OpenAIEndpoint, settings: EndpointSettings) -> dict[str, Mapping[str, Any]]:
    """What /models lists, by name; empty where there is no such list."""
    try:
        return {str(entry.get("id")): entry for entry in await endpoint.models()}
    except AskError as error:
        if error.status == 401:
            key = settings.api_key_env or "no key was sent; name one with api_key_env"
            raise UsageError(f"endpoint {settings.name} refused the key ({key}): {error.message}") from error
        if error.type in ("connection", "timeout"):
            raise UsageError(
                f"endpoint {settings.name}: {error.message}; is a server running there?"
            ) from error
        return {}


def _shutdown_date(entry: Mapping[str, Any]) -> str | None:
    """From when on a model is gone; a fine-tune's goes by its base where it says nothing itself."""
    told = entry.get("shutdown_date")
    try:
        return date.fromisoformat(told).isoformat() if isinstance(told, str) else None
    except ValueError:
        return None


async def _unlisted(endpoint: OpenAIEndpoint, model: str, listed: Iterable[str]) -> Mapping[str, Any]:
    """What the server says of a model that its list leaves out: some list only part of what they serve."""
    try:
        return await endpoint.model(model)
    except AskError as error:
        if error.status != 404:
            return {}
        names = sorted(listed)
        more = ", ..." if len(names) > SHOWN_MODELS else ""
        raise UsageError(
            f"endpoint {endpoint.name} has no model {model!r}{close_match(model, names)}; "
            f"it has {', '.join(names[:SHOWN_MODELS])}{more}"
        ) from error
