"""Which detector should the `language` check use? Measures three that work offline.

    python tests/benchmarks/language_detectors.py

Prints, per detector: share of texts whose most likely language is the labelled one (all of the detector's
languages allowed), milliseconds of processor time a text, seconds and MiB to load, MB installed. A detector
that is not installed is left out. Then: what the `language` check makes of the same texts. The labelled texts
are third-party data beside the checkout; without them there is nothing to measure.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from evalkit.checks import Seen, build

DATA = Path(__file__).resolve().parents[3] / "shared/data/langid/labelled.jsonl"
FACTS = Path(__file__).resolve().parents[1] / "data/languages/facts.jsonl"
Detect = Callable[[str], str]


@dataclass(frozen=True)
class Figures:
    """What was measured of one detector: accuracies in [0, 1], times, memory and size on disk."""

    accuracy: dict[str, float]
    ms_a_text: float
    load_s: float
    memory_mib: float
    installed_mb: float


def py3langid() -> Detect:
    """Naive Bayes over byte n-grams (BSD-3-Clause)."""
    module = importlib.import_module("py3langid")
    return lambda text: str(module.classify(text)[0])


def langdetect() -> Detect:
    """Naive Bayes over character n-grams (Apache-2.0); seeded, or it answers differently each time."""
    module = importlib.import_module("langdetect")
    module.DetectorFactory.seed = 0

    def detect(text: str) -> str:
        try:
            return str(module.detect(text))[:2]
        except module.LangDetectException:
            return "?"

    return detect


def lingua() -> Detect:
    """n-gram models with rules, in Rust (Apache-2.0)."""
    module = importlib.import_module("lingua")
    detector = module.LanguageDetectorBuilder.from_all_languages().build()

    def detect(text: str) -> str:
        language = detector.detect_language_of(text)
        return language.iso_code_639_1.name.lower() if language else "?"

    return detect


DETECTORS: dict[str, Callable[[], Detect]] = {
    "py3langid": py3langid,
    "langdetect": langdetect,
    "lingua": lingua,
}


def labelled() -> list[dict[str, str]]:
    """All texts: {lang, kind, text}; the project's own short facts are a kind of their own."""
    lines = DATA.read_text("utf-8").splitlines()
    facts = [json.loads(line) | {"kind": "facts"} for line in FACTS.read_text("utf-8").splitlines()]
    return [json.loads(line) for line in lines] + facts


def memory_mib() -> float:
    """Highest resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def installed_mb(package: str) -> float:
    """Size of a package's folder, its dependencies left out."""
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return sum(file.stat().st_size for file in Path(spec.origin).parent.rglob("*") if file.is_file()) / 1e6


def measure(name: str) -> Figures:
    """Measure one detector; in a fresh process, so that memory is its own."""
    texts = labelled()
    before, start = memory_mib(), time.process_time()
    detect = DETECTORS[name]()
    detect("A first text, so that what is loaded lazily is loaded.")
    load_s = time.process_time() - start
    start = time.process_time()
    right = [(row["kind"], _same(detect(row["text"]), row["lang"])) for row in texts]
    ms_a_text = 1000 * (time.process_time() - start) / len(texts)
    kinds = sorted({kind for kind, _ in right})
    accuracy = {kind: _share([ok for k, ok in right if k == kind]) for kind in kinds}
    return Figures(accuracy, ms_a_text, load_s, memory_mib() - before, installed_mb(name))


def _same(found: str, wanted: str) -> bool:
    return _code(found) == _code(wanted)


def _share(flags: list[bool]) -> float:
    return sum(flags) / len(flags)


def measure_check() -> None:
    """How the check itself decides: asked for a text's own language, and for every other one of its kind."""
    texts = labelled()
    build("language", "en").check(Seen("A first text, so that what is loaded lazily is loaded."))
    for kind in sorted({row["kind"] for row in texts}):
        rows = [(_code(row["lang"]), row["text"]) for row in texts if row["kind"] == kind]
        codes = sorted({code for code, _ in rows})
        start = time.process_time()
        own = [build("language", code).check(Seen(text)).passed for code, text in rows]
        ms = 1000 * (time.process_time() - start) / len(rows)
        others = [
            build("language", other).check(Seen(text)).passed
            for code, text in rows
            for other in codes
            if other != code
        ]
        print(f"check {kind:12} own: {_shares(own)}; others: {_shares(others)}; {ms:.2f} ms a text")


def _shares(verdicts: list[bool | None]) -> str:
    words = {True: "true", None: "null", False: "false"}
    return " ".join(f"{word} {verdicts.count(passed) / len(verdicts):.4f}" for passed, word in words.items())


def _code(language: str) -> str:
    """Bokmål is Norwegian to the check."""
    return "no" if language == "nb" else language


def main(arguments: list[str]) -> None:
    """Without an argument measure all, each in a child; with one print its figures as JSON."""
    if arguments:
        print(json.dumps(asdict(measure(arguments[0]))))
        return
    if not DATA.exists():
        print(f"nothing measured: {DATA} is absent")
        return
    for name in DETECTORS:
        if importlib.util.find_spec(name) is None:
            print(f"{name:11} not installed")
            continue
        child = subprocess.run([sys.executable, __file__, name], capture_output=True, text=True, check=True)
        figures = Figures(**json.loads(child.stdout))
        shares = "  ".join(f"{kind} {share:.3f}" for kind, share in figures.accuracy.items())
        print(
            f"{name:11} {shares}  {figures.ms_a_text:.2f} ms a text, loads in {figures.load_s:.2f} s "
            f"and {figures.memory_mib:.0f} MiB, {figures.installed_mb:.1f} MB installed"
        )
    measure_check()


if __name__ == "__main__":
    main(sys.argv[1:])
