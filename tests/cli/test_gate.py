"""`evalkit run` with a gate, and `evalkit gate`: decisions, exit codes, and looks that are not free."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest

from evalkit.cli import main
from evalkit.cli.exit_codes import Exit
from evalkit.config.looks import read_looks
from evalkit.report.summary import schema
from tests.cli.gated import ASKED, cases_asked, words_of, write_answers, write_gated
from tests.cli.gated import place as place


@pytest.mark.parametrize(
    ("n", "lost", "won", "word", "code"),
    [
        (60, 0, 0, "ship", Exit.OK),
        (60, 20, 0, "dont_ship", Exit.GATE_FAILED),
        (60, 3, 2, "inconclusive", Exit.INCONCLUSIVE),
    ],
)
def test_a_run_ends_in_its_decision(
    place: Path, capsys: pytest.CaptureFixture[str], n: int, lost: int, won: int, word: str, code: Exit
) -> None:
    """In the exit code, on the terminal, in summary.json by its schema, in report.md and in evalkit.lock."""
    write_gated(place, n, lost, won)
    assert main(["run", "words", *ASKED]) == code
    assert words_of(place) == {"words": word}
    spoken = {"ship": "SHIP", "dont_ship": "DON'T SHIP", "inconclusive": "INCONCLUSIVE"}[word]
    assert f"\n{spoken}  " in capsys.readouterr().out
    latest = place / "reports" / "latest"
    jsonschema.validate(json.loads((latest / "summary.json").read_text()), schema())
    assert f"**{spoken}** words: " in (latest / "report.md").read_text()
    assert [look.word for look in read_looks(place)] == [word]


def test_every_suite_must_ship(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One that must not be shipped holds up the others."""
    write_gated(place, 60, lost=20, name="worse")
    write_gated(place, 60, name="equal")
    assert main(["run", "equal", *ASKED]) == Exit.OK
    assert main(["run", "equal", "worse", *ASKED]) == Exit.OK  # answers of the same ids, all right by now
    write_gated(place, 60, lost=20, name="worse")
    (place / "equal" / "cases.jsonl").write_text('{"id": "word50", "ask": "word50", "answer": "WORD50"}\n')
    assert main(["run", "equal", "worse", *ASKED]) == Exit.GATE_FAILED
    assert "0 of 2 suites ship; inconclusive: equal; not to be shipped: worse." in capsys.readouterr().out


def test_inconclusive_may_pass(place: Path) -> None:
    """`inconclusive: pass` makes 10 a 0, and changes nothing else."""
    write_gated(place, 40, gate=", inconclusive: pass")
    assert main(["run", "words", *ASKED]) == Exit.OK
    assert words_of(place) == {"words": "inconclusive"}
    write_gated(place, 60, lost=20, gate=", inconclusive: pass")
    assert main(["run", "words", *ASKED]) == Exit.GATE_FAILED


@pytest.mark.parametrize("flags", [["--limit", "59"], ["-k", "word"], ["--maxfail", "99"]])
def test_a_partial_run_is_never_gated(
    place: Path, capsys: pytest.CaptureFixture[str], flags: list[str]
) -> None:
    """However clear it is; it is told, no look is taken, and `evalkit gate` refuses it too."""
    write_gated(place, 60, lost=30)
    args = ["--candidate", "new"] if "--maxfail" in flags else []
    assert main(["run", "words", *ASKED, *flags, *args]) == Exit.OK
    assert "NOT GATED  a partial run is never gated" in capsys.readouterr().out
    assert read_looks(place) == ()
    assert main(["gate"]) == Exit.BAD_INPUT
    assert "cannot be gated: a partial run" in capsys.readouterr().err


