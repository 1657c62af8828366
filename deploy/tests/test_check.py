"""The checks find what they are for: each case breaks one file in one place, and says what is then told.

Method: a copy of what is checked, with one change, is checked as the original is. A change that no longer applies
fails too, so a case cannot go stale.
"""

import shutil
import tempfile
import unittest
from pathlib import Path

import check
from azure_types import TypeData
from faults import Findings
from manifests import custom_schemas

# A file, what is replaced there, by what, and a part of the fault that follows. No data is needed.
ALWAYS = {
    "a Dockerfile that adds what it could copy": ("deploy/Dockerfile", "COPY wasm-shim", "ADD wasm-shim", "DL3020"),
    "an image from source that is not that of the executable": (
        "Dockerfile",
        "USER 65532:65532",
        "USER 65533:65532",
        "ends otherwise than `deploy/Dockerfile`",
    ),
    "an image that is built by another toolchain": ("Dockerfile", "/rust:1", "/rust:0", "expected the toolchain to be"),
    "a script that splits what it should not": (
        "deploy/send-orders.sh",
        'cp "$work/places"',
        "cp $work/places",
        "SC2086",
    ),
    "a template that azd does not find": (
        "azure.yaml",
        "module: azd",
        "module: az",
        "there is no `deploy/container-apps/az.bicep`",
    ),
    "a value that no parameter asks for": (
        "deploy/container-apps/azd.parameters.json",
        '"image":',
        '"images":',
        "`azd.bicep` has no parameter `images`; did you mean `image`",
    ),
    "a parameter that gets no value": (
        "deploy/container-apps/azd.parameters.json",
        '"apiTokens":',
        '"apiToken":',
        "parameter `apiTokens` of `azd.bicep` is missing",
    ),
    "a workflow with a key that GitHub does not know": (
        ".github/workflows/check.yml",
        "    timeout-minutes: 120",
        "    timeout-mins: 120",
        "timeout-mins",
    ),
    "a workflow that runs what a stranger writes": (
        ".github/workflows/azure.yml",
        'sh deploy/send-orders.sh "$URL"',
        'echo "${{ github.event.issue.title }}"; sh deploy/send-orders.sh "$URL"',
        "template-injection",
    ),
    "a workflow whose script splits what it should not": (
        ".github/workflows/azure.yml",
        '--revision "$revision"',
        "--revision $revision",
        "SC2086",
    ),
    "a workflow with another toolchain": (
        ".github/workflows/check.yml",
        "/rust:1",
        "/rust:0",
        "expected the toolchain to be",
    ),
    "an issue form with a kind of field that GitHub does not know": (
        ".github/ISSUE_TEMPLATE/wish.yml",
        "type: textarea",
        "type: text",
        "body",
    ),
    "a development container with another toolchain": (
        ".devcontainer/Dockerfile",
        "/rust:1",
        "/rust:0",
        "expected the toolchain to be",
    ),
    "a resource that a kustomization has not": (
        "deploy/aks/shim/kustomization.yaml",
        "- service.yaml",
        "- services.yaml",
        "there is no `services.yaml`",
    ),
    "metrics of pods that are not there": (
        "deploy/aks/podmonitor/pod-monitor.yaml",
        "component: shim",
        "component: shims",
        "no Deployment has pods with these labels",
    ),
    "an alert that leads nowhere": (
        "deploy/monitoring/alerts.yaml",
        "operations.md#orderswait",
        "operations.md#orders-wait",
        "expected `runbook_url` of `OrdersWait`",
    ),
    "an alert that nobody explains": (
        "deploy/monitoring/alerts.yaml",
        "alert: OrdersWait",
        "alert: OrdersQueue",
        "has no heading `OrdersQueue`",
    ),
    "a panel that asks a source of its own": (
        "deploy/monitoring/dashboard.json",
        '"uid": "${DS_PROMETHEUS}"',
        '"uid": "prometheus"',
        "expected the data source of `job`",
    ),
    "a health check that is no JSON": ("deploy/Dockerfile", 'CMD ["up"', "CMD [up", "DL3025"),
    "Bicep that does not parse": ("deploy/container-apps/main.bicep", "var jobName =", "var jobName ==", "is no Bicep"),
    "a name that is not declared": (
        "deploy/container-apps/main.bicep",
        "isJob ? jobName",
        "isJob ? jobNme",
        "`jobNme` is not declared; did you mean `jobName`",
    ),
    "a name in a string that is not declared": (
        "deploy/container-apps/job.bicep",
        "'${identity.id}'",
        "'${identty.id}'",
        "`identty` is not declared; did you mean `identity`",
    ),
    "a function that is not there": (
        "deploy/container-apps/store.bicep",
        "guid(",
        "gid(",
        "`gid` is not declared; did you mean `guid`",
    ),
    "a parameter that nothing uses": (
        "deploy/container-apps/main.bicep",
        "throughputMax: throughputMax",
        "throughputMax: 1000",
        "`throughputMax` is not used",
    ),
    "a member that a parameter has not": (
        "deploy/container-apps/app.bicep",
        "identity.clientId",
        "identity.client",
        "`identity` has no `client`",
    ),
    "an output that a module has not": (
        "deploy/container-apps/main.bicep",
        "store.outputs.database",
        "store.outputs.db",
        "has no output `db`",
    ),
    "a parameter that a module has not": (
        "deploy/container-apps/main.bicep",
        "isProcessor:",
        "processor:",
        "has no parameter `processor`",
    ),
    "a parameter that a module lacks": (
        "deploy/container-apps/main.bicep",
        "    command: 'sweep'\n",
        "",
        "parameter `command` of `job.bicep` is missing",
    ),
    "a parameter of another kind": (
        "deploy/container-apps/main.bicep",
        "isProcessor: !isJob",
        "isProcessor: 'no'",
        "expected a boolean, found a string",
    ),
    "an object that lacks a member of its parameter": (
        "deploy/container-apps/main.bicep",
        "{ id: identity.id, clientId: identity.properties.clientId }",
        "{ id: identity.id }",
        "`clientId` is missing of `identity`",
    ),
    "an item that lacks a member of its parameter": (
        "deploy/container-apps/main.bicep",
        "    server: pull!",
        "    servr: pull!",
        "`server` is missing of `registries`",
    ),
    "a module that is not there": (
        "deploy/container-apps/main.bicep",
        "'app.bicep'",
        "'apps.bicep'",
        "there is no `apps.bicep`",
    ),
    "a resource of a provider of which nothing is known": (
        "deploy/container-apps/job.bicep",
        "Microsoft.Authorization/roleAssignments@2022-04-01",
        "Microsoft.Authorization/roleAssignment@2022-04-01",
        "nothing is known of",
    ),
    "YAML that does not parse": (
        "deploy/aks/shim/deployment.yaml",
        "kind: Deployment",
        "kind: : Deployment",
        "is no YAML",
    ),
    "a key that is there twice": (
        "deploy/aks/shim/deployment.yaml",
        "      enableServiceLinks: false",
        "      enableServiceLinks: false\n      enableServiceLinks: true",
        "`enableServiceLinks` is here twice",
    ),
    "a field that Kubernetes does not know": (
        "deploy/aks/shim/deployment.yaml",
        "readOnlyRootFilesystem",
        "readOnlyRootFileSystem",
        "'readOnlyRootFileSystem' was unexpected",
    ),
    "a value of another type": (
        "deploy/aks/shim/autoscaler.yaml",
        "maxReplicas: 10",
        'maxReplicas: "ten"',
        "'ten' is not of type",
    ),
    "a required field that is missing": (
        "deploy/aks/base/account.yaml",
        "kind: ServiceAccount\n",
        "",
        "expected `apiVersion` and `kind`",
    ),
    "a required field that is missing, deep down": (
        "deploy/aks/shim/deployment.yaml",
        "          topologyKey: kubernetes.io/hostname\n",
        "",
        "'topologyKey' is a required property",
    ),
    "an API version that Kubernetes has not": (
        "deploy/aks/shim/autoscaler.yaml",
        "apiVersion: autoscaling/v2\n",
        "apiVersion: autoscaling/v3\n",
        "Couldn't find schema",
    ),
    "an executor that is not there": (
        "deploy/aks/spinkube/app.yaml",
        "executor: containerd-shim-spin",
        "executor: containerd-shim",
        "there is no SpinAppExecutor",
    ),
    "a secret that is not there": (
        "deploy/aks/split/api.yaml",
        "loadFromSecret: orders-runtime-config",
        "loadFromSecret: runtime-config",
        "there is no Secret",
    ),
    "an autoscaler of nothing": (
        "deploy/aks/spintainer/autoscaler.yaml",
        "  scaleTargetRef:\n    name: orders-spintainer",
        "  scaleTargetRef:\n    name: orders-spin-tainer",
        "there is no Deployment `orders-spin-tainer`",
    ),
    "a variable that the app has not": (
        "deploy/aks/spinkube/app.yaml",
        "- name: api_tokens",
        "- name: api_token",
        "there is no variable `api_token`",
    ),
    "a probe that comes too seldom to drive the sweep": (
        "deploy/aks/split/api.yaml",
        "periodSeconds: 10",
        "periodSeconds: 15",
        "a probe every 15 s is too seldom for `sweep_seconds`",
    ),
    "replicas beside an autoscaler": (
        "deploy/aks/spinkube/app.yaml",
        "  enableAutoscaling: true",
        "  enableAutoscaling: true\n  replicas: 2",
        "expected either",
    ),
    "a runtime configuration that is no TOML": (
        "deploy/aks/example/runtime-config.toml",
        "[key_value_store.default]",
        "[key_value_store.default",
        "is no TOML",
    ),
    "a component that differs from that of spin.toml": (
        "deploy/aks/split/processor.spin.toml",
        'lease_seconds = "{{ lease_seconds }}"\n',
        "",
        "`variables` of component `processor`",
    ),
    "a default that differs from that of spin.toml": (
        "deploy/aks/split/processor.spin.toml",
        'lease_seconds = { default = "30" }',
        'lease_seconds = { default = "3" }',
        "variable `lease_seconds`",
    ),
}

