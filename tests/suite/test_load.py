"""Loading a suite: all of it, or one message with its place."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evalkit.checks.equals import Equals
from evalkit.checks.language import Language
from evalkit.checks.rubric import Rubric
from evalkit.errors import InputError
from evalkit.suite import GateRule, Prompt, Suite, load_suite, schema
from evalkit.suite.yaml import read
from tests.suite.conftest import SMALL, WriteSuite

DATA = Path(__file__).resolve().parents[1] / "data/suites"


def test_the_smallest_suite_is_one_file() -> None:
    """Five lines; nothing is sent that is not written."""
    suite = load_suite(DATA / "five-lines")
    (case,) = suite.cases
    assert (suite.name, suite.prompt) == ("five-lines", Prompt("Answer with the city's name only."))
    assert suite.params == {"temperature": 0, "max_tokens": 20}
    assert (case.messages[0]["content"], case.reference) == ("What is the capital of Norway?", "Oslo")
    assert [(check.name, check.kind, check.check) for check in suite.checks] == [
        ("equals", "correctness", Equals())
    ]


def test_a_grown_suite_is_read_with_its_files() -> None:
    """Prompt, schema, rubric, cases and training data; siblings of a check; a case's own checks and group."""
    suite = load_suite(DATA / "grown" / "suite.yaml")
    assert suite.prompt is not None
    assert str(suite.prompt.system).endswith("Write nothing but the object.")
    assert suite.short_prompt is None
    assert suite.train == DATA / "grown/train.jsonl"
    assert suite.gate == GateRule(margin=0.1)
    assert [(check.name, check.weight) for check in suite.checks][2] == ("short", 0.5)
    assert suite.checks[3].check == Rubric("The answer holds nothing that the line does not say.", 0.75)
    assert [case.id for case in suite.cases][:2] == ["b-1", "b-2"]
    assert suite.cases[1].group == "salt"
    assert [check.name for check in suite.cases[2].checks] == ["says the year"]


def test_no_is_norwegian_and_yes_is_text(write_suite: WriteSuite) -> None:
    """YAML 1.2: `language: no`, `equals: Yes`; numbers become text as written, also in answers."""
    yaml = """\
cases: [{ask: a, answer: 007}]
checks:
  - language: no
  - equals: Yes
  - equals: 1.50
  - equals
"""
    suite = load_suite(write_suite(yaml))
    assert [check.check for check in suite.checks] == [
        Language("no"),
        Equals("Yes"),
        Equals("1.50"),
        Equals(),
    ]
    assert suite.cases[0].reference == "007"
    assert [check.name for check in suite.checks] == ["language", "equals", "equals_2", "equals_3"]


def test_one_word_with_an_ending_is_a_file(write_suite: WriteSuite) -> None:
    """More than one word is text, and so is an answer that looks like a file."""
    yaml = """\
prompt: Read prompt.md
short_prompt: {system: short.txt}
cases: [{ask: Which file?, answer: README.md}]
checks:
  - contains: [one.txt, two words.txt]
  - equals
"""
    suite = load_suite(write_suite(yaml, short_txt="Be short.\n", one_txt="eins\n"))
    assert (suite.prompt, suite.short_prompt) == (Prompt("Read prompt.md"), Prompt("Be short."))
    assert suite.cases[0].reference == "README.md"
    assert getattr(suite.checks[0].check, "text", None) == ("eins", "two words.txt")


def test_the_hash_changes_with_every_file_that_is_named(write_suite: WriteSuite) -> None:
    """And with nothing else in the folder."""
    yaml = "prompt: prompt.md\n" + SMALL
    first = load_suite(write_suite(yaml, prompt_md="Be kind.")).sha256
    assert load_suite(write_suite(yaml, prompt_md="Be kind.", notes_md="x")).sha256 == first
    assert load_suite(write_suite(yaml, prompt_md="Be kind!")).sha256 != first
    assert load_suite(write_suite(yaml + "# x\n", prompt_md="Be kind.")).sha256 != first


