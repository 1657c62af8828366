"""The files of `deploy/`, checked as far as can be without a cloud: a step of `cargo xtask check`.

Types of Azure and custom resources of Kubernetes are described by data that is not in this repository.
Where it is is said by ORDERS_DEPLOY_DATA; without it, `../shared/data` from the root. A check whose data is
not there is skipped, by name.
"""

import os
import subprocess
import sys
from pathlib import Path

import bicep
import manifests
import spin_manifests
from faults import Findings

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("ORDERS_DEPLOY_DATA", ROOT / "../shared/data"))


def dockerfile(path: Path, findings: Findings) -> None:
    # Installed beside this interpreter, and so of the version that requirements.txt says.
    hadolint = Path(sys.executable).with_name("hadolint")
    result = subprocess.run(
        [hadolint, "--no-color", "--failure-threshold", "style", path], capture_output=True, text=True, check=False
    )
    for line in (result.stdout + result.stderr).splitlines():
        _, _, rest = line.partition(f"{path}:")
        number, _, sentence = rest.partition(" ")
        findings.fault(path, int(number) if number.isdigit() else 1, sentence or line)
    if result.returncode != 0 and not findings.faults:
        findings.fault(path, 1, f"hadolint failed with {result.returncode}")


def templates(directory: Path, findings: Findings) -> None:
    bicep.check(sorted(directory.glob("*.bicep")), DATA, findings)


def cluster(directory: Path, findings: Findings) -> None:
    app = ROOT / "spin.toml"
    spin_manifests.check(directory / "processor.spin.toml", app, findings)
    manifests.check(sorted(directory.glob("*.yaml")), DATA, spin_manifests.variables(app), findings)


# What is below `deploy/`, and how it is checked.
PARTS = {"Dockerfile": dockerfile, "container-apps": templates, "aks": cluster}


def main() -> int:
    findings = Findings()
    for name, check in PARTS.items():
        check(ROOT / "deploy" / name, findings)
    for sentence in sorted(findings.skipped):
        print(f"skipped: {sentence}")
    for fault in sorted(findings.faults):
        print(f"{fault.path.relative_to(ROOT)}:{fault.line}: {fault.sentence}")
    print(f"deployment files: {len(findings.faults)} faults, {len(findings.skipped)} checks skipped")
    return 1 if findings.faults else 0


if __name__ == "__main__":
    sys.exit(main())
