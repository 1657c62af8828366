"""Kubernetes manifests against the schemas of Kubernetes and of custom resources, and against each other."""

import functools
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import yaml

from faults import Findings, suggestion

# The oldest version of Kubernetes that the manifests are for, and the newest whose schemas are known.
VERSIONS = ["1.31", kubernetes_validate.latest_version()]

# Custom resources, and the files that define them.
CUSTOM = {
    ("core.spinkube.dev/v1alpha1", "SpinApp"): "core.spinkube.dev_spinapps.yaml",
    ("core.spinkube.dev/v1alpha1", "SpinAppExecutor"): "core.spinkube.dev_spinappexecutors.yaml",
    ("keda.sh/v1alpha1", "ScaledObject"): "keda.sh_scaledobjects.yaml",
    ("monitoring.coreos.com/v1", "PodMonitor"): "monitoring.coreos.com_podmonitors.yaml",
}

# The safe one of libyaml, where that is there: definitions of custom resources are large.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Manifest:
    """An object that is to be applied, and where it is written."""

    path: Path
    node: yaml.Node
    value: Any

    @property
    def kind(self) -> tuple[str, str]:
        return self.value.get("apiVersion", ""), self.value.get("kind", "")

    @property
    def name(self) -> str:
        return self.value.get("metadata", {}).get("name", "")

    def line(self, *path: str | int) -> int:
        """The line of the deepest member on the way to a path."""
        node = self.node
        for step in path:
            if isinstance(node, yaml.MappingNode):
                node = next((value for key, value in node.value if key.value == step), node)
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
        return node.start_mark.line + 1


def read(path: Path, findings: Findings) -> list[Manifest]:
    """The objects of a file."""
    text = path.read_text()
    try:
        nodes = list(yaml.compose_all(text, LOADER))
        values = list(yaml.load_all(text, LOADER))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        findings.fault(path, line, f"is no YAML: {error.problem}")
        return []
    manifests = []
    for node, value in zip(nodes, values, strict=True):
        for key in repeated_keys(node):
            # The parser would take the last without a word.
            findings.fault(path, key.start_mark.line + 1, f"`{key.value}` is here twice")
        manifests.append(Manifest(path, node, value))
    return manifests


