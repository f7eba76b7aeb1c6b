"""evalkit.toml and flags: who is asked, where, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalkit.config import (
    LOCAL,
    UNTUNED,
    Config,
    ModelFlags,
    ModelRef,
    gate_roles,
    judge_for,
    load_config,
    variants_for,
)
from evalkit.config.hosts import is_private
from evalkit.config.places import missing_keys
from evalkit.errors import InputError, UsageError
from evalkit.suite.model import GateRule, Suite

GROWN = """
[models]
base = "gpt-4.1-mini"
ft = "headlines-v2@vllm"

[endpoints.vllm]
base_url = "http://127.0.0.1:8000/v1/"
headers = {x-team = "news"}
timeout_s = 30
max_concurrency = 4

[variants.v3]
model = "headlines-v3"
endpoint = "vllm"
prompt = "none"
params = {temperature = 0}

[suites.sports.variants.ft]
model = "headlines-sports"

[[prices]]
model = "headlines-v2"
in = 0.10
out = 0.40
"""


def suite(name: str = "cities", *, train: bool = True, gate: GateRule | None = None) -> Suite:
    """A suite without cases: only what a configuration looks at."""
    folder = Path(name)
    return Suite(
        name, folder, (), (), train=folder / "train.jsonl" if train else None, gate=gate or GateRule()
    )


def load(folder: Path, text: str = "", environ: dict[str, str] | None = None, **flags: object) -> Config:
    """Read `text` as evalkit.toml."""
    (folder / "evalkit.toml").write_text(text, "utf-8")
    return load_config(folder, ModelFlags(**flags), environ or {})  # type: ignore[arg-type]


def asked(
    config: Config, of: Suite | None = None, *, need_ft: bool = True
) -> dict[str, tuple[str, str, str]]:
    """Variants by name: model, endpoint, prompt."""
    found = variants_for(config, of or suite(), need_ft=need_ft)
    return {variant.name: (variant.model, variant.endpoint, variant.prompt) for variant in found}


def test_with_nothing_named_all_is_embedded(tmp_path: Path) -> None:
    """Base, prompted and ft, which is still to be made, and the judge are embedded; no file is needed."""
    config = load_config(tmp_path, ModelFlags(), {"OPENAI_API_KEY": "sk-lying-around"})
    assert asked(config) == {
        "base": ("evalkit-tiny", LOCAL, "short"),
        "prompted": ("evalkit-tiny", LOCAL, "long"),
        "ft": (UNTUNED, LOCAL, "short"),
    }
    assert judge_for(config, suite()) == ModelRef("evalkit-tiny-judge", LOCAL)
    assert set(config.endpoints) == {LOCAL}


def test_a_grown_file_is_read_whole(tmp_path: Path) -> None:
    """Roles, endpoints, variants, prices; one suite's own model stays at the endpoint of the common one."""
    config = load(tmp_path, GROWN, {"OPENAI_API_KEY": "sk-x"})
    assert asked(config) == {
        "base": ("gpt-4.1-mini", "openai", "short"),
        "prompted": ("gpt-4.1-mini", "openai", "long"),
        "ft": ("headlines-v2", "vllm", "short"),
        "v3": ("headlines-v3", "vllm", "none"),
    }
    assert asked(config, suite("sports"))["ft"] == ("headlines-sports", "vllm", "short")
    vllm = config.endpoints["vllm"]
    assert (vllm.base_url, vllm.api_key_env, vllm.timeout_s) == ("http://127.0.0.1:8000/v1", None, 30)
    assert (dict(vllm.headers), vllm.max_concurrency) == ({"x-team": "news"}, 4)
    assert [(price.model, price.input, price.output) for price in config.prices] == [
        ("headlines-v2", 0.1, 0.4)
    ]


def test_a_flag_wins_over_the_file(tmp_path: Path) -> None:
    """The other roles stay as the file has them."""
    config = load(tmp_path, GROWN, ft="newer@vllm")
    assert asked(config)["ft"] == ("newer", "vllm", "short")
    assert asked(config)["base"][0] == "gpt-4.1-mini"