def test_without_a_gate_nothing_is_said_of_one(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--no-gate: no decision anywhere, exit code 0 where all was asked."""
    write_gated(place, 60, lost=30)
    assert main(["run", "words", *ASKED, "--no-gate"]) == Exit.OK
    assert "SHIP" not in capsys.readouterr().out
    assert "gate" not in json.loads((place / "reports" / "latest" / "summary.json").read_text())
    assert main(["gate"]) == Exit.BAD_INPUT
    assert "it was made with --no-gate" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (["--variants", "new"], "old is not asked, so there is nothing to compare"),
        ([*ASKED, "--baseline", "new"], "new is candidate and baseline, which never differ"),
    ],
)
def test_a_gate_with_nothing_to_compare_is_refused(
    place: Path, capsys: pytest.CaptureFixture[str], flags: list[str], why: str
) -> None:
    """Before anything is asked, for it could never fail; what shall not be gated is only tabulated."""
    write_gated(place, 60)
    for more in ([], ["--dry-run"]):
        assert main(["run", "words", *flags, *more]) == Exit.BAD_INPUT
        shown = capsys.readouterr().err
        assert f"words: {why}; see --variants, --candidate and --baseline, or decide nothing" in shown
    assert not (place / "reports").exists()
    assert main(["run", "words", *flags, "--no-gate"]) == main(["run", "words", *flags, "--limit", "9"]) == 0


def test_a_second_look_at_more_cases_cannot_ship(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Topping up after an inconclusive look is itself a look, for which nothing of alpha is left."""
    write_gated(place, 40)
    assert main(["run", "words", *ASKED]) == Exit.INCONCLUSIVE
    write_gated(place, 100)
    assert main(["run", "words", *ASKED]) == Exit.INCONCLUSIVE
    shown = " ".join(capsys.readouterr().out.split())
    assert "no further look is left: its alpha was spent in" in shown
    assert "--until-decided" in shown


def test_the_same_answers_can_be_looked_at_again(place: Path) -> None:
    """Nothing new is seen."""
    write_gated(place, 60)
    for _ in range(3):
        assert main(["run", "words", *ASKED, "-q"]) == Exit.OK
    assert len(read_looks(place)) == 1


def test_gate_decides_again_and_labels_other_terms(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By the run's own terms as the run did; by others, labelled post hoc. Nothing is written."""
    write_gated(place, 60, lost=3, won=2)
    main(["run", "words", *ASKED, "-q"])
    before = sorted((path, path.stat().st_mtime_ns) for path in place.rglob("*") if path.is_file())
    capsys.readouterr()
    assert main(["gate"]) == Exit.INCONCLUSIVE
    assert "post hoc" not in capsys.readouterr().out
    assert main(["gate", "reports/latest", "--margin", "0.2"]) == Exit.OK
    shown = " ".join(capsys.readouterr().out.split())
    assert "[post hoc: margin 0.2 was set after the data was seen (it was 0.05)]" in shown
    assert main(["gate", "--candidate", "old", "--baseline", "new", "--format", "json"]) == Exit.INCONCLUSIVE
    (labels,) = (found["gate"]["labels"] for found in json.loads(capsys.readouterr().out)["suites"].values())
    assert len(labels) == 2
    assert sorted((path, path.stat().st_mtime_ns) for path in place.rglob("*") if path.is_file()) == before


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["nowhere"], "no run there"),
        (["--margin", "1"], "write a number from 0 to below 1"),
        (["--alpha", "0"], "write a number from 1e-06 to below 0.5"),
        (["--candidate", "nobody"], "nobody is not asked"),
        (["--baseline", "new"], "new is candidate and baseline, which never differ"),
    ],
)
def test_bad_use_of_gate(
    place: Path, capsys: pytest.CaptureFixture[str], argv: list[str], message: str
) -> None:
    """What was found, and what to write."""
    write_gated(place, 3)
    main(["run", "words", *ASKED, "-q"])
    assert main(["gate", *argv]) == Exit.BAD_INPUT
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("lost", "won", "seen", "word"), [(0, 0, 180, "ship"), (120, 0, 60, "dont_ship"), (12, 12, 240, "ship")]
)
def test_until_decided_asks_no_more_than_it_takes(
    place: Path, lost: int, won: int, seen: int, word: str
) -> None:
    """A clear loss is seen at the first of four looks, equality at the third, noise at the last."""
    write_gated(place, 240, lost, won)
    assert main(["run", "words", *ASKED, "--until-decided", "-q"]) in (Exit.OK, Exit.GATE_FAILED)
    assert (cases_asked(place), words_of(place)) == (seen, {"words": word})
    looks = read_looks(place)
    assert [look.cases for look in looks] == list(range(60, seen + 1, 60))
    assert sum(look.level for look in looks) < 0.075
    assert looks[-1].spent <= 0.05 + 1e-9


def test_until_decided_takes_no_more_than_max_cases(place: Path) -> None:
    """Of each suite; and the looks are planned by that."""
    write_gated(place, 240)
    assert main(["run", "words", *ASKED, "--until-decided", "--max-cases", "100", "-q"]) == Exit.OK
    assert cases_asked(place) <= 100
    assert [look.cases for look in read_looks(place)] == [25, 50, 75, 100]