def repeated_keys(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if key.value in seen:
                yield key
            seen.add(key.value)
            yield from repeated_keys(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from repeated_keys(item)


def closed(schema: Any) -> Any:
    """A schema of a custom resource that also refuses members which it does not name.

    Kubernetes drops those without an error, so a misspelt member would do nothing.
    """
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: closed(value) for key, value in schema.items()}
    if schema.get("x-kubernetes-int-or-string"):
        result["type"] = ["integer", "string"]
    is_open = "additionalProperties" in schema or schema.get("x-kubernetes-preserve-unknown-fields")
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object" and not is_open:
        result["additionalProperties"] = False
    return result


@functools.cache
def custom_schemas(directory: Path) -> dict[tuple[str, str], Any]:
    """The schemas of custom resources that a directory has."""
    schemas = {}
    for path in sorted(directory.glob("*.yaml")):
        for definition in yaml.load_all(path.read_text(), LOADER):
            if (definition or {}).get("kind") == "CustomResourceDefinition":
                spec = definition["spec"]
                for version in spec["versions"]:
                    key = f"{spec['group']}/{version['name']}", spec["names"]["kind"]
                    schemas[key] = closed(version["schema"]["openAPIV3Schema"])
    return schemas


def check_schema(manifest: Manifest, schemas: dict[tuple[str, str], Any], findings: Findings) -> None:
    if not all(manifest.kind):
        findings.fault(manifest.path, manifest.line(), "expected `apiVersion` and `kind`")
    elif manifest.kind in schemas:
        for error in jsonschema.Draft202012Validator(schemas[manifest.kind]).iter_errors(manifest.value):
            findings.fault(manifest.path, manifest.line(*error.absolute_path), error.message)
    elif manifest.kind in CUSTOM:
        findings.skip(f"schema of `{manifest.kind[1]}`: there is no `{CUSTOM[manifest.kind]}`")
    else:
        sentences = set()
        for version in VERSIONS:
            try:
                kubernetes_validate.validate(manifest.value, version, strict=True)
            except kubernetes_validate.ValidationError as error:
                sentences.add((manifest.line(*error.path), error.message))
            except kubernetes_validate.SchemaNotFoundError as error:
                sentences.add((manifest.line("kind"), error.message))
        for line, sentence in sentences:
            findings.fault(manifest.path, line, sentence)


class References:
    """What the manifests of a directory say of each other."""

    def __init__(
        self, manifests: list[Manifest], variables: dict[str, str], secrets: set[str], findings: Findings
    ) -> None:
        self.manifests = manifests
        self.variables = variables
        # Those that are made otherwise than by a manifest.
        self.secrets = secrets
        self.findings = findings

    def names(self, *kinds: str) -> set[str]:
        made = self.secrets if "Secret" in kinds else set()
        return made | {each.name for each in self.manifests if each.kind[1] in kinds}

    def check(self) -> None:
        for manifest in self.manifests:
            kind, spec = manifest.kind[1], manifest.value.get("spec") or {}
            namespace = manifest.value.get("metadata", {}).get("namespace")
            if kind != "Namespace" and namespace not in self.names("Namespace"):
                self.fault(manifest, ["metadata"], f"namespace `{namespace}` is not there")
            if kind == "SpinApp":
                self.spin_app(manifest, spec)
            if kind in ("HorizontalPodAutoscaler", "ScaledObject"):
                self.one_of(manifest, ["spec", "scaleTargetRef", "name"], "Deployment", "SpinApp")
            if kind == "PodMonitor":
                self.pod_monitor(manifest, spec)
            self.walk(manifest, manifest.value, [])

    def fault(self, manifest: Manifest, path: list[str | int], sentence: str) -> None:
        self.findings.fault(manifest.path, manifest.line(*path), sentence)

    def one_of(self, manifest: Manifest, path: list[str | int], *kinds: str) -> None:
        """What a path names is there."""
        value = manifest.value
        for step in path:
            value = value[step]
        known = self.names(*kinds)
        if value not in known:
            self.fault(manifest, path, f"there is no {kinds[0]} `{value}`{suggestion(value, sorted(known))}")

    def spin_app(self, manifest: Manifest, spec: dict) -> None:
        self.one_of(manifest, ["spec", "executor"], "SpinAppExecutor")
        self.one_of(manifest, ["spec", "serviceAccountName"], "ServiceAccount")
        # As the operator's admission webhook has it.
        if ("replicas" in spec) == bool(spec.get("enableAutoscaling")):
            self.fault(manifest, ["spec"], "expected either `replicas` or `enableAutoscaling`")
        if spec.get("enableAutoscaling") and manifest.name not in self.scaled():
            self.fault(manifest, ["spec", "enableAutoscaling"], f"nothing scales `{manifest.name}`")
        for index, variable in enumerate(spec.get("variables", [])):
            if variable["name"] not in self.variables:
                end = suggestion(variable["name"], sorted(self.variables))
                self.fault(manifest, ["spec", "variables", index], f"there is no variable `{variable['name']}`{end}")

    def pod_monitor(self, manifest: Manifest, spec: dict) -> None:
        """What is to be looked at is the label of some pods."""
        wanted = spec["selector"].get("matchLabels", {}).items()
        templates = [each.value["spec"]["template"] for each in self.manifests if each.kind[1] == "Deployment"]
        if not any(wanted <= template["metadata"]["labels"].items() for template in templates):
            self.fault(manifest, ["spec", "selector"], "no Deployment has pods with these labels")

    def scaled(self) -> set[str]:
        kinds = ("HorizontalPodAutoscaler", "ScaledObject")
        return {each.value["spec"]["scaleTargetRef"]["name"] for each in self.manifests if each.kind[1] in kinds}

    def walk(self, manifest: Manifest, value: Any, path: list[str | int]) -> None:
        """Secrets that are named, in whatever way, are there; probes are frequent enough to drive the sweep."""
        if isinstance(value, dict):
            period = value.get("periodSeconds", 10)
            if "httpGet" in value and period >= int(self.variables["sweep_seconds"]):
                self.fault(manifest, path, f"a probe every {period} s is too seldom for `sweep_seconds`")
            for key, member in value.items():
                if key in ("loadFromSecret", "secretName"):
                    self.one_of(manifest, [*path, key], "Secret")
                elif key == "secretKeyRef":
                    self.one_of(manifest, [*path, key, "name"], "Secret")
                else:
                    self.walk(manifest, member, [*path, key])
        elif isinstance(value, list):
            for index, item in enumerate(value):
                self.walk(manifest, item, [*path, index])


def check_toml(manifest: Manifest, findings: Findings) -> None:
    """What a secret calls TOML is TOML."""
    for name, text in manifest.value.get("stringData", {}).items():
        if name.endswith(".toml"):
            try:
                tomllib.loads(text)
            except tomllib.TOMLDecodeError as error:
                findings.fault(manifest.path, manifest.line("stringData", name), f"`{name}` is no TOML: {error}")


def check(paths: list[Path], data: Path, variables: dict[str, str], secrets: set[str], findings: Findings) -> None:
    """Checks files that are applied together, beside secrets that are made otherwise."""
    manifests = [each for path in paths for each in read(path, findings)]
    schemas = custom_schemas(data)
    before = len(findings.faults)
    for manifest in manifests:
        check_schema(manifest, schemas, findings)
        check_toml(manifest, findings)
    # What has not the form that its schema asks for is not looked into.
    if len(findings.faults) == before:
        References(manifests, variables, secrets, findings).check()
