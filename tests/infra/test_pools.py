import asyncio
import json
import tomllib
from copy import deepcopy
from importlib.resources import files
from typing import Any

import pytest
from docker.types import HostConfig
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.exceptions import PrefectHTTPStatusError
from prefect.utilities.templating import apply_values, find_placeholders
from prefect.workers.base import BaseJobConfiguration

from tasks.deploy import HEARTBEATS, KINDS
from tests.infra.schema import INFRA, ROOT, documents, kubernetes_faults

POOLS = sorted((INFRA / "pools").glob("*.json"))
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def template(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((INFRA / "pools" / f"{name}.json").read_text())
    return loaded


def defaults(name: str) -> dict[str, Any]:
    properties = template(name)["variables"]["properties"]
    return {key: facts["default"] for key, facts in properties.items() if "default" in facts}


def filled(name: str, **values: Any) -> dict[str, Any]:
    """The job of a run, filled in by Prefect as a worker does."""
    of_the_run = {"name": "run", "command": "prefect flow-run execute", "labels": {"a": "b"}}
    return apply_values(
        template(name)["job_configuration"], {**defaults(name), **of_the_run, **values}
    )


def job(name: str, **values: Any) -> dict[str, Any]:
    """The job of a run, less what a worker of Prefect demands and Kubernetes ignores."""
    manifest: dict[str, Any] = filled(name, **values)["job_manifest"]
    for ignored in ("parallelism", "completions"):
        del manifest["spec"]["template"]["spec"][ignored]
    container = manifest["spec"]["template"]["spec"]["containers"][0]
    container["args"] = container["args"].split()  # as the worker does
    assert "env" not in container  # nothing was set: the worker adds its own
    return manifest


def of_prefect(kind: str) -> dict[str, Any]:
    """The template that Prefect itself has for a kind of pool."""
    path = files("prefect.server.api.collections_data.views") / "aggregate-worker-metadata.json"
    facts = json.loads(path.read_text())[f"prefect-{kind}"][kind]
    own: dict[str, Any] = facts["default_base_job_configuration"]
    return own


def test_there_is_a_template_for_every_kind_of_pool_but_processes() -> None:
    wanted = {f"{kind}-{pool}" for kind in KINDS[1:] for pool in ("cpu", "gpu")}
    assert {path.stem for path in POOLS} == wanted


@pytest.mark.parametrize("name", [path.stem for path in POOLS])
def test_what_is_filled_in_is_declared_and_what_is_declared_is_filled_in(name: str) -> None:
    used = {
        placeholder.name
        for placeholder in find_placeholders(json.dumps(template(name)["job_configuration"]))
    }
    assert used == set(template(name)["variables"]["properties"])


@pytest.mark.parametrize("name", [path.stem for path in POOLS])
def test_a_template_has_the_keys_that_prefect_knows(name: str) -> None:
    kind = name.split("-")[0]
    known = set(of_prefect(kind)["job_configuration"])
    # prefect-docker hands these to the Docker API; the template that comes with Prefect lacks it
    known |= {"container_create_kwargs"} if kind == "docker" else set()
    keys = set(template(name)["job_configuration"])
    assert {"name", "command", "env", "labels"} <= keys <= known


@pytest.mark.parametrize("name", [path.stem for path in POOLS])
def test_a_server_accepts_a_template_and_refuses_a_broken_one(name: str, prefect_api: str) -> None:
    wanted = template(name)
    broken = deepcopy(wanted)
    del broken["variables"]["properties"]["image"]
    kind = name.split("-")[0]
    with get_client(sync_client=True) as client:
        pool = client.create_work_pool(
            WorkPoolCreate(name=name, type=kind, base_job_template=wanted)
        )
        try:
            assert pool.base_job_template == wanted
        finally:
            client.delete_work_pool(name)
        with pytest.raises(PrefectHTTPStatusError, match="422"):
            client.create_work_pool(WorkPoolCreate(name=name, type=kind, base_job_template=broken))


@pytest.mark.parametrize("pool", ["cpu", "gpu"])
def test_the_job_of_a_run_is_one_that_kubernetes_takes(pool: str) -> None:
    assert kubernetes_faults(job(f"kubernetes-{pool}")) == []
    wrong = job(f"kubernetes-{pool}", finished_job_ttl="soon")
    assert kubernetes_faults(wrong) == [
        "$.spec.ttlSecondsAfterFinished: 'soon' is not of type 'integer', 'null'"
    ]


def test_a_training_job_asks_for_a_gpu_and_goes_where_there_is_one() -> None:
    pod = job("kubernetes-gpu", gpus=2)["spec"]["template"]["spec"]
    assert pod["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == 2
    assert pod["nodeSelector"] == {"nvidia.com/gpu.present": "true"}
    assert pod["tolerations"][0]["key"] == "nvidia.com/gpu"
    without = job("kubernetes-cpu")["spec"]["template"]["spec"]
    assert "nvidia.com/gpu" not in without["containers"][0]["resources"]["limits"]
    assert (without["nodeSelector"], without["tolerations"]) == ({}, [])


def test_a_training_container_asks_the_docker_api_for_a_gpu() -> None:
    given = filled("docker-gpu", gpus=2)["container_create_kwargs"]
    requests = HostConfig(version="1.44", **given)["DeviceRequests"]
    assert [(r["Driver"], r["Count"], r["Capabilities"]) for r in requests] == [
        ("nvidia", 2, [["gpu"]])
    ]
    given = filled("docker-cpu")["container_create_kwargs"]
    assert "DeviceRequests" not in HostConfig(version="1.44", **given)


@pytest.mark.parametrize("kind", ["docker", "kubernetes"])
def test_the_two_pools_of_a_kind_differ_in_image_memory_volume_and_gpu_only(kind: str) -> None:
    cpu, gpu = defaults(f"{kind}-cpu"), defaults(f"{kind}-gpu")
    differ = {name for name in gpu if gpu[name] != cpu.get(name)}
    assert (
        differ
        == {
            "docker": {"image", "mem_limit", "volumes", "gpus"},
            "kubernetes": {
                *("image", "cpu_request", "memory_request", "memory_limit", "data_claim", "gpus"),
                *("node_selector", "tolerations", "pod_watch_timeout_seconds"),
            },
        }[kind]
    )


@pytest.mark.parametrize("name", [path.stem for path in POOLS])
def test_runs_have_the_image_of_this_version(name: str) -> None:
    image = "gpu" if name.endswith("gpu") else "slim"
    assert defaults(name)["image"] == f"opentrips-{image}:{VERSION}"


@pytest.mark.parametrize("pool", ["cpu", "gpu"])
def test_a_job_finds_what_it_names_among_the_manifests(pool: str) -> None:
    chosen = defaults(f"kubernetes-{pool}")
    kustomization = documents(INFRA / "kubernetes" / "kustomization.yaml")[0]
    claims = {claim["metadata"]["name"] for claim in documents(INFRA / "kubernetes" / "data.yaml")}
    secrets = {secret["name"] for secret in kustomization["secretGenerator"]}
    settings = {settings["name"] for settings in kustomization["configMapGenerator"]}
    assert chosen["data_claim"] in claims
    assert {chosen["secret"], chosen["aws_secret"]} <= secrets
    assert chosen["settings"] in settings
    assert chosen["namespace"] == kustomization["namespace"]


@pytest.mark.parametrize("pool", ["cpu", "gpu"])
def test_a_container_finds_the_network_and_the_volumes_of_the_compose_file(pool: str) -> None:
    compose = documents(INFRA / "compose.yaml")[0]
    chosen = defaults(f"docker-{pool}")
    volume = chosen["volumes"][0].split(":")[0]
    assert volume.removeprefix(f"{compose['name']}_") in compose["volumes"]
    assert chosen["networks"] == [f"{compose['name']}_default"]
    settings = compose["x-settings"]
    assert {name: value for name, value in chosen["env"].items() if name != "PGPASSFILE"} == {
        name: settings[name] for name in chosen["env"] if name != "PGPASSFILE"
    }


@pytest.mark.parametrize("name", [path.stem for path in POOLS])
def test_what_a_deployment_sets_is_added_to_the_environment(name: str, prefect_api: str) -> None:
    merged: Any = asyncio.run(
        BaseJobConfiguration.from_template_and_values(template(name), {"env": HEARTBEATS})
    )
    assert merged.env == {**defaults(name).get("env", {}), **HEARTBEATS}
