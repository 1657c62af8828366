"""What deploys and publishes this, checked as far as can be without a cloud: a step of `cargo xtask check`.

Types of Azure and custom resources of Kubernetes are described by data that is not in this repository.
Where it is is said by ORDERS_DEPLOY_DATA; without it, `../shared/data` from the root. A check whose data is
not there is skipped, by name.
"""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

import bicep
import bicep_syntax
import kustomize
import manifests
import monitoring
import spin_manifests
import workflows
from faults import Findings, suggestion

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("ORDERS_DEPLOY_DATA", ROOT / "../shared/data"))

# Installed beside this interpreter, and so of the versions that requirements.txt says.
PROGRAMS = Path(sys.executable).parent


def dockerfile(root: Path, path: Path, findings: Findings) -> None:
    before = len(findings.faults)
    result = subprocess.run(
        [PROGRAMS / "hadolint", "--no-color", "--failure-threshold", "style", path],
        capture_output=True,
        text=True,
        check=False,
    )
    for line in (result.stdout + result.stderr).splitlines():
        _, _, rest = line.partition(f"{path}:")
        number, _, sentence = rest.partition(" ")
        findings.fault(path, int(number) if number.isdigit() else 1, sentence or line)
    if result.returncode != 0 and len(findings.faults) == before:
        findings.fault(path, 1, f"hadolint failed with {result.returncode}")


def image(path: Path) -> list[str]:
    """What a Dockerfile makes in the end: its lines from the last `FROM` on, but for where the executable is from."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    last = max(index for index, line in enumerate(lines) if line.startswith("FROM "))
    return [line for line in lines[last:] if not (line.startswith("COPY ") and "wasm-shim" in line)]


def source_dockerfile(root: Path, path: Path, findings: Findings) -> None:
    """The image from source is that of the executable, built by the toolchain of everybody else."""
    dockerfile(root, path, findings)
    if image(path) != image(root / "deploy/Dockerfile"):
        findings.fault(path, 1, "ends otherwise than `deploy/Dockerfile`")
    toolchain(root, path, findings)


def toolchain(root: Path, path: Path, findings: Findings) -> None:
    """Images with a toolchain have that of everybody else."""
    channel = tomllib.loads((root / "rust-toolchain.toml").read_text())["toolchain"]["channel"]
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if "/rust:" in line and f"/rust:{channel}-" not in line:
            findings.fault(path, number, f"expected the toolchain to be `{channel}`, as `rust-toolchain.toml` has it")


def script(root: Path, path: Path, findings: Findings) -> None:
    result = subprocess.run(
        [PROGRAMS / "shellcheck", "--format=json", path], capture_output=True, text=True, check=False
    )
    for comment in json.loads(result.stdout):
        findings.fault(path, comment["line"], f"{comment['message']} (SC{comment['code']})")


def templates(root: Path, directory: Path, findings: Findings) -> None:
    bicep.check(sorted(directory.glob("*.bicep")), DATA, findings)
    for path in sorted(directory.glob("*.parameters.json")):
        values(path, findings)


def values(path: Path, findings: Findings) -> None:
    """A file of values has one for each parameter that must have one, and no other."""
    template = path.with_name(path.name.removesuffix(".parameters.json") + ".bicep")
    if not template.is_file():
        findings.fault(path, 1, f"there is no `{template.name}`")
        return
    parameters = {each.name: each for each in bicep_syntax.Template.read(template).of_kind("parameter")}
    given = json.loads(path.read_text())["parameters"]
    for name in sorted(given.keys() - parameters.keys()):
        findings.fault(path, 1, f"`{template.name}` has no parameter `{name}`{suggestion(name, [*parameters])}")
    for name, parameter in parameters.items():
        if parameter.value is None and name not in given:
            findings.fault(path, 1, f"parameter `{name}` of `{template.name}` is missing")


def developer_cli(root: Path, path: Path, findings: Findings) -> None:
    """`azd` finds its template, and the values for it."""
    infra = yaml.safe_load(path.read_text())["infra"]
    for extension in ("bicep", "parameters.json"):
        name = f"{infra['path']}/{infra['module']}.{extension}"
        if not (root / name).is_file():
            findings.fault(path, 1, f"there is no `{name}`")


def cluster(root: Path, directory: Path, findings: Findings) -> None:
    app = root / "spin.toml"
    variables = spin_manifests.variables(app)
    spin_manifests.check(directory / "split/processor.spin.toml", app, findings)
    manifests.check(kustomize.resources(directory), DATA, variables, kustomize.secrets(directory), findings)
    kustomize.check(directory, DATA, variables, findings)


def devcontainer(root: Path, directory: Path, findings: Findings) -> None:
    path = directory / "devcontainer.json"
    named = directory / json.loads(path.read_text())["build"]["dockerfile"]
    if not named.is_file():
        findings.fault(path, 1, f"there is no `{named.name}`")
        return
    dockerfile(root, named, findings)
    toolchain(root, named, findings)


def forge(root: Path, directory: Path, findings: Findings) -> None:
    workflows.check(directory, findings)
    for path in sorted((directory / "workflows").glob("*.yml")):
        toolchain(root, path, findings)


# What is looked at, by its path from the root, and how it is checked.
PARTS = {
    "Dockerfile": source_dockerfile,
    "deploy/Dockerfile": dockerfile,
    "deploy/send-orders.sh": script,
    "deploy/container-apps": templates,
    "azure.yaml": developer_cli,
    "deploy/aks": cluster,
    "deploy/monitoring": monitoring.check,
    ".github": forge,
    ".devcontainer": devcontainer,
}


def main() -> int:
    findings = Findings()
    for name, check in PARTS.items():
        within = Findings()
        check(ROOT, ROOT / name, within)
        findings.faults += within.faults
        findings.skipped |= within.skipped
    for sentence in sorted(findings.skipped):
        print(f"skipped: {sentence}")
    for fault in sorted(findings.faults):
        print(f"{fault.path.resolve().relative_to(ROOT)}:{fault.line}: {fault.sentence}")
    print(f"deployment files: {len(findings.faults)} faults, {len(findings.skipped)} checks skipped")
    return 1 if findings.faults else 0


if __name__ == "__main__":
    sys.exit(main())
