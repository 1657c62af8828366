"""What Kustomize is told: that each file is named and there, and that what it makes of them is right.

The latter takes `kubectl`, which has Kustomize in it; without it that check is skipped, by name.
"""

import shutil
import subprocess
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import yaml

import manifests
from faults import Findings

NAME = "kustomization.yaml"

# Where the ways to run are put together with what is everybody's own.
EXAMPLE = "example"

# The ways to run that the example may name.
WAYS = ["shim", "spinkube", "spintainer", "split"]

# What it may name beside the first of these.
COMPONENTS = ["keda", "podmonitor"]

# Files that are no part of a manifest.
OTHERS = {"processor.spin.toml"}


def read(directory: Path) -> dict[str, Any]:
    return yaml.safe_load((directory / NAME).read_text()) or {}


def named(kustomization: dict[str, Any]) -> list[str]:
    """The files and directories that a kustomization names."""
    names = [*kustomization.get("resources", []), *kustomization.get("components", [])]
    names += kustomization.get("configurations", [])
    names += [patch["path"] for patch in kustomization.get("patches", []) if "path" in patch]
    for generator in kustomization.get("secretGenerator", []):
        names += [each.partition("=")[2] or each for each in generator.get("files", [])]
        names += generator.get("envs", [])
    return names


def secrets(root: Path) -> set[str]:
    """The secrets that the example makes."""
    return {generator["name"] for generator in read(root / EXAMPLE).get("secretGenerator", [])}


def resources(root: Path) -> list[Path]:
    """The files that are applied, as they are written."""
    directories = [path.parent for path in root.rglob(NAME)]
    files = [directory / name for directory in directories for name in read(directory).get("resources", [])]
    return sorted(path for path in files if path.is_file())


def check(root: Path, data: Path, variables: dict[str, str], findings: Findings) -> None:
    seen = set()
    for path in sorted(root.rglob(NAME)):
        for name in named(read(path.parent)):
            target = (path.parent / name).resolve()
            seen.add(target)
            if not (target / NAME if target.is_dir() else target).is_file():
                findings.fault(path, 1, f"there is no `{name}`")
    for path in sorted(root.rglob("*")):
        if path.is_file() and path.name not in {NAME, *OTHERS} and path.resolve() not in seen:
            findings.fault(path, 1, "no kustomization names it")
    for path in sorted(root.rglob("*.toml")):
        try:
            tomllib.loads(path.read_text())
        except tomllib.TOMLDecodeError as error:
            findings.fault(path, 1, f"is no TOML: {error}")
    if findings.faults:
        return
    if shutil.which("kubectl") is None:
        findings.skip("what Kustomize makes of `deploy/aks`: there is no `kubectl`")
        return
    for way in WAYS:
        built(root, way, [], data, variables, findings)
    for component in COMPONENTS:
        built(root, WAYS[0], [component], data, variables, findings)


def built(
    root: Path, way: str, components: list[str], data: Path, variables: dict[str, str], findings: Findings
) -> None:
    """What Kustomize makes of the example, set to a way to run and some components."""
    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory) / "aks"
        shutil.copytree(root, copy)
        mine = read(copy / EXAMPLE)
        mine["resources"] = [f"../{way}"]
        mine["components"] = [f"../{component}" for component in components]
        (copy / EXAMPLE / NAME).write_text(yaml.safe_dump(mine))
        command = ["kubectl", "kustomize", copy / EXAMPLE]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        made = Path(directory) / "made.yaml"
        made.write_text(result.stdout)
        within = Findings()
        if result.returncode == 0:
            manifests.check([made], data, variables, set(), within)
    what = " with ".join([way, *components])
    where = root / EXAMPLE / NAME
    if result.returncode != 0:
        findings.fault(where, 1, f"Kustomize makes nothing of `{what}`: {result.stderr.strip()}")
    for fault in within.faults:
        findings.fault(where, 1, f"what Kustomize makes of `{what}`: {fault.sentence}")
    findings.skipped |= within.skipped
