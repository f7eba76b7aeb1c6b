"""Where models are asked: `NAME`, `NAME@ENDPOINT` and `NAME@URL` -> a model and an endpoint."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import urlsplit

from evalkit.config.hosts import may_carry_a_key
from evalkit.config.model import EMBEDDED_BASE, LOCAL, EndpointSettings, ModelRef
from evalkit.config.toml_file import Table, TomlFile, close_match
from evalkit.endpoints.base import RECORDED
from evalkit.errors import UsageError
from evalkit.tokens import ft_base

OPENAI = "openai"
OPENAI_URL = "https://api.openai.com/v1"
OPENAI_KEY = "OPENAI_API_KEY"
OPENAI_PLACE = "OPENAI_BASE_URL"


class Places:
    """The endpoints of a run: those of evalkit.toml, the embedded one, and those that models are named with.

    Args:
        file: evalkit.toml.
        base_url: `--base-url`, where given: where models without an endpoint are asked.
        environ: the environment; of it OPENAI_BASE_URL is read, and whether the keys that are named are set.

    Attributes:
        endpoints: by name; grows as models are named.

    Raises:
        UsageError: an endpoint cannot be used as it is written.
    """

    def __init__(self, file: TomlFile, base_url: str | None, environ: Mapping[str, str]):
        self._environ = environ
        self.endpoints = {LOCAL: EndpointSettings(LOCAL, None)}
        for name, table in file.endpoints.items():
            self.endpoints[name] = _from_table(file, name, table)
        self._default_url = base_url or environ.get(OPENAI_PLACE) or None

    def model(self, text: str) -> ModelRef:
        """Read `NAME`, `NAME@ENDPOINT` or `NAME@URL`.

        Raises:
            UsageError: no such endpoint, or an address that is none.
        """
        name, at, place = text.rpartition("@")
        if not (name if at else text).strip():
            raise UsageError(f"found {text!r}, write NAME, NAME@ENDPOINT or NAME@URL")
        if not at:
            return ModelRef(text, self.default_for(text))
        return ModelRef(name, self._by_url(place) if "://" in place else self.known(place))

    def known(self, name: str) -> str:
        """The name of an endpoint that exists.

        Raises:
            UsageError: it does not.
        """
        if name not in self.endpoints:
            near = close_match(name, self.endpoints)
            raise UsageError(
                f"unknown endpoint {name!r}{near}; add [endpoints.{name}] with base_url to evalkit.toml"
            )
        return name

    def default_for(self, model: str) -> str:
        """The endpoint of a model named without one: OPENAI_BASE_URL, or the embedded one for its own models
        where no address was given."""
        if self._default_url is None and (ft_base(model) or model).startswith(EMBEDDED_BASE):
            return LOCAL
        if self._default_url is None and OPENAI in self.endpoints:
            return OPENAI
        return self.default()

    def default(self) -> str:
        """The endpoint of models that are named without one: `--base-url`, OPENAI_BASE_URL, or OpenAI."""
        return self._keep(self._default())

    def recorded(self, name: str, base_url: str | None) -> str:
        """The endpoint that a file recorded by name and address (None: the embedded one).

        The name counts only while evalkit.toml gives it that address; no key goes to an address by itself.
        """
        if base_url is None:
            return LOCAL
        known = self.endpoints.get(name)
        return name if known and known.base_url == base_url else self._by_url(base_url)

    def _default(self) -> EndpointSettings:
        with fault_of(OPENAI_PLACE):
            url = checked_url(self._default_url or OPENAI_URL)
        name = OPENAI if url == OPENAI_URL else _label(url)
        if OPENAI_KEY in self._environ:
            _check_transport(url, OPENAI_KEY)
        return EndpointSettings(name, url, api_key_env=OPENAI_KEY, key_required=url == OPENAI_URL)

    def _by_url(self, text: str) -> str:
        """An address in place of an endpoint's name: no key is sent there, unless it is the default's own."""
        url = checked_url(text)
        default = self._default_url or OPENAI_URL
        return self._keep(
            self._default() if url == default.rstrip("/") else EndpointSettings(_label(url), url)
        )

    def _keep(self, endpoint: EndpointSettings) -> str:
        """Add an endpoint, unless it is there; two addresses never share a name (http and https, say)."""
        known = self.endpoints.setdefault(endpoint.name, endpoint)
        if known.base_url == endpoint.base_url:
            return known.name
        whole = replace(endpoint, name=str(endpoint.base_url))
        return self.endpoints.setdefault(whole.name, whole).name


@contextmanager
def fault_of(name: str) -> Iterator[None]:
    """Faults found within are faults of this flag or variable."""
    try:
        yield
    except UsageError as fault:
        raise UsageError(f"{name}: {fault}") from fault


def checked_url(text: str) -> str:
    """An address that an endpoint may have, without a trailing slash.

    Raises:
        UsageError: it is no http(s) URL, or carries a user name or password.
    """
    try:
        parts = urlsplit(text)
        usable = (
            parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
        )
    except ValueError:
        usable = False
    if not usable:
        raise UsageError(f"found {text!r}, write a URL such as http://gpu7:8000/v1")
    if parts.username or parts.password or parts.query:
        raise UsageError("a URL must not hold a password or a query; name the key with api_key_env")
    return text.rstrip("/")


def _from_table(file: TomlFile, name: str, table: Table) -> EndpointSettings:
    """[endpoints.NAME] of evalkit.toml."""
    at = f"endpoints.{name}"
    if name in (LOCAL, RECORDED):
        what = "the embedded endpoint" if name == LOCAL else "where answers come from a file"
        raise file.fault(f"`{name}` is {what}; choose another name", at)
    with file.at(f"{at}.base_url"):
        url = checked_url(table["base_url"])
    with file.at(f"{at}.api_key_env"):
        _check_key(url, table.get("api_key_env"))
    _check_headers(file, url, table.get("headers", {}), f"{at}.headers")
    for limit in ("timeout_s", "max_concurrency"):
        if limit in table and table[limit] <= 0:
            raise file.fault(f"found {table[limit]}, write a number above 0", f"{at}.{limit}")
    return EndpointSettings(name, **{**table, "base_url": url})


def _check_key(url: str, variable: str | None) -> None:
    if variable is None:
        return
    if not variable.endswith("_API_KEY"):
        raise UsageError(f"found {variable!r}, name a variable that ends in _API_KEY")
    _check_transport(url, variable)


def _check_transport(url: str, variable: str) -> None:
    if not may_carry_a_key(url):
        raise UsageError(f"{variable} would go to {url} unencrypted; write https://, or send no key there")


def _check_headers(file: TomlFile, url: str, headers: Table, at: str) -> None:
    """Headers may hold a key: they go where a key may go."""
    for header, value in headers.items():
        if not isinstance(value, str):
            raise file.fault(f"found {value!r}, write a text", f"{at}.{header}")
        if not _fits_a_header(header + value):
            raise file.fault("a header holds printable ASCII only", f"{at}.{header}")
        with file.at(f"{at}.{header}"):
            _check_transport(url, f"header {header}")


def _label(url: str) -> str:
    """How an endpoint without a name is called: its address without the scheme, e.g. `gpu7:8000/v1`."""
    return url.partition("://")[2]


def missing_keys(endpoints: Iterable[EndpointSettings], environ: Mapping[str, str]) -> list[str]:
    """One line for each endpoint whose key is required and not set, or can be none; keys are not shown."""
    complaints = []
    for place in endpoints:
        key = environ.get(place.api_key_env or "", "")
        if place.api_key_env and place.key_required and not key:
            fault = "is not set; export it, or name another endpoint"
        elif not _fits_a_header(key):
            fault = "holds a line end or another character that no key has; export it anew"
        else:
            continue
        complaints.append(f"endpoint {place.name}: {place.api_key_env} {fault}")
    return complaints


def _fits_a_header(text: str) -> bool:
    return text.isascii() and text.isprintable()
