"""The `gate:` of a suite, checked: what can never fail, or never pass, is no gate."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.checks.fields import FieldError, shown
from evalkit.suite.model import FIGURES, PASS_RATE, GateRule, NamedCheck


def check_gate(rule: GateRule, checks: Sequence[NamedCheck]) -> None:
    """See that the gate can fail and can pass, as far as the suite alone tells.

    Raises:
        FieldError: what is wrong with it.
    """
    if checks and all(getattr(named.check, "threshold", None) == 0 for named in checks):
        raise FieldError(("checks",), "none of them can fail (threshold 0), so no gate could; write e.g. 0.7")
    if rule.margin >= 1:
        raise FieldError(("gate", "margin"), "found 1, with which no gate can fail; write e.g. 0.05")
    if rule.candidate == rule.baseline:
        what = f"found {shown(rule.candidate)}, which is the candidate too: they never differ; name another"
        raise FieldError(("gate", "baseline"), what)
    rates = (PASS_RATE, *(named.name for named in checks))
    for name, limit in rule.require.items():
        if name not in (*FIGURES, *rates):
            known = ", ".join(dict.fromkeys((*FIGURES, *rates)))
            raise FieldError(
                ("gate", "require", name), f"is neither a figure nor a check; write one of {known}"
            )
        if name in rates and not 0 < limit < 1:
            why = "can never be missed" if limit <= 0 else "no number of answers can show"
            raise FieldError(("gate", "require", name), f"found {limit:g}, which {why}; write e.g. 0.95")
