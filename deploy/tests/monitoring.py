"""What operators give to Prometheus and Grafana: each alert leads to what to do, and panels ask whom the reader chose.

Whether there are the metrics that both name, a black-box test tells.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import manifests
from faults import Findings

ALERTS = "alerts.yaml"
DASHBOARD = "dashboard.json"

# Where it is said what to do about each alert: in a section of its own, below a heading that is the alert's name.
RUNBOOK = "docs/operations.md"
SECTION = "## Alerts"

SEVERITIES = {"critical", "warning"}

# Who is asked, but for the variable by which the reader chooses it.
SOURCE = {"type": "prometheus", "uid": "${DS_PROMETHEUS}"}


def explained(page: str) -> set[str]:
    """The headings in the section about alerts."""
    _, _, section = page.partition(f"\n{SECTION}\n")
    section, _, _ = section.partition("\n## ")
    return {line.removeprefix("### ") for line in section.splitlines() if line.startswith("### ")}


def rules(path: Path, findings: Findings) -> Iterator[tuple[dict[str, Any], int]]:
    """The rules of a file, each with its line."""
    for manifest in manifests.read(path, findings):
        for group, value in enumerate(manifest.value["groups"]):
            for index, rule in enumerate(value["rules"]):
                yield rule, manifest.line("groups", group, "rules", index)


def alerts(root: Path, path: Path, findings: Findings) -> None:
    """Each alert says how urgent it is and what it means, and has a paragraph that says what to do; and the reverse."""
    paragraphs = explained((root / RUNBOOK).read_text())
    names = set()
    for rule, line in rules(path, findings):
        name, said = rule["alert"], rule.get("annotations", {})
        names.add(name)
        if rule.get("labels", {}).get("severity") not in SEVERITIES:
            findings.fault(path, line, f"expected `severity` of `{name}` to be one of {sorted(SEVERITIES)}")
        for member in ("summary", "description"):
            if not said.get(member):
                findings.fault(path, line, f"`{name}` has no `{member}`")
        if not said.get("runbook_url", "").endswith(f"/{RUNBOOK}#{name.lower()}"):
            findings.fault(path, line, f"expected `runbook_url` of `{name}` to lead to its heading in `{RUNBOOK}`")
        if name not in paragraphs:
            findings.fault(path, line, f"`{RUNBOOK}` has no heading `{name}` below `{SECTION}`")
    for name in sorted(paragraphs - names):
        findings.fault(root / RUNBOOK, 1, f"explains `{name}`, which is no alert of `{path.name}`")


def dashboard(path: Path, findings: Findings) -> None:
    """It is written as Grafana exports it, and is nobody's in particular."""
    text = path.read_text()
    value = json.loads(text)
    if text != json.dumps(value, indent=2, ensure_ascii=False) + "\n":
        findings.fault(path, 1, "expected JSON that is indented by two spaces")
    if "id" in value:
        findings.fault(path, 1, "has an `id`, which is that of one Grafana")
    variables = value["templating"]["list"]
    for asking in [each for each in [*variables, *value["panels"]] if each["type"] not in ("datasource", "row")]:
        if asking.get("datasource") != SOURCE:
            name = asking.get("title", asking.get("name"))
            findings.fault(path, 1, f"expected the data source of `{name}` to be `{SOURCE['uid']}`")


def check(root: Path, directory: Path, findings: Findings) -> None:
    alerts(root, directory / ALERTS, findings)
    dashboard(directory / DASHBOARD, findings)
