"""Deploy: what a Prefect server is to run for every region of a folder, made as it should be."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import (
    DeploymentUpdate,
    WorkPoolCreate,
    WorkPoolUpdate,
)
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_API_URL

from tasks.automate import DeployError, make_automations
from tasks.comparison import load_study
from tasks.region import Region, load_regions
from tasks.search import load_search
from tasks.tables import load_synthesis

ROOT = Path(__file__).parents[1]
"""The clone; deployments of a checkout run in it."""
TAG = "opentrips"
"""On every deployment that is ours."""
REMOVED = "removed"
"""On those of a region that is gone; a person's own pause is not marked so, and stays."""
_PAGE = 200
HEARTBEATS = {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}
"""Environment of every run: so often, in seconds, it says that its worker lives."""
KINDS = ("process", "docker", "kubernetes")
"""Kinds of work pools that there are templates for."""


@dataclass(frozen=True)
class Deployed:
    """What was done.

    Attributes:
        regions: Ids of the regions deployed.
        names: Names of all their deployments, `flow/region`.
        stopped: Names of deployments whose schedules were switched off, for their region is gone.
    """

    regions: list[str]
    names: list[str]
    stopped: list[str]


def deploy(
    folder: Path, code: str = "checkout", kind: str = "process", alert: str | None = None
) -> Deployed:
    """Make pools, queues, limits and deployments; what is as it should be stays so.

    Args:
        folder: The folder of region files. It says what there is: deployments of a region that is
            not in it lose their schedules, and keep their history.
        code: Where workers find the code: `checkout`, `image`, or `git:URL@BRANCH`.
        kind: Kind of the work pools, one of `KINDS`; one that exists keeps its kind.
        alert: The notification block that tells people of runs that fail, are late or missing, as
            `TYPE/NAME`, such as `custom-webhook/duty`. Default: nobody is told.

    Raises:
        DeployError: If there is no server, or Prefect refuses.
        RegionError: If there is no region, or the file of one is wrong; nothing is deployed then.
    """
    server = _server()
    regions = load_regions([folder])
    definitions = yaml.safe_load((ROOT / "deployments" / "prefect.yaml").read_text())["definitions"]
    entries = [
        _entry(kind_of_run, region)
        for region in regions
        for kind_of_run in definitions["of_each_region"]
    ]
    entries += [_entry(kind_of_run) for kind_of_run in definitions["of_all_regions"]]
    pull = pull_steps(definitions["code"], code)
    with server as client:
        for name, pool in definitions["pools"].items():
            _make_pool(client, name, pool, kind)
        names = [f"{entry['flow_name']}/{entry['name']}" for entry in entries]
        make_automations(client, definitions["automations"], alert)
        _resume(client, names)
        _apply(entries, pull)
        return Deployed([region.id for region in regions], names, _stop_others(client, names))


def deployed_regions(ids: Sequence[str] = ()) -> list[Region]:
    """The regions that are deployed, as their deployments `release` have them.

    Args:
        ids: Only these; none: all.

    Raises:
        DeployError: If there is no server, or one of the ids is not deployed.
    """
    with _server() as client:
        found = _deployments(client, [TAG, "flow:release"])
    parameters = [each.parameters["region"] for each in found if REMOVED not in each.tags]
    regions = {region.id: region for region in map(Region.model_validate, parameters)}
    if missing := sorted(set(ids) - regions.keys()):
        known = ", ".join(sorted(regions)) or "none"
        raise DeployError(
            f"no deployment release/{missing[0]}; deploy the region first; deployed are: {known}"
        )
    return [regions[name] for name in ids or sorted(regions)]


def _server() -> SyncPrefectClient:
    if not PREFECT_API_URL.value():
        raise DeployError(
            "deploy needs a Prefect server: start one with `prefect server start` "
            "and set PREFECT_API_URL=http://127.0.0.1:4200/api"
        )
    return get_client(sync_client=True)


def _entry(kind_of_run: Mapping[str, Any], region: Region | None = None) -> dict[str, Any]:
    """One deployment as prefect.yaml has them, of a region or of all."""
    flow = kind_of_run["flow"]
    entry = {
        "name": "all",
        "flow_name": flow,
        "entrypoint": kind_of_run["entrypoint"],
        "description": kind_of_run["description"],
        "tags": [TAG, f"flow:{flow}"],
        "work_pool": {**kind_of_run["work_pool"], "job_variables": {"env": HEARTBEATS}},
        "concurrency_limit": dict(kind_of_run["concurrency_limit"]),
        "parameters": dict(kind_of_run.get("parameters", {})),
        "schedules": [],
    }
    shipped = {"search": load_search, "synthesis": load_synthesis, "study": load_study}
    for name, load in shipped.items():
        if name in entry["parameters"]:
            filled = load(ROOT / "deployments" / entry["parameters"][name])
            entry["parameters"][name] = filled.model_dump(mode="json")
    if region is not None:
        entry["name"] = region.id
        entry["tags"].insert(1, f"region:{region.id}")
        entry["parameters"]["region"] = region.model_dump(mode="json")
        if region.clock == "feed" and flow == "collect":
            entry["parameters"]["shifts"] = None  # a replayed day is collected at once
        if cron := kind_of_run.get("schedule"):
            cron = shift_cron(region) if cron == "every shift" else cron
            entry["schedules"] = [{"cron": cron, "timezone": region.time_zone, "slug": "due"}]
    return entry


