"""The results of tests in the XML that CI systems read (JUnit's)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as Xml

if TYPE_CHECKING:
    from nbfaas.pipeline.testing import TestReport

# What XML 1.0 has no way to say.
_UNSAYABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(report: TestReport) -> bytes:
    """One ``testsuite``; a test for each event."""
    results = report.results
    suite = Xml.Element(
        "testsuite",
        name=f"nbfaas {report.function}",
        tests=str(len(results)),
        failures=str(sum(not each.passed for each in results)),
        errors="0",
        skipped="0",
        time=f"{sum(each.seconds for each in results):.3f}",
    )
    for each in results:
        case = Xml.SubElement(
            suite,
            "testcase",
            classname=report.function,
            name=_sayable(each.name),
            time=f"{each.seconds:.3f}",
        )
        if not each.passed:
            failure = Xml.SubElement(case, "failure", message=_sayable(each.shortfalls[0]))
            failure.text = _sayable("\n".join(each.shortfalls))
        if each.output:
            Xml.SubElement(case, "system-out").text = _sayable(each.output)
    suites = Xml.Element("testsuites")
    suites.append(suite)
    Xml.indent(suites)
    return bytes(Xml.tostring(suites, encoding="utf-8", xml_declaration=True)) + b"\n"


def _sayable(text: str) -> str:
    return _UNSAYABLE.sub("\ufffd", text)