FAULTS = [
    ("promt: x\n" + SMALL, 1, "promt", 'unknown key "promt"; did you mean prompt?'),
    ("prompt: 3\ncases: [1]", 2, "cases[0]", "found 1; write a mapping"),
    ("checks: [equals]", 1, "cases", "is missing"),
    ("cases: []\nchecks: [equals]", 1, "cases", "holds no case; write at least one"),
    ("cases: cases.txt\nchecks: [equals]", 1, "cases", "write a file's name that ends in .jsonl or .csv"),
    ("cases: nowhere.jsonl\nchecks: [equals]", 1, "cases", "the file nowhere.jsonl is not in"),
    ("prompt: prompt.md\n" + SMALL, 1, "prompt", "the file prompt.md is not in"),
    ("prompt: {user: 'Say {{ask'}\n" + SMALL, 1, "prompt.user", "no template"),
    (
        "prompt: {user: '{% for x in range(9) %}{% endfor %}'}\n" + SMALL,
        1,
        "prompt.user",
        "uses Call on its line 1",
    ),
    ("prompt: {}\n" + SMALL, 1, "prompt", "is empty; write system, user or both"),
    ("prompt: ''\n" + SMALL, 1, "prompt", "is empty; write the prompt, or null"),
    (
        "prompt: {user: 'In {{language}}: {{ask}}'}\n" + SMALL,
        3,
        "cases[0].vars",
        "'language' is undefined; known: ask",
    ),
    ("params: {model: x}\n" + SMALL, 1, "params.model", "cannot be set here; the variant names it"),
    ("gate: {margin: 5}\n" + SMALL, 1, "gate.margin", "found 5; write a number from 0 to 1"),
    ("gate: {inconclusive: maybe}\n" + SMALL, 1, "gate.inconclusive", 'found "maybe"; write fail or pass'),
    (SMALL + "  - is-json\n", 5, "checks[1]", "unknown check is-json: write json_schema: {}"),
    (SMALL + "  - lenght: 3\n", 5, "checks[1]", 'unknown check "lenght"; did you mean length?'),
    (
        SMALL + "  - length: {max: -1}\n",
        5,
        "checks[1].length.max",
        "found -1; write a whole number of at least 0",
    ),
    (
        SMALL + "  - length:\n      max: 3\n      unit: lines\n",
        7,
        "checks[1].length.unit",
        'found "lines"; write tokens',
    ),
    (SMALL + "  - {length: 3, regex: x}\n", 5, "checks[1]", "found length and regex in one entry"),
    (SMALL + "  - {name: x}\n", 5, "checks[1]", "which names no check"),
    (
        SMALL + "  - {length: 3, kind: form}\n",
        5,
        "checks[1].kind",
        'found "form"; write property or correctness',
    ),
    (
        SMALL + "  - {length: 3, name: equals}\n",
        5,
        "checks[1].name",
        "another check is called equals already",
    ),
    (SMALL + "  - {length: 3, name: whole}\n", 5, "checks[1].name", "another check is called whole already"),
    (SMALL + "  - {length: 3, weight: -1}\n", 5, "checks[1].weight", "found -1"),
    (SMALL + "  - equals: true\n", 5, "checks[1].equals", "found true; write text in quotes"),
    (SMALL + "  - json_schema: x.json\n", 5, "checks[1].json_schema", "the file x.json is not in"),
    (
        SMALL + "  - json_fields: [a]\n",
        2,
        "cases[0]",
        "json_fields compares with the case's answer, which is no JSON",
    ),
    ("cases: [{ask: a}]\nchecks: [equals]", 1, "cases[0]", "equals has no text, and the case has no answer"),
    ("cases: [{ask: a}]", 1, "cases[0].checks", "neither the suite nor the case has any"),
    ("cases:\n- {ask: a, checks: [nonsense]}", 2, "cases[0].checks[0]", 'unknown check "nonsense"'),
    (
        "cases:\n- {id: x, ask: a}\n- {id: x, ask: b}\nchecks: [length: 3]",
        3,
        "cases[1].id",
        'the id "x" stands on line 2',
    ),
    (
        "cases:\n- {ask: a}\n- {ask: a}\nchecks: [length: 3]",
        3,
        "cases[1]",
        "the same case stands on line 2 already",
    ),
    ("train: [1]\n" + SMALL, 1, "train", "found [1]; write text"),
    ("just text", 1, None, 'found "just text"; write keys such as prompt:, cases: and checks:'),
]


