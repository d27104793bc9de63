import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.infra.schema import INFRA, ROOT, documents, kubernetes_faults

FOLDER = INFRA / "kubernetes"
FOLDERS = (FOLDER, INFRA / "postgresql")
KUSTOMIZATIONS = {folder: documents(folder / "kustomization.yaml")[0] for folder in FOLDERS}
OBJECTS: list[dict[str, Any]] = [
    document
    for folder in FOLDERS
    for resource in KUSTOMIZATIONS[folder]["resources"]
    if (folder / resource).is_file()
    for document in documents(folder / resource)
]


def name_of(thing: dict[str, Any]) -> str:
    return f"{thing['kind']}/{thing['metadata']['name']}"


def of_kind(kind: str) -> dict[str, dict[str, Any]]:
    return {thing["metadata"]["name"]: thing["spec"] for thing in OBJECTS if thing["kind"] == kind}


WORKLOADS = {
    name: spec
    for kind in ("Deployment", "StatefulSet", "Job")
    for name, spec in of_kind(kind).items()
}


def container(workload: str) -> dict[str, Any]:
    (only,) = WORKLOADS[workload]["template"]["spec"]["containers"]
    assert isinstance(only, dict)
    return only


def generated(generator: str) -> dict[str, set[str]]:
    """What the kustomizations generate: the name of each, and the names of its entries."""
    found = {}
    for folder, kustomization in KUSTOMIZATIONS.items():
        for facts in kustomization.get(generator, ()):
            entries = {literal.partition("=")[0] for literal in facts.get("literals", ())}
            entries |= {Path(file).name for file in facts.get("files", ())}
            for file in facts.get("envs", ()):
                example = folder / file.replace("secrets/", "secrets.example/")
                entries |= set(re.findall(r"^([A-Z_]+)=", example.read_text(), re.MULTILINE))
            found[facts["name"]] = entries
    return found