BY_AZURE_TYPES = {
    "a resource type that is misspelt": (
        "deploy/container-apps/app.bicep",
        "Microsoft.App/containerApps@",
        "Microsoft.App/containerApp@",
        "there is no type `Microsoft.App/containerApp`; did you mean `Microsoft.App/containerApps`",
    ),
    "an API version that is not there": (
        "deploy/container-apps/job.bicep",
        "jobs@2026-01-01",
        "jobs@2026-02-30",
        "has no API version `2026-02-30`; use `2026-01-01`",
    ),
    "a property that is misspelt": (
        "deploy/container-apps/app.bicep",
        "terminationGracePeriodSeconds",
        "terminationGraceSeconds",
        "there is no `terminationGraceSeconds` in `Template`",
    ),
    "a property that is misspelt behind a condition": (
        "deploy/container-apps/job.bicep",
        "cronExpression:",
        "cron:",
        "there is no `cron`",
    ),
    "a property that is misspelt in a concatenated list": (
        "deploy/container-apps/app.bicep",
        "secretRef: 'api-tokens'",
        "secret: 'api-tokens'",
        "there is no `secret` in `EnvironmentVar`",
    ),
    "a required property that is missing": (
        "deploy/container-apps/job.bicep",
        "      replicaTimeout: executionSecondsMax\n",
        "      replicaRetryLimit: executionSecondsMax\n",
        "`replicaTimeout` of `JobConfiguration` is missing",
    ),
    "a required property of a resource that is missing": (
        "deploy/container-apps/store.bicep",
        "  name: accountName\n  location: location\n",
        "  location: accountName\n",
        "`name` of",
    ),
    "a value that its enum has not": (
        "deploy/container-apps/store.bicep",
        "'Strong'\n",
        "'Strongest'\n",
        "found `Strongest`",
    ),
    "a value that its open enum has not": (
        "deploy/container-apps/app.bicep",
        "transport: 'http'",
        "transport: 'https'",
        "found `https`",
    ),
    "a string where a number is expected": (
        "deploy/container-apps/app.bicep",
        "targetPort: 3000",
        "targetPort: '3000'",
        "expected a number, found a string",
    ),
    "an object where an array is expected": (
        "deploy/container-apps/store.bicep",
        "        paths: [\n          '/id'\n        ]",
        "        paths: { id: '/id' }",
        "expected an array, found an object",
    ),
    "a number that is too large": (
        "deploy/container-apps/store.bicep",
        "version: 2",
        "version: 3",
        "expected a number from 1 to 2",
    ),
    "a discriminator that is not there": (
        "deploy/container-apps/store.bicep",
        "type: 'Continuous'",
        "type: 'Continous'",
        "expected `type` to be one of",
    ),
    "a property of another alternative": (
        "deploy/container-apps/store.bicep",
        "continuousModeProperties:",
        "periodicModeProperties:",
        "there is no `periodicModeProperties`",
    ),
    "a property that only Azure sets": (
        "deploy/container-apps/main.bicep",
        "      destination: 'log-analytics'",
        "      destination: 'log-analytics'\n    }\n    defaultDomain: 'x'\n    appLogsConfiguration: {",
        "`defaultDomain` is Azure's to set",
    ),
    "a property that is asked for and not there": (
        "deploy/container-apps/app.bicep",
        "ingress.fqdn}",
        "ingress.fqnd}",
        "there is no `fqnd` in `Ingress`; did you mean `fqdn`",
    ),
}

