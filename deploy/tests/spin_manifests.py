"""Spin manifests beside `spin.toml`: what is written there again is the same."""

import tomllib
from pathlib import Path

from faults import Findings

# What may differ: where the component is, which depends on the file, and how it is built, which is said once.
OF_THE_FILE = {"source", "build"}


def variables(path: Path) -> dict[str, str]:
    """The variables of an app, and their defaults, empty where there is none."""
    declared = tomllib.loads(path.read_text())["variables"]
    return {name: variable.get("default", "") for name, variable in declared.items()}


def check(path: Path, original: Path, findings: Findings) -> None:
    """Components and variables of a manifest are those of the original, under the same names."""
    found, expected = (tomllib.loads(each.read_text()) for each in (path, original))
    for name, value in found["variables"].items():
        if expected["variables"].get(name) != value:
            findings.fault(path, 1, f"variable `{name}` is not that of `{original.name}`")
    for name, component in found["component"].items():
        for key in sorted((set(component) | set(expected["component"][name])) - OF_THE_FILE):
            if component.get(key) != expected["component"][name].get(key):
                findings.fault(path, 1, f"`{key}` of component `{name}` is not that of `{original.name}`")