@pytest.mark.parametrize(("yaml", "line", "field", "what"), FAULTS)
def test_a_fault_is_told_with_file_line_field_and_remedy(
    write_suite: WriteSuite, yaml: str, line: int, field: str | None, what: str
) -> None:
    """One message each, whose exit code is 4."""
    folder = write_suite(yaml)
    with pytest.raises(InputError) as caught:
        load_suite(folder)
    fault = caught.value
    assert (fault.file, fault.line, fault.field, fault.exit_code) == (folder / "suite.yaml", line, field, 4)
    assert what in fault.what


@pytest.mark.parametrize(
    ("cases", "line", "field", "what"),
    [
        ('{"ask": "a"}\n{"ask": "b", "vars": {"ask": 1}}', 2, "vars.ask", "is the text of the user message"),
        (
            '{"ask": "a"}\n\n{"ask": "a"}',
            3,
            None,
            "the same case stands on line 1 already; remove one of them",
        ),
        (
            '{"ask": "a", "checks": [{"contains": "x.txt"}]}',
            1,
            "checks[0].contains",
            "the file x.txt is not in",
        ),
        ('{"ask": "a", "checks": ["equals"]}', 1, None, "equals has no text, and the case has no answer"),
        (
            '{"messages": [{"role": "system", "content": "a"}]}',
            1,
            "messages",
            "has no user message for the template",
        ),
    ],
)
def test_a_fault_in_a_line_of_cases_is_told_at_that_line(
    write_suite: WriteSuite, cases: str, line: int, field: str | None, what: str
) -> None:
    """Not at the line of suite.yaml that names the file."""
    folder = write_suite("prompt: {user: '{{ask}}'}\ncases: c.jsonl\nchecks: [length: 3]", c_jsonl=cases)
    with pytest.raises(InputError) as caught:
        load_suite(folder)
    fault = caught.value
    assert (fault.file, fault.line, fault.field) == (folder / "c.jsonl", line, field)
    assert what in fault.what


@pytest.mark.parametrize(
    ("train", "line", "what"),
    [
        ('{"ask": "a", "answer": "b"}\n{"ask": "c"}', 2, "no assistant message at its end"),
        ('{"prompt": "a"}', 1, "is missing; write the answer to learn"),
        ("{]", 1, "no JSON"),
        ("\n\n", 1, "holds no line"),
    ],
)
def test_training_data_are_checked_with_the_suite(
    write_suite: WriteSuite, train: str, line: int, what: str
) -> None:
    """Before anything is asked or tuned."""
    with pytest.raises(InputError) as caught:
        load_suite(write_suite("train: t.jsonl\n" + SMALL, t_jsonl=train))
    assert (caught.value.line, what in caught.value.what) == (line, True)


@pytest.mark.parametrize("name", ["../secret.md", "sub/../../secret.md", "link.md"])
def test_a_file_outside_the_folder_is_refused(write_suite: WriteSuite, name: str) -> None:
    """By its path or through a symbolic link."""
    folder = write_suite(f"prompt: {name}\n" + SMALL)
    (folder.parent / "secret.md").write_text("secret")
    (folder / "link.md").symlink_to(folder.parent / "secret.md")
    with pytest.raises(InputError, match="lies outside the suite's folder"):
        load_suite(folder)