BY_CUSTOM_RESOURCES = {
    "a field that a SpinApp has not": (
        "deploy/aks/spinkube/app.yaml",
        "serviceAccountName: orders",
        "serviceAccount: orders",
        "'serviceAccount' was unexpected",
    ),
    "a field that a SpinApp has not, deep down": (
        "deploy/aks/split/api.yaml",
        "        path: /readyz",
        "        path: /readyz\n        port: 80",
        "'port' was unexpected",
    ),
    "a required field of a SpinApp that is missing": (
        "deploy/aks/spintainer/app.yaml",
        "  image: registry.example.com/async-orders:0.1.0\n",
        "",
        "'image' is a required property",
    ),
    "a value of another type in an executor": (
        "deploy/aks/spinkube/executor.yaml",
        "createDeployment: true",
        "createDeployment: 1",
        "1 is not of type 'boolean'",
    ),
    "a field that a ScaledObject has not": (
        "deploy/aks/spintainer/autoscaler.yaml",
        "minReplicaCount",
        "minReplicas",
        "'minReplicas' was unexpected",
    ),
}


# What the checks read beside what they look at.
BESIDE = ["spin.toml", "rust-toolchain.toml", "docs/operations.md"]


def copy_of_all(root: Path) -> None:
    shutil.copytree(check.ROOT / "deploy", root / "deploy", ignore=shutil.ignore_patterns("tests"))
    for name in [".github", ".devcontainer"]:
        shutil.copytree(check.ROOT / name, root / name)
    (root / "docs").mkdir()
    for name in ["Dockerfile", "azure.yaml", *BESIDE]:
        shutil.copy(check.ROOT / name, root / name)


