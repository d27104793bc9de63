import asyncio
import datetime as dt
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId
from prefect.deployments.steps.core import run_steps
from prefect.settings import PREFECT_API_URL, temporary_settings

from tasks.automate import DeployError
from tasks.comparison import Study, load_study
from tasks.deploy import ROOT, deploy, deployed_regions, pull_steps
from tasks.region import RegionError, load_region

DEMO = Path(__file__).parents[2] / "deployments" / "regions" / "demo.yaml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two regions, north and south."""
    folder = tmp_path / "regions"
    folder.mkdir()
    text = DEMO.read_text()
    for name in ("north", "south"):
        (folder / f"{name}.yaml").write_text(text.replace("id: demo", f"id: {name}", 1))
    return folder


def deployed(region: str) -> dict[str, dict[str, Any]]:
    """What the server knows of a region's deployments, but for when they were written."""
    with get_client(sync_client=True) as client:
        return {
            flow: client.read_deployment_by_name(f"{flow}/{region}").model_dump(
                exclude={
                    **dict.fromkeys(("updated", "version", "version_id", "version_info"), True),
                    "schedules": {"__all__": {"updated"}},
                }
            )
            for flow in ("collect", "release", "train", "audit")
        }


@pytest.mark.slow
def test_deploying_twice_changes_nothing_and_a_region_that_is_gone_rests(
    folder: Path, prefect_api: str
) -> None:
    assert deploy(folder).regions == ["north", "south"]
    assert deployed_regions() == [
        load_region(folder / f"{name}.yaml") for name in ("north", "south")
    ]
    assert [region.id for region in deployed_regions(["south"])] == ["south"]
    with pytest.raises(DeployError, match="no deployment release/west; deploy the region first"):
        deployed_regions(["south", "west"])
    first = deployed("south")
    assert first["collect"]["parameters"]["region"] == load_region(
        folder / "south.yaml"
    ).model_dump(mode="json")
    assert first["train"]["work_pool_name"] == "gpu"
    assert first["release"]["parameters"]["training"] == "by its deployment"
    with get_client(sync_client=True) as client:
        schedule = first["release"]["schedules"][0]
        client.update_deployment_schedule(first["release"]["id"], schedule["id"], active=False)
    paused_by_hand = deployed("south")
    assert deploy(folder).stopped == []
    assert deployed("south") == paused_by_hand

    (folder / "north.yaml").unlink()
    stopped = deploy(folder).stopped
    assert stopped == ["audit/north", "collect/north", "release/north", "train/north"]
    assert all(facts["paused"] for facts in deployed("north").values())
    assert not any(facts["paused"] for facts in deployed("south").values())
    assert deploy(folder).stopped == []
    assert [region.id for region in deployed_regions()] == ["south"]

    shutil.copy(folder / "south.yaml", folder / "north.yaml")
    text = (folder / "north.yaml").read_text().replace("id: south", "id: north", 1)
    (folder / "north.yaml").write_text(text)
    deploy(folder)
    assert not any(facts["paused"] for facts in deployed("north").values())
    (folder / "north.yaml").unlink()
    deploy(folder)


@pytest.mark.slow
def test_pools_have_their_queues_and_runs_are_scheduled(folder: Path, prefect_api: str) -> None:
    deploy(folder)
    with get_client(sync_client=True) as client:
        gpu = client.read_work_pool("gpu")
        assert (gpu.type, gpu.concurrency_limit) == ("process", 1)
        queues = {
            queue.name: (queue.priority, queue.concurrency_limit)
            for queue in client.read_work_queues(work_pool_name="cpu")
        }
        assert queues | {"default": (1, None)} == {
            "default": (1, None),
            "collect": (1, None),
            "release": (2, 2),
            "backfill": (3, 1),
            "tune": (4, 1),
        }
        backfill = client.read_deployment_by_name("backfill/all")
        assert (backfill.work_queue_name, backfill.schedules) == ("backfill", [])
        study = client.read_deployment_by_name("study/all")
        shipped = load_study(ROOT / "deployments" / "studies" / "ratings.yaml")
        assert Study.model_validate(study.parameters["study"]) == shipped
        (watch,) = client.read_automations_by_name("opentrips, a run whose worker died")
        assert watch.enabled
        deploy(folder)
        assert client.read_automations_by_name(watch.name) == [watch]
        release = client.read_deployment_by_name("release/north")
        only = DeploymentFilter(id=DeploymentFilterId(any_=[release.id]))
        for _ in range(240):
            if runs := client.read_flow_runs(deployment_filter=only):
                break
            time.sleep(0.5)
        assert runs
        zone = load_region(folder / "north.yaml").zone
        for run in runs:
            assert run.expected_start_time is not None
            assert run.expected_start_time.astimezone(zone).time() == dt.time(0, 20)


def test_without_a_server_nothing_is_deployed(folder: Path) -> None:
    with (
        temporary_settings(restore_defaults={PREFECT_API_URL}),
        pytest.raises(DeployError, match="deploy needs a Prefect server: start one"),
    ):
        deploy(folder)


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("docker", "--code docker: write checkout, image, or git:URL@BRANCH"),
        ("git:https://example.org/x.git", "write checkout, image, or git:URL@BRANCH"),
        ("image:x@y", "write checkout, image, or git:URL@BRANCH"),
    ],
)
def test_code_that_is_nowhere_is_refused(
    code: str, fault: str, folder: Path, prefect_api: str
) -> None:
    with pytest.raises(DeployError, match=fault):
        deploy(folder, code)


def test_a_folder_without_regions_or_with_a_wrong_one_is_refused(
    folder: Path, tmp_path: Path, prefect_api: str
) -> None:
    with pytest.raises(RegionError, match=r"no region files"):
        deploy(tmp_path)
    (folder / "north.yaml").write_text("id: north")
    with pytest.raises(RegionError, match=r"north\.yaml: name: "):
        deploy(folder)
    shutil.copy(folder / "south.yaml", folder / "north.yaml")
    with pytest.raises(RegionError, match="two files have one region id"):
        deploy(folder)


def test_code_of_a_git_repository_is_cloned_by_the_pull_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefect_api: str
) -> None:
    repository = tmp_path / "code"
    (repository / "flows").mkdir(parents=True)
    (repository / "flows" / "release.py").write_text("here")
    git = ["git", "-C", str(repository), "-c", "user.name=a", "-c", "user.email=a@b"]
    for arguments in (["init", "-qb", "released"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *arguments], check=True)
    ways = yaml.safe_load((ROOT / "deployments" / "prefect.yaml").read_text())
    steps = pull_steps(ways["definitions"]["code"], f"git:{repository.as_uri()}@released")
    worker = tmp_path / "worker"
    worker.mkdir()
    monkeypatch.chdir(worker)
    cloned = asyncio.run(run_steps(steps))
    assert (worker / cloned["directory"] / "flows" / "release.py").read_text() == "here"
