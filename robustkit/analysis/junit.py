"""Checks of a gate as JUnit XML, the form that continuous integration shows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from robustkit.analysis.gate import NO_EVIDENCE, Check

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold, escaped or not (section 2.2)."""


def junit_xml(checks: Sequence[Check], *, name: str) -> bytes:
    """Give one test case for each check: a failure where the gate closes, skipped where no evidence was allowed.

    Args:
        checks: Of a gate.
        name: Of the suite, e.g. the run.

    Returns:
        UTF-8.

    Source: the schema of Jenkins' xUnit plug-in (junit-10.xsd), which has testsuites, testsuite, testcase, failure,
        skipped.
    """
    closed = sum(not c.passes for c in checks)
    skipped = sum(c.verdict == "allowed" for c in checks)
    counts = {"tests": str(len(checks)), "failures": str(closed), "errors": "0", "skipped": str(skipped)}
    root = ET.Element("testsuites", {"name": "robustkit gate", **counts})
    suite = ET.SubElement(root, "testsuite", {"name": _clean(name), **counts})
    for check in checks:
        case = ET.SubElement(suite, "testcase", {"classname": _clean(check.rule), "name": _clean(check.cell)})
        if not check.passes:
            kind = "no-evidence" if check.verdict == NO_EVIDENCE else "bound"
            failure = ET.SubElement(case, "failure", {"message": _clean(check.said()), "type": kind})
            failure.text = _clean(f"{check.where}: {check.rule}\n{check.cell}\n{check.said()}")
        elif check.verdict == "allowed":
            ET.SubElement(case, "skipped", {"message": _clean(check.said())})
        else:
            ET.SubElement(case, "system-out").text = _clean(check.said())
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