class EachBreakIsFound(unittest.TestCase):
    """Of each broken copy it is told what is wrong, in the file where it is."""

    def test_without_data(self) -> None:
        self.each(ALWAYS)

    @unittest.skipUnless(TypeData(check.DATA).providers, f"there are no types of Azure in {check.DATA}")
    def test_by_azure_types(self) -> None:
        self.each(BY_AZURE_TYPES)

    @unittest.skipUnless(custom_schemas(check.DATA), f"there are no custom resources in {check.DATA}")
    def test_by_custom_resources(self) -> None:
        self.each(BY_CUSTOM_RESOURCES)

    def each(self, cases: dict[str, tuple[str, str, str, str]]) -> None:
        for name, (file, old, new, sentence) in cases.items():
            with self.subTest(name), tempfile.TemporaryDirectory() as directory:
                root = Path(directory)
                copy_of_all(root)
                path = root / file
                text = path.read_text()
                self.assertIn(old, text, "the case is stale")
                path.write_text(text.replace(old, new, 1))
                findings = Findings()
                part = next(part for part in check.PARTS if file == part or file.startswith(f"{part}/"))
                check.PARTS[part](root, root / part, findings)
                told = [fault.sentence for fault in findings.faults if fault.path == path]
                self.assertTrue(any(sentence in each for each in told), f"found {findings.faults}")


class WhatIsLeftOutIsSaid(unittest.TestCase):
    """Without data nothing is skipped silently."""

    def test_each_type_without_data_is_named(self) -> None:
        findings = Findings()
        with tempfile.TemporaryDirectory() as empty:
            data, check.DATA = check.DATA, Path(empty)
            try:
                for part, its_check in check.PARTS.items():
                    its_check(check.ROOT, check.ROOT / part, findings)
            finally:
                check.DATA = data
        skipped = "\n".join(findings.skipped)
        for name in ["Microsoft.App/jobs", "Microsoft.DocumentDB/databaseAccounts", "SpinApp", "ScaledObject"]:
            self.assertIn(name, skipped)


if __name__ == "__main__":
    # Verbose, so that what is skipped has a name.
    unittest.main(verbosity=2)
