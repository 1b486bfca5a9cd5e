"""JUnit XML: read back by another parser, with names that need escaping."""

from __future__ import annotations

from xml.dom import minidom

import pandas as pd
from robustkit.analysis.evidence import make_evidence
from robustkit.analysis.gate import check_rules
from robustkit.analysis.junit import junit_xml
from robustkit.analysis.rules import parse_rule
from robustkit.results.schema import STRATA_COLUMNS

ODD = '<a & "b"> \x00]]> ü'


def table() -> pd.DataFrame:
    base = {
        "by": "all", "stratum": "all", "cohort": "all", "model": "m", "perturbation": "nominal", "level": 0.0, "metric": "auc",
        "operating_point": "", "value": 0.9, "low": 0.8, "high": 0.95, "se": 0.03, "method": "", "n_cases": 50,
        "n_patients": 40, "reason": "",
    }  # fmt: skip
    empty = {"by": "site", "stratum": ODD, "value": float("nan"), "low": float("nan"), "high": float("nan")}
    return pd.DataFrame([base, {**base, **empty, "reason": ODD}]).reindex(columns=STRATA_COLUMNS)


def test_counts_names_and_failures() -> None:
    rules = [parse_rule(r, where=r) for r in ("auc > 0.5", "auc > 0.85", "auc{site=*} > 0.5")]
    found = make_evidence({"strata": table()})
    document = minidom.parseString(junit_xml(check_rules(rules, found), name=ODD))
    (suite,) = document.getElementsByTagName("testsuite")
    shown = ODD.replace("\x00", "\ufffd")
    assert suite.getAttribute("name") == shown
    counts = {k: suite.getAttribute(k) for k in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "3", "failures": "2", "errors": "0", "skipped": "0"}
    cases = suite.getElementsByTagName("testcase")
    assert [c.getAttribute("classname") for c in cases] == [r.text for r in rules]
    assert cases[2].getAttribute("name") == f"m, all, site = {shown}, nominal"
    failures = [c.getElementsByTagName("failure") for c in cases]
    assert [len(f) for f in failures] == [0, 1, 1]
    assert [f[0].getAttribute("type") for f in failures[1:]] == ["bound", "no-evidence"]
    assert "low bound 0.8, limit 0.85" in failures[1][0].getAttribute("message")
    assert shown in failures[2][0].getAttribute("message")


def test_allowed_is_skipped() -> None:
    rules = [parse_rule("auc{site=*} > 0.5")]
    found = check_rules(rules, make_evidence({"strata": table()}), allow_unknown=True)
    document = minidom.parseString(junit_xml(found, name="run"))
    assert len(document.getElementsByTagName("skipped")) == 1
    assert not document.getElementsByTagName("failure")
