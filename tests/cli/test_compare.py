"""`evalkit compare`: two runs of the same suites, and what changed between them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalkit.cli import main
from tests.loopback import Loopback
from tests.loopback import loopback as loopback
from tests.run.helpers import config_for, run_in, write_suite

Json = dict[str, Any]
WORDS = [f"word{number:02}" for number in range(20)]


@pytest.fixture
def old(tmp_path: Path, loopback: Loopback, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run in which `prompted` passes all of 20 cases, and the gate's candidate, `ft`, none."""
    monkeypatch.chdir(tmp_path)
    outcome, _ = run_in(Path(), write_suite(Path("cities"), WORDS), config_for(Path(), loopback))
    return outcome.folder


def changed(run: Path, record: Callable[[Json], Json | None], **info: Any) -> Path:
    """A later run, made of an earlier one: each record changed, or left out."""
    new = run.with_name(f"later-than-{run.name}")
    shutil.copytree(run, new)
    found = (record(json.loads(line)) for line in (run / "records.jsonl").read_text().splitlines())
    (new / "records.jsonl").write_text("".join(f"{json.dumps(each)}\n" for each in found if each))
    (new / "run.json").write_text(json.dumps(json.loads((run / "run.json").read_text()) | info))
    return new


def fails(*cases: str) -> Callable[[Json], Json]:
    """`prompted` fails these cases."""

    def record(found: Json) -> Json:
        if found["variant"] == "prompted" and found["case"] in cases:
            found["verdicts"][0] |= {"passed": False, "score": 0.0, "reason": "::error::\x1b[31mno <b>"}
        return found

    return record


def shown(capsys: pytest.CaptureFixture[str], *argv: str | Path, code: int = 0) -> str:
    """What the command prints."""
    assert main(["compare", *map(str, argv)]) == code
    return capsys.readouterr().out


def test_a_run_is_like_itself(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing changed: no case is listed, and that is no regression."""
    text = shown(capsys, old, "reports/latest", "--fail-on-regression")
    assert "NO CHANGE SHOWN  cities: ft passes the same of 20 cases." in text
    assert "newly" not in text


def test_what_became_worse_is_listed(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With its reason, escaped; ten cases of each kind, all with -v; and the exit code on demand."""
    new = changed(old, fails(*WORDS[:12]))
    text = shown(capsys, old, new, "--variant", "prompted")
    assert "WORSE  cities: prompted passes 40%, before 100% (20 cases; p" in text
    assert "\ncities: 12 newly failing\n word00  equals  ::error::\\x1b[31mno <b>\n" in text
    assert " … and 2 more: -v lists them" in text
    assert "word11" in shown(capsys, old, new, "--variant", "prompted", "-v")
    shown(capsys, old, new, "--variant", "prompted,base", "--fail-on-regression", code=1)
    shown(capsys, old, new, "--fail-on-regression")
    better = shown(capsys, new, old, "--variant", "prompted", "--fail-on-regression")
    assert "BETTER  cities" in better
    assert "12 newly passing" in better


def test_the_other_formats_say_the_same(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """JSON has every figure; Markdown shows hostile text as text."""
    new = changed(old, fails(*WORDS[:12]))
    (found,) = json.loads(shown(capsys, old, new, "--variant", "prompted", "--format", "json"))["suites"]
    assert (found["state"], found["pass_rate_before"], found["pass_rate"]) == ("worse", 1.0, 0.4)
    assert (found["difference"], found["mcnemar_p"]) == (-0.6, pytest.approx(2 * 0.5**12))
    assert [case["case"] for case in found["newly_failing"]] == WORDS[:12]
    assert found["newly_failing"][0]["now"] == {"passed": 0, "n": 1}
    assert found["score"]["difference"] == pytest.approx(-0.6)
    text = shown(capsys, old, new, "--variant", "prompted", "--format", "markdown")
    assert "- **WORSE** cities: prompted passes 40%" in text
    assert "- `word11` `equals  ::error::\\x1b[31mno <b>`" in text


def test_what_is_missing_is_no_proof(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A newer run that lost half of its records is not worse, but nobody may say that it is not: exit 10."""
    new = changed(old, lambda found: found if found["case"] < "word10" else None)
    text = shown(capsys, old, new, "--variant", "prompted", "--fail-on-regression", code=10)
    assert "UNKNOWN  cities" in text
    assert "It would be worse if what is missing or undecided in the new run had failed." in " ".join(
        text.split()
    )
    assert "\ncities: 10 in the old run only\n word10\n" in text
    nothing = changed(new, lambda _: None)
    shown(capsys, old, nothing, "--fail-on-regression", code=10)


def test_what_else_changed_is_told(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Another suite.yaml, leaked cases that are left out, a partial run."""
    plan = json.loads((old / "run.json").read_text())["plan"]
    plan["suites"]["cities"]["sha256"] = "other"
    leaks = {"cities": {"cases": {"word00": {"train": "train.jsonl"}}}}
    new = changed(old, fails(), plan=plan, leaks=leaks, partial=True)
    text = shown(capsys, old, new)
    assert "Between the runs the prompt, checks or cases changed of: cities." in text
    assert "cities: cases that stand in training data are left out: 1." in text
    assert "is a partial run." in text
    assert "the same of 19 cases" in text


def test_on_github_nothing_printed_is_a_command(
    old: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever a model's words come to stand at the beginning of a line."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")

    def record(found: Json) -> Json:
        return fails("::error::x")(
            found | {"case": "::error::x" if found["case"] == "word00" else found["case"]}
        )

    text = shown(capsys, old, changed(old, record), "--variant", "prompted")
    assert "\n :\\:error::x" in text
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["nowhere", "NEW"], "nowhere: no run there"),
        (["OLD", "OLD", "--variant", "x"], "cities: x was not asked; there are base, prompted, ft"),
        (["OLD", "NEW"], "share no suite: cities against towns; name two runs of the same suites"),
        (["OLD"], "the following arguments are required: NEW"),
    ],
)
def test_what_cannot_be_compared_is_said(
    argv: list[str], message: str, old: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With what there is, and exit 4."""
    gate = json.loads((old / "run.json").read_text())["gate"]
    new = changed(old, lambda found: found, gate={"towns": gate["cities"]})
    places = {"OLD": str(old), "NEW": str(new)}
    assert main(["compare", *(places.get(part, part) for part in argv)]) == 4
    assert message in capsys.readouterr().err