def test_looks_go_on_where_they_were_broken_off(place: Path) -> None:
    """--resume takes the looks that are left, and none twice."""
    write_gated(place, 240, lost=12, won=12)
    assert main(["run", "words", *ASKED, "--until-decided", "-q"]) == Exit.OK
    before = read_looks(place)
    latest = place / "reports" / "latest"
    info = json.loads((latest / "run.json").read_text())
    info["looks"]["words"] |= {"cases": 180, "word": "inconclusive"}
    (latest / "run.json").write_text(json.dumps(info))
    lines = (latest / "records.jsonl").read_text().splitlines(keepends=True)
    (latest / "records.jsonl").write_text("".join(lines[:400]))
    assert main(["run", "--resume", "reports/latest", "-q"]) == Exit.OK
    assert cases_asked(place) == 240
    assert [(look.cases, look.level) for look in read_looks(place)] == [
        (look.cases, look.level) for look in before
    ]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--until-decided", "--no-gate"], "--until-decided is for a gate"),
        (["--until-decided", "--limit", "9"], "--until-decided is for a gate"),
        (["--max-cases", "9"], "--max-cases goes with --until-decided"),
    ],
)
def test_looks_need_a_gate(
    place: Path, capsys: pytest.CaptureFixture[str], flags: list[str], message: str
) -> None:
    """Flags that do not go together are refused."""
    write_gated(place, 3)
    assert main(["run", "words", *ASKED, *flags]) == Exit.BAD_INPUT
    assert message in capsys.readouterr().err


def test_a_broken_lock_is_told(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Looks that cannot be read are not forgotten: the run's answers stay, and the file is named."""
    write_gated(place, 60)
    (place / "evalkit.lock").write_text('{"version": 1, "fine_tunes": [], "looks": [{"suite": 3}]}')
    assert main(["run", "words", *ASKED]) == Exit.BAD_INPUT
    assert "evalkit.lock: looks: " in capsys.readouterr().err


def test_requirements_are_told_before_anything_is_asked(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A suite with too few cases for its margin or its floors can only end without a SHIP: said at once."""
    write_gated(place, 40, gate=", require: {pass_rate: 0.95}")
    main(["run", "words", *ASKED])
    shown = capsys.readouterr().out
    heading = shown[: shown.index("passed")]
    assert "needs at least 59 cases, has 40" in heading
    assert "words cannot SHIP: pass_rate: 0.95 needs at least 59 cases, and it has 40" in heading


def test_a_regraded_run_is_decided_by_the_checks_of_today(place: Path) -> None:
    """With the same answers; a look that was taken is not taken again."""
    write_gated(place, 60, lost=20)
    assert main(["run", "words", *ASKED, "-q"]) == Exit.GATE_FAILED
    suite = place / "words" / "suite.yaml"
    suite.write_text(suite.read_text().replace("- equals", "- length: {max: 40, unit: chars}"))
    assert main(["regrade", "reports/latest", "-q"]) == Exit.OK
    assert len(read_looks(place)) == 1


def test_answers_that_changed_are_other_data(place: Path) -> None:
    """A candidate asked again until its answers suit is looked at again."""
    write_gated(place, 60, lost=3, won=2)
    assert main(["run", "words", *ASKED, "-q"]) == Exit.INCONCLUSIVE
    write_answers(place, "new", {f"word{number}": True for number in range(60)})
    assert main(["run", "words", *ASKED, "-q"]) == Exit.INCONCLUSIVE
    assert [look.level for look in read_looks(place)] == [0.05, 0.0]


def test_an_incomplete_run_decides_nothing(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a kill leaves is reported, but not gated."""
    write_gated(place, 60, lost=30)
    main(["run", "words", *ASKED, "-q"])
    path = place / "reports" / "latest" / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"status": "running"}))
    capsys.readouterr()
    assert main(["report"]) == Exit.OK
    assert "NOT GATED  the run is not complete" in capsys.readouterr().out
    assert main(["gate"]) == Exit.BAD_INPUT


def test_junit_is_written_where_it_is_wanted(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The gate's case fails as the gate does; with --strict each answer that failed does too. A place that
    cannot be written to is told after the report."""
    write_gated(place, 60, lost=20)
    for flags, failures in (((), 1), (("--strict",), 21)):
        main(["run", "words", *ASKED, "-q", "--junitxml", "out.xml", *flags])
        assert ElementTree.parse(place / "out.xml").getroot().get("failures") == str(failures)
    capsys.readouterr()
    assert main(["run", "words", *ASKED, "--junitxml", "nowhere/out.xml"]) == Exit.BAD_INPUT
    told = capsys.readouterr()
    assert "DON'T SHIP" in told.out
    assert "nowhere/out.xml: cannot be written" in told.err