def test_an_address_in_place_of_an_endpoint_s_name(tmp_path: Path) -> None:
    """NAME@URL is asked there, and no key is sent along."""
    config = load(
        tmp_path,
        environ={"OPENAI_API_KEY": "sk-x"},
        base="m@http://127.0.0.1:9/v1",
        ft="n@http://127.0.0.1:9/v1",
    )
    assert asked(config)["base"] == ("m", "127.0.0.1:9/v1", "short")
    assert config.endpoints["127.0.0.1:9/v1"].api_key_env is None


def test_two_addresses_never_share_an_endpoint(tmp_path: Path) -> None:
    """The same host over http and over https is asked over each as named."""
    config = load(tmp_path, base="m@http://127.0.0.1:9/v1", ft="n@https://127.0.0.1:9/v1")
    urls = {name: config.endpoints[endpoint].base_url for name, (_, endpoint, _) in asked(config).items()}
    assert urls["base"] == "http://127.0.0.1:9/v1"
    assert urls["ft"] == "https://127.0.0.1:9/v1"


def test_a_bad_variable_is_named(tmp_path: Path) -> None:
    """OPENAI_BASE_URL that is no URL: the message says which variable."""
    with pytest.raises(UsageError, match="--base: OPENAI_BASE_URL: found 'gpu7', write a URL"):
        load(tmp_path, environ={"OPENAI_BASE_URL": "gpu7"}, base="m")


def test_base_url_is_where_models_without_an_endpoint_are_asked(tmp_path: Path) -> None:
    """The embedded models' names too: `evalkit serve` may run there. A key is sent, but none is required."""
    config = load(tmp_path, base="evalkit-tiny", ft="x", base_url="http://127.0.0.1:9/v1")
    place = config.endpoints[asked(config)["base"][1]]
    assert (place.base_url, place.api_key_env) == ("http://127.0.0.1:9/v1", "OPENAI_API_KEY")
    assert missing_keys([place], {}) == []


def test_openai_itself_wants_a_key(tmp_path: Path) -> None:
    """Missing, it is named; the message tells what to do."""
    config = load(tmp_path, base="gpt-4.1", ft="ft:gpt-4.1:a::b")
    assert config.endpoints["openai"].base_url == "https://api.openai.com/v1"
    assert missing_keys([config.endpoints["openai"]], {}) == [
        "endpoint openai: OPENAI_API_KEY is not set; export it, or name another endpoint"
    ]


def test_a_key_that_can_be_none_is_told_and_not_shown(tmp_path: Path) -> None:
    """A line end or an umlaut in the variable would break the request."""
    config = load(tmp_path, environ={}, base="gpt-5-mini", ft="b")
    (complaint,) = missing_keys([config.endpoints["openai"]], {"OPENAI_API_KEY": "sk-secr\xe9t\n"})
    assert complaint.startswith("endpoint openai: OPENAI_API_KEY holds a line end or another character")
    assert "sk-" not in complaint


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"ft": "x@http://127.0.0.1:9/v1"}, "--ft is remote, base is not named; add --base"),
        ({"judge": "gpt-5"}, "--judge is remote, base is not named; add --base"),
        ({"base": "gpt-5"}, "--base is remote, ft is not named; add --ft"),
        ({"base_url": "http://127.0.0.1:9/v1"}, "no model is named; add --base"),
        ({"base": ""}, "--base: found '', write NAME"),
    ],
)
def test_embedded_and_remote_are_never_mixed(tmp_path: Path, flags: dict[str, str], message: str) -> None:
    """Once one model is remote, no unnamed role falls back to the embedded one."""
    with pytest.raises(UsageError, match=message):
        asked(load(tmp_path, environ={}, **flags))


