"""GitHub's workflows: their schema, their scripts, and what is unsafe about them.

Whether the actions that they name exist, and do what is meant, only a run tells.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import yaml

from faults import Findings

# Installed beside this interpreter, and so of the versions that requirements.txt says.
PROGRAMS = Path(sys.executable).parent

# What an expression stands for while the shell's checker looks at a script: some word.
EXPRESSION = re.compile(r"\$\{\{.*?\}\}")

# How GitHub begins a script.
BEFORE = "set -eo pipefail"

SCHEMAS = {
    "workflows/*.yml": "vendor.github-workflows",
    "dependabot.yml": "vendor.dependabot",
    "ISSUE_TEMPLATE/config.yml": "vendor.github-issue-config",
    "ISSUE_TEMPLATE/[!c]*.yml": "vendor.github-issue-forms",
}


def run(program: str, *arguments: str | Path, text: str = "") -> subprocess.CompletedProcess:
    return subprocess.run([PROGRAMS / program, *arguments], input=text, capture_output=True, text=True, check=False)


def check(directory: Path, findings: Findings) -> None:
    """Checks what is in `.github`."""
    for pattern, schema in SCHEMAS.items():
        for path in sorted(directory.glob(pattern)):
            against_schema(path, schema, findings)
    if findings.faults:
        return
    for path in sorted((directory / "workflows").glob("*.yml")):
        scripts(path, findings)
    unsafe(directory, findings)


def against_schema(path: Path, schema: str, findings: Findings) -> None:
    result = run("check-jsonschema", "--output-format", "json", "--builtin-schema", schema, path)
    if result.returncode == 0:
        return
    try:
        told = json.loads(result.stdout)
    except json.JSONDecodeError:
        findings.fault(path, 1, (result.stdout + result.stderr).strip())
        return
    for error in told.get("errors", []):
        findings.fault(path, 1, f"{error['path']}: {error['message']}")
    for error in told.get("parse_errors", []):
        findings.fault(path, 1, f"is no YAML: {error['message']}")


def scripts(path: Path, findings: Findings) -> None:
    """Every `run` is a script that shellcheck has nothing against."""
    for name, job in yaml.safe_load(path.read_text())["jobs"].items():
        for index, step in enumerate(job.get("steps", [])):
            if "run" not in step:
                continue
            script = f"{BEFORE}\n{EXPRESSION.sub('word', step['run'])}"
            # SC2153 takes the environment, which is set outside of the script, for a slip.
            result = run("shellcheck", "--shell=bash", "--exclude=SC2153", "--format=json", "-", text=script)
            for comment in json.loads(result.stdout):
                where = f"line {comment['line'] - 1} of step {index + 1} of job `{name}`"
                findings.fault(path, 1, f"{where}: {comment['message']} (SC{comment['code']})")


def unsafe(directory: Path, findings: Findings) -> None:
    """What zizmor, which knows how workflows are attacked, has against them."""
    arguments = ["--offline", "--no-progress", "--quiet", "--format", "json"]
    result = run("zizmor", *arguments, "--config", directory / "zizmor.yml", directory)
    try:
        told = json.loads(result.stdout)
    except json.JSONDecodeError:
        findings.fault(directory / "zizmor.yml", 1, f"zizmor failed: {result.stderr.strip()}")
        return
    for finding in told:
        place = next(each for each in finding["locations"] if each["symbolic"]["kind"] == "Primary")
        path = Path(place["symbolic"]["key"]["Local"]["verbatim_path"])
        line = place["concrete"]["location"]["start_point"]["row"] + 1
        findings.fault(path, line, f"{finding['desc']} ({finding['ident']})")