def shift_cron(region: Region) -> str:
    """When shifts begin, on the local clock: see `tasks.region.service_day.next_shift_change`.

    A replayed day is collected at once, in the night after it.

    Examples:
        >>> from tasks.region import load_region
        >>> shift_cron(load_region(ROOT / "deployments" / "regions" / "demo.yaml"))
        '2 0 * * *'
    """
    if region.clock == "feed":
        return "2 0 * * *"
    hours, minutes = divmod(region.shift_minutes, 60)
    return f"0 */{hours} * * *" if hours else f"*/{minutes} * * * *"


def pull_steps(ways: Mapping[str, Any], code: str) -> list[dict[str, Any]]:
    """The pull steps of one way to find the code."""
    way, _, place = code.partition(":")
    repository, _, branch = place.rpartition("@")
    if way not in ways or (way == "git") != bool(repository and branch) or (way != "git" and place):
        raise DeployError(f"--code {code}: write checkout, image, or git:URL@BRANCH")
    filled = yaml.safe_dump(ways[way]).replace("{root}", str(ROOT))
    filled = filled.replace("{repository}", repository).replace("{branch}", branch)
    steps: list[dict[str, Any]] = yaml.safe_load(filled)
    return steps


def _make_pool(client: SyncPrefectClient, name: str, wanted: Mapping[str, Any], kind: str) -> None:
    limit = wanted.get("concurrency_limit")
    try:
        pool = client.read_work_pool(name)
    except ObjectNotFound:
        pool = client.create_work_pool(
            WorkPoolCreate(
                name=name,
                type=kind,
                concurrency_limit=limit,
                base_job_template=_template(kind, name),
            )
        )
    if pool.concurrency_limit != limit:
        client.update_work_pool(name, WorkPoolUpdate(concurrency_limit=limit))
    queues = {queue.name: queue for queue in client.read_work_queues(work_pool_name=name)}
    for queue_name, facts in wanted["queues"].items():
        queue = queues.get(queue_name)
        if queue is None:
            queue = client.create_work_queue(queue_name, work_pool_name=name)
        wanted_queue = {"priority": facts["priority"], "limit": facts.get("concurrency_limit")}
        if {"priority": queue.priority, "limit": queue.concurrency_limit} != wanted_queue:
            client.update_work_queue(
                queue.id,
                priority=facts["priority"],
                concurrency_limit=facts.get("concurrency_limit"),
            )


def _template(kind: str, pool: str) -> dict[str, Any]:
    """The base job template of a kind of pool; Prefect's own for processes."""
    if kind == "process":
        return {}
    path = ROOT / "infra" / "pools" / f"{kind}-{pool}.json"
    template: dict[str, Any] = json.loads(path.read_text())
    return template


def _apply(entries: Sequence[Mapping[str, Any]], pull: Sequence[Mapping[str, Any]]) -> None:
    """Have Prefect make deployments of entries of a prefect.yaml."""
    document = {"name": "opentrips", "pull": list(pull), "deployments": list(entries)}
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump(document, file, sort_keys=False)
        file.flush()
        command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
        done = subprocess.run(
            [*command, "--prefect-file", file.name],
            cwd=ROOT,
            env={**os.environ, "PREFECT_API_URL": str(PREFECT_API_URL.value())},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        said = " ".join((done.stdout + done.stderr).split())
        raise DeployError(f"Prefect refuses the deployments: {said[-600:]}")


def _stop_others(client: SyncPrefectClient, names: Sequence[str]) -> list[str]:
    """Switch off the schedules of our deployments that are not among these."""
    stopped = []
    for deployment in _deployments(client, [TAG]):
        name = f"{client.read_flow(deployment.flow_id).name}/{deployment.name}"
        if name not in names and REMOVED not in deployment.tags:
            tags = [*deployment.tags, REMOVED]
            client.update_deployment(deployment.id, DeploymentUpdate(paused=True, tags=tags))
            stopped.append(name)
    return sorted(stopped)


def _resume(client: SyncPrefectClient, names: Sequence[str]) -> None:
    """Switch deployments on again that were switched off because their region was gone."""
    for deployment in _deployments(client, [TAG, REMOVED]):
        if f"{client.read_flow(deployment.flow_id).name}/{deployment.name}" in names:
            client.update_deployment(deployment.id, DeploymentUpdate(paused=False))


def _deployments(client: SyncPrefectClient, tags: Sequence[str]) -> list[DeploymentResponse]:
    """All deployments that have the tags."""
    having = DeploymentFilter(tags=DeploymentFilterTags(all_=list(tags)))
    found: list[DeploymentResponse] = []
    while page := client.read_deployments(deployment_filter=having, limit=_PAGE, offset=len(found)):
        found += page
    return found