def test_a_remote_variant_of_the_file_counts_as_remote(tmp_path: Path) -> None:
    """Also a further variant is reason enough not to fall back."""
    text = '[variants.v3]\nmodel = "x@http://127.0.0.1:9/v1"\n'
    with pytest.raises(UsageError, match="variant v3 is remote, base is not named"):
        asked(load(tmp_path, text))


def test_the_judge_is_never_mixed_in_either(tmp_path: Path) -> None:
    """A remote run with a rubric wants a judge of its own."""
    config = load(tmp_path, base="a@http://127.0.0.1:9/v1", ft="b@http://127.0.0.1:9/v1")
    with pytest.raises(UsageError, match="--base is remote, judge is not named; add --judge"):
        judge_for(config, suite())


def test_without_a_fine_tune_the_others_are_asked_only_with_no_gate(tmp_path: Path) -> None:
    """A suite without training lines has no ft: an error, or the other variants alone."""
    config, bare = load(tmp_path), suite(train=False)
    with pytest.raises(UsageError, match=r"no `train:` to learn from; add --ft .* or --no-gate"):
        asked(config, bare)
    assert list(asked(config, bare, need_ft=False)) == ["base", "prompted"]


def test_variants_can_be_chosen(tmp_path: Path) -> None:
    """`--variants` alone decides; only the roles that it needs must be named."""
    config = load(tmp_path, ft="x@http://127.0.0.1:9/v1", variants=("ft_prompted", "ft"))
    assert asked(config) == {
        "ft_prompted": ("x", "127.0.0.1:9/v1", "long"),
        "ft": ("x", "127.0.0.1:9/v1", "short"),
    }


def test_what_the_gate_compares_is_asked(tmp_path: Path) -> None:
    """A suite's gate, or --candidate, brings in a variant that is not asked as a rule."""
    of = suite(gate=GateRule(candidate="ft_prompted"))
    assert "ft_prompted" in asked(load(tmp_path), of)
    config = load(tmp_path, candidate="base", baseline="ft_prompted")
    assert "ft_prompted" in asked(config)
    assert gate_roles(config, of) == ("base", "ft_prompted")