def test_an_absolute_path_is_refused(write_suite: WriteSuite) -> None:
    """Even into the folder: a suite must be movable."""
    with pytest.raises(InputError, match="write a name relative to"):
        load_suite(write_suite("prompt: /etc/motd.md\n" + SMALL))


def test_a_link_inside_the_folder_is_followed(write_suite: WriteSuite) -> None:
    """Only what leads outside is refused; the folder itself may be reached through a link."""
    folder = write_suite("prompt: link.md\n" + SMALL, real_md="Be kind.")
    (folder / "link.md").symlink_to(folder / "real.md")
    (folder.parent / "other").symlink_to(folder)
    assert load_suite(folder.parent / "other").prompt == Prompt("Be kind.")


def test_what_is_no_regular_file_is_refused(write_suite: WriteSuite) -> None:
    """A pipe would block for ever, a folder has no text, a looping link has no end."""
    folder = write_suite("prompt: pipe.md\n" + SMALL)
    os.mkfifo(folder / "pipe.md")
    with pytest.raises(InputError, match="no regular file"):
        load_suite(folder)
    (folder / "pipe.md").unlink()
    (folder / "pipe.md").symlink_to("pipe.md")
    with pytest.raises(InputError, match=r"pipe\.md"):
        load_suite(folder)


def test_a_suite_yaml_that_is_not_there_is_told(tmp_path: Path) -> None:
    """Also one that is a link to the outside."""
    with pytest.raises(InputError, match=r"suite\.yaml is not in"):
        load_suite(tmp_path)
    folder = tmp_path / "cities"
    folder.mkdir()
    (tmp_path / "outside.yaml").write_text(SMALL)
    (folder / "suite.yaml").symlink_to(tmp_path / "outside.yaml")
    with pytest.raises(InputError, match="lies outside"):
        load_suite(folder)


def test_case_checks_are_added_to_the_suites_own(write_suite: WriteSuite) -> None:
    """Their names go on counting."""
    yaml = "cases: [{ask: a, checks: [contains: x, contains: y]}]\nchecks: [contains: z]"
    suite = load_suite(write_suite(yaml))
    assert [check.name for check in (*suite.checks, *suite.cases[0].checks)] == [
        "contains",
        "contains_2",
        "contains_3",
    ]


def test_the_published_schema_accepts_the_suites_that_load() -> None:
    """It is itself valid, and says what an editor needs."""
    published = schema()
    jsonschema.Draft202012Validator.check_schema(published)
    for folder in DATA.iterdir():
        file = folder / "suite.yaml"
        jsonschema.validate(read(file, file.read_bytes()).data, published)


@pytest.mark.parametrize(
    "yaml", [fault[0] for fault in FAULTS if "unknown" in fault[3] or "write a number" in fault[3]]
)
def test_the_published_schema_refuses_unknown_words_and_bad_numbers(yaml: str) -> None:
    """What an editor can see of the faults, it shows."""
    data = read(Path("suite.yaml"), yaml.encode()).data
    assert not jsonschema.Draft202012Validator(schema()).is_valid(data)


words = st.sampled_from(
    ["ask", "answer", "cases", "checks", "prompt", "equals", "length", "max", "3", "no", "x.md", "gate"]
)
trees = st.recursive(
    words | st.integers(-1, 3).map(str) | st.just("~"),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.dictionaries(words, inner, max_size=3).map(
            lambda items: "{" + ", ".join(f"{key}: {value}" for key, value in items.items()) + "}"
        )
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(words, trees, max_size=4), st.binary(max_size=30))
def test_any_suite_yaml_loads_or_gives_an_input_error(
    write_suite: WriteSuite, keys: dict[str, str], tail: bytes
) -> None:
    """Nothing in between, and no other exception."""
    text = "".join(f"{key}: {value}\n" for key, value in keys.items()).encode()
    for data in (text, text + tail):
        try:
            suite = load_suite(write_suite(data))
        except InputError:
            continue
        assert isinstance(suite, Suite)
        assert asdict(suite)["cases"]