def test_every_file_of_the_folders_is_a_resource_and_every_resource_is_there() -> None:
    for folder, kustomization in KUSTOMIZATIONS.items():
        assert all((folder / resource).exists() for resource in kustomization["resources"])
        files = {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"}
        assert files == {name for name in kustomization["resources"] if name.endswith(".yaml")}


@pytest.mark.parametrize("thing", OBJECTS, ids=name_of)
def test_an_object_is_one_that_kubernetes_takes(thing: dict[str, Any]) -> None:
    assert kubernetes_faults(thing) == []
    assert thing["metadata"]["name"]


def test_an_unknown_field_would_be_noticed() -> None:
    thing = next(thing for thing in OBJECTS if thing["kind"] == "Job")
    assert len(kubernetes_faults({**thing, "spec": {**thing["spec"], "backofLimit": 1}})) == 1


@pytest.mark.parametrize("name", ["server", "postgresql"])
def test_a_service_leads_to_a_port_of_the_pods_that_it_selects(name: str) -> None:
    service = of_kind("Service")[name]
    assert service["selector"] == WORKLOADS[name]["template"]["metadata"]["labels"]
    open_ports = {port["name"]: port["containerPort"] for port in container(name)["ports"]}
    for port in service["ports"]:
        assert open_ports[port["targetPort"]] == port["port"]
    policy = of_kind("NetworkPolicy")[name]
    assert policy["podSelector"]["matchLabels"] == service["selector"]
    allowed = [port["port"] for rule in policy["ingress"] for port in rule["ports"]]
    assert allowed == [port["port"] for port in service["ports"]]


def test_what_selects_pods_selects_its_own() -> None:
    for name in (*of_kind("Deployment"), *of_kind("StatefulSet")):
        spec = WORKLOADS[name]
        assert spec["selector"]["matchLabels"] == spec["template"]["metadata"]["labels"], name


def test_no_pod_is_reached_but_by_a_rule_that_says_so() -> None:
    assert of_kind("NetworkPolicy")["nobody"] == {"podSelector": {}, "policyTypes": ["Ingress"]}


def referred(workload: str) -> Iterator[tuple[str, str, str | None]]:
    """Generator, name and entry (None for all) of what a workload has from secrets and settings."""
    kinds = {"secretRef": "secretGenerator", "configMapRef": "configMapGenerator"}
    for source in container(workload).get("envFrom", ()):
        for key, reference in source.items():
            yield kinds[key], reference["name"], None
    for variable in container(workload).get("env", ()):
        if (reference := variable.get("valueFrom", {}).get("secretKeyRef")) is not None:
            yield "secretGenerator", reference["name"], reference["key"]
    for volume in WORKLOADS[workload]["template"]["spec"].get("volumes", ()):
        if "configMap" in volume:
            yield "configMapGenerator", volume["configMap"]["name"], None


@pytest.mark.parametrize("workload", WORKLOADS)
def test_a_workload_finds_what_it_refers_to(workload: str) -> None:
    for generator, name, entry in referred(workload):
        assert name in generated(generator), f"{workload}: {name}"
        assert entry is None or entry in generated(generator)[name], f"{workload}: {name}.{entry}"
    pod = WORKLOADS[workload]["template"]["spec"]
    volumes = {volume["name"] for volume in pod.get("volumes", ())}
    claims = WORKLOADS[workload].get("volumeClaimTemplates", ())
    volumes |= {claim["metadata"]["name"] for claim in claims}
    assert {mount["name"] for mount in container(workload)["volumeMounts"]} == volumes
    if "serviceAccountName" in pod:
        account = pod["serviceAccountName"]
        assert account in {
            thing["metadata"]["name"] for thing in OBJECTS if thing["kind"] == "ServiceAccount"
        }


def test_a_worker_may_do_what_its_role_says_and_only_workers_have_it() -> None:
    binding = next(thing for thing in OBJECTS if thing["kind"] == "RoleBinding")
    role = next(thing for thing in OBJECTS if thing["kind"] == "Role")
    namespace = KUSTOMIZATIONS[FOLDER]["namespace"]
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert [subject["namespace"] for subject in binding["subjects"]] == [namespace]
    for workload, spec in WORKLOADS.items():
        pod = spec["template"]["spec"]
        has_token = pod.get("automountServiceAccountToken", True)
        assert has_token == workload.startswith("worker-"), workload
    assert not any("secrets" in rule["resources"] for rule in role["rules"])


@pytest.mark.parametrize("workload", WORKLOADS)
def test_a_pod_has_no_rights_on_its_node(workload: str) -> None:
    pod = WORKLOADS[workload]["template"]["spec"]["securityContext"]
    assert pod["runAsNonRoot"]
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
    own = container(workload)["securityContext"]
    assert own["allowPrivilegeEscalation"] is False
    assert own["capabilities"] == {"drop": ["ALL"]}
    assert "memory" in container(workload)["resources"]["limits"]


def test_the_two_workers_differ_in_their_pool_only() -> None:
    cpu, gpu = ((FOLDER / f"worker-{pool}.yaml").read_text() for pool in ("cpu", "gpu"))
    assert (
        cpu.replace("worker-cpu", "worker-gpu")
        .replace("pool, cpu", "pool, gpu")
        .replace("name, cpu", "name, gpu")
        == gpu
    )


@pytest.mark.parametrize("pool", ["cpu", "gpu"])
def test_a_worker_waits_for_its_pool_which_has_our_template(pool: str) -> None:
    """One that a worker makes has Prefect's own, and `deploy` leaves it as it is."""
    arguments = container(f"worker-{pool}")["args"]
    assert "--no-create-pool-if-not-found" in arguments
    assert arguments[arguments.index("--pool") + 1] == pool
    assert arguments[arguments.index("--type") + 1] == "kubernetes"
    assert container("deploy")["args"][-2:] == ["--pools", "kubernetes"]


def test_addresses_lead_to_the_services() -> None:
    settings = dict(
        literal.partition("=")[::2]
        for facts in KUSTOMIZATIONS[FOLDER]["configMapGenerator"]
        for literal in facts.get("literals", ())
    )
    assert settings == {
        name: value
        for name, value in documents(INFRA / "compose.yaml")[0]["x-settings"].items()
        if "${" not in value
    }
    assert "//server:4200/" in settings["PREFECT_API_URL"]
    assert settings["OPENTRIPS_LEDGER"].split("@")[1].split("/")[0] in of_kind("Service")


def test_no_secret_is_kept_with_the_code() -> None:
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert {"infra/.env", "infra/kubernetes/secrets/"} <= set(ignored)
    named = [
        file
        for facts in KUSTOMIZATIONS[FOLDER]["secretGenerator"]
        for file in (*facts.get("envs", ()), *facts.get("files", ()))
    ]
    assert all(file.startswith("secrets/") for file in named)
    examples = {path.name for path in (FOLDER / "secrets.example").iterdir()}
    assert examples == {Path(file).name for file in named}