def test_an_unknown_variant_is_refused_with_what_is_close(tmp_path: Path) -> None:
    """A typing error is named, with the likely word."""
    with pytest.raises(UsageError, match="unknown variant 'promted', did you mean prompted"):
        asked(load(tmp_path, variants=("promted",)))


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("[model]\n", 1, "unknown key, did you mean models"),
        ('[models]\nbase = "a"\nfft = "b"\n', 3, "models.fft: unknown key, did you mean ft"),
        ("[models]\nbase = 5\n", 2, "models.base: found 5, write a text"),
        (
            '[models]\nbase = "x@vlm"\n[endpoints.vllm]\nbase_url = "http://127.0.0.1/v1"\n',
            2,
            "did you mean vllm",
        ),
        ('[endpoints.a]\nbase_url = "gpu7:8000"\n', 2, "write a URL such as"),
        ('[endpoints.a]\nbase_url = "http://me:pw@127.0.0.1/v1"\n', 2, "must not hold a password"),
        ("[endpoints.a]\ntimeout_s = 3\n", 1, "`base_url` is missing"),
        ('[endpoints.a]\nbase_url = "http://127.0.0.1/v1"\ntimeout_s = 0\n', 3, "a number above 0"),
        ('[endpoints.local]\nbase_url = "http://127.0.0.1/v1"\n', 1, "choose another name"),
        ('[endpoints.a]\nbase_url = "https://x.test/v1"\napi_key_env = "HOME"\n', 3, "ends in _API_KEY"),
        ('[endpoints.a]\nbase_url = "http://203.0.113.9/v1"\napi_key_env = "A_API_KEY"\n', 3, "unencrypted"),
        ('[endpoints.a]\nbase_url = "http://127.0.0.1/v1"\nheaders = {a = 1}\n', 3, "write a text"),
        ('[endpoints.a]\nbase_url = "http://8.8.8.8/v1"\nheaders = {a = "b"}\n', 3, "header a would go"),
        ('[endpoints.a]\nbase_url = "http://127.0.0.1/v1"\nheaders = {a = "\xe9"}\n', 3, "printable ASCII"),
        ('[variants.v]\nmodel = "x"\nprompt = "both"\n', 3, "write one of none, short, long"),
        ('[variants.v]\nprompt = "long"\n', 1, "`model` is missing"),
        ('[variants.v]\nmodel = "x"\nendpoint = "vllm"\n', 3, "unknown endpoint 'vllm'"),
        ('[variants.v]\nmodel = "x"\n[variants.v.params]\nstream = true\n', 4, "filled by evalkit"),
        (
            '[[prices]]\nmodel = "a"\nin = 1\nout = 1\n[[prices]]\nmodel = "b"\nin = -1\nout = 1\n',
            7,
            "0 or more",
        ),
        ('[[prices]]\nmodel = "a"\nin = nan\nout = 1\n', 3, "found nan, write a finite number"),
        ('[variants.v]\nmodel = "x"\nparams = {top_p = nan}\n', 3, "write what JSON can hold"),
        ('[variants.v]\nmodel = "x"\nparams = {day = 2026-01-01}\n', 3, "write what JSON can hold"),
        ('[models]\nbase = ""\n', 2, "found '', write NAME"),
        ('[variants.base]\nmodel = ""\n', 1, "`model` is missing"),
        ('[[prices]]\nmodel = "a"\nin = 1\n', 1, "`out` is missing"),
        ("[models]\nbase = \n", 2, "not TOML"),
        ("[volume]\ncalls_per_day = 0\n", 2, "found 0, write a number above 0"),
        ("[volume]\ncalls_a_day = 5\n", 2, "unknown key, did you mean calls_per_day"),
    ],
)
def test_a_fault_in_the_file_has_its_place_and_remedy(
    tmp_path: Path, text: str, line: int, message: str
) -> None:
    """File, line, what was found and what to write; exit code 4."""
    with pytest.raises(InputError, match=message) as raised:
        load(tmp_path, text)
    assert (raised.value.line, raised.value.exit_code) == (line, 4)
    assert str(raised.value).startswith(f"{tmp_path / 'evalkit.toml'}:{line}: ")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """Invalid UTF-8 is named."""
    (tmp_path / "evalkit.toml").write_bytes(b"[models]\nbase = '\xff'\n")
    with pytest.raises(InputError, match="not UTF-8"):
        load_config(tmp_path, ModelFlags(), {})


def test_openai_s_key_goes_nowhere_in_the_clear(tmp_path: Path) -> None:
    """OPENAI_BASE_URL with http and a public host is refused while the key is set."""
    environ = {"OPENAI_BASE_URL": "http://203.0.113.9/v1", "OPENAI_API_KEY": "sk-x"}
    with pytest.raises(UsageError, match=r"OPENAI_API_KEY would go to http://203\.0\.113\.9/v1 unencrypted"):
        load(tmp_path, environ=environ, base="m")


def test_a_dotenv_file_is_not_read(tmp_path: Path) -> None:
    """What lies in .env is not the environment."""
    (tmp_path / ".env").write_text("OPENAI_BASE_URL=http://127.0.0.1:1/v1\n", "utf-8")
    config = load(tmp_path, base="m", ft="n")
    assert config.endpoints["openai"].base_url == "https://api.openai.com/v1"


@pytest.mark.parametrize(
    ("url", "private"),
    [
        ("http://127.0.0.1:1/v1", True),
        ("http://[::1]:1/v1", True),
        ("http://10.1.2.3/v1", True),
        ("http://localhost:1/v1", True),
        ("http://no-such-host-in-here/v1", True),
        ("http://8.8.8.8/v1", False),
        ("https://[2606:4700::1111]/v1", False),
    ],
)
def test_private_addresses_are_told_from_public_ones(url: str, private: bool) -> None:
    """A name without a dot that cannot be resolved can be no public host."""
    assert is_private(url) is private
