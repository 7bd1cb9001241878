"""What axe-core finds wrong on a page for people who use a keyboard, a screen reader or need contrast."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe

EXCLUDED: dict[str, str] = {}
"""Selectors of what is not examined, each with its reason."""


def findings(page: Any, rule: str = "") -> list[str]:
    """Serious and critical findings of axe-core on the page as it is now, of all rules or one: rule, element and what is wrong."""
    options = {"runOnly": {"type": "rule", "values": [rule]}} if rule else {}
    options["resultTypes"] = ["violations"]  # else most of its time goes into a description of all that is well
    report = Axe().run(page, context={"exclude": [[selector] for selector in EXCLUDED]}, options=options).response
    return [
        f"{rule['id']} at {node['target']}: {node['html'][:200]}: {node['failureSummary'].splitlines()[-1].strip()}"
        for rule in report["violations"]
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]
