"""The search as a user runs it: from the command line, and as a deployment of a server."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from prefect.utilities.callables import parameter_schema

from flows.cli import main
from flows.tune import tune
from tasks.files import Layout, read_manifest, verify_files
from tasks.search import Search, SearchError
from tasks.try_out import runner_of
from tests.flows.conftest import ROOT, Run, command
from tests.flows.test_audit import ended, until
from tests.tasks.tuning.conftest import SMALL, TABLE, stage

WriteSearch = Callable[..., Path]


@pytest.fixture
def write_search(tmp_path: Path) -> WriteSearch:
    """Writes a search's YAML file: the small one with some keys changed."""

    def write(**changes: Any) -> Path:
        path = tmp_path / "small.yaml"
        path.write_text(yaml.safe_dump({**SMALL, **changes}), encoding="utf-8")
        return path

    return write


def finished(data_root: Path) -> dict[str, Any]:
    """The manifest of the finished search."""
    directory = Layout(data_root).search("small")
    manifest = read_manifest(directory)
    assert manifest is not None
    verify_files(directory, manifest)
    return manifest


def records(data_root: Path) -> dict[str, int]:
    found = Layout(data_root).search("small").glob("runs/*/manifest.json")
    return {path.parent.name: path.stat().st_mtime_ns for path in found}


def test_a_search_by_threads_goes_on_and_is_shown(prefect_api: str, data_root: Path) -> None:
    axes = [stage("learning_rate", [0.5]), stage("noise_multiplier", [4.0])]
    stages = [{"axes": [axis for each in axes for axis in each["axes"]]}]
    search = Search.model_validate({**SMALL, "stages": stages, "runner": "threads"})
    made = tune(search)
    assert yaml.safe_load(made["winner"])["synthesizer"]["name"] == "trip_net"
    assert Path(made["page"]).is_file()
    manifest, before = finished(data_root), records(data_root)
    assert len(before) == 1
    shown = requests.get(f"{prefect_api}/artifacts/search-small/latest", timeout=30).json()
    assert shown["type"] == "table"
    assert json.loads(shown["data"]) == manifest["candidates"]
    assert shown["description"].startswith("Search small; candidates: 1, runs rejected early: 0")
    # once more, in processes, which have nothing left to do
    again = tune(search.model_copy(update={"runner": "processes"}))
    assert again["winner"] == made["winner"]
    assert records(data_root) == before


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"stages": [stage("lr", [1])]}, "small.yaml: trip_net has no setting 'lr'; searched can"),
        ({"stages": [stage("steps", [])]}, "small.yaml: stages.0.axes.0: steps has no values;"),
        (
            {"stages": [stage("epsilon", [1.0, 1e-6])]},
            "search small: no noise multiplier up to 100000 keeps epsilon 1e-06 at delta 1e-06",
        ),
        (
            {"data": {"kind": "released", "releases": ["data/private/town/trips/2026-05-20"]}},
            "lies in the private folder; settings are never searched on private days",
        ),
        (
            {"data": {"kind": "released", "releases": ["data/releases/town/2026-05-20/r1"]}},
            "no release there; name the folder of a published revision",
        ),
        (
            {"runner": "dask", "scheduler": "tcp://127.0.0.1:9"},
            "search small: no Dask scheduler answers at tcp://127.0.0.1:9; start one, or remove",
        ),
    ],
)
def test_wrong_searches_give_one_line_before_anything_runs(
    changes: dict[str, Any],
    said: str,
    write_search: WriteSearch,
    prefect_api: str,
    data_root: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["tune", str(write_search(**changes))]) == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("opentrips: ")
    assert said in line
    assert records(data_root) == {}


def test_a_runner_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prefect_dask", None)
    search = Search.model_validate({**SMALL, "runner": "dask"})
    with pytest.raises(SearchError, match="install it, or take processes"):
        runner_of(search)


def test_the_form_of_the_deployment_is_readable() -> None:
    schema = parameter_schema(tune.fn)
    assert schema.required == ["search"]
    definitions = schema.definitions
    assert {"Search", "Stage", "Axis", "Rejection", "TripNet", "TripField"} <= set(definitions)
    form = definitions["Search"]["properties"]
    assert all(facts.get("description") for facts in form.values() if "$ref" not in facts)
    assert form["parallel"]["description"].endswith("At least 1, at most 512.")
    assert [{*kind} for kind in form["data"]["anyOf"]] == [{"$ref"}] * 3
    assert "learning_rate" in definitions["Axis"]["properties"]["setting"]["enum"]
    assert definitions["Stage"]["properties"]["choose"]["enum"] == ["best", "last_valid"]


@pytest.mark.slow
def test_a_search_from_the_command_line_in_processes(
    opentrips: Run, write_search: WriteSearch, data_root: Path
) -> None:
    path = write_search()
    run = opentrips("tune", path)
    assert run.returncode == 0, run.stderr
    manifest = finished(data_root)
    *winner, page = run.stdout.splitlines()
    chosen = yaml.safe_load("\n".join(winner))
    assert chosen["synthesizer"]["learning_rate"] in (0.05, 0.5)
    assert page == str(Layout(data_root).search("small") / "index.html")
    assert [row["outcome"] for row in manifest["candidates"]].count("chosen") == 1
    again = opentrips("tune", path)
    assert "2 runs, 2 of them finished before" in again.stderr
    rejecting = write_search(rejection={"least_valid": 1.0, "rows": 200})
    run = opentrips("tune", rejecting)
    assert run.returncode == 1
    assert "a stage left nothing whose rows are valid; search elsewhere" in run.stderr
    assert "of rows valid after 2 of 10 steps, under 100.0%" in run.stderr


@pytest.mark.slow
def test_a_search_by_a_dask_cluster_of_its_own(
    opentrips: Run, tmp_path: Path, data_root: Path
) -> None:
    path = tmp_path / "table.yaml"
    path.write_text(yaml.safe_dump({**TABLE, "name": "small", "runner": "dask"}))
    run = opentrips("tune", path)
    assert run.returncode == 0, run.stderr
    assert "4 runs, 0 of them finished before" in run.stderr
    assert "4 of 4 runs" in run.stderr
    for noise in ("Warning", "Task run", "Traceback", "distributed"):
        assert noise not in run.stderr
    assert len(records(data_root)) == 4
    assert len(finished(data_root)["candidates"]) == 4


@pytest.mark.slow
def test_a_search_by_dask_that_was_killed_goes_on(
    environment: dict[str, str], opentrips: Run, tmp_path: Path, data_root: Path
) -> None:
    path = tmp_path / "table.yaml"
    path.write_text(yaml.safe_dump({**TABLE, "name": "small", "runner": "dask", "parallel": 1}))
    with (tmp_path / "log").open("wb") as log:
        killed = subprocess.Popen(
            command("tune", path),
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        until(lambda: records(data_root) or None, seconds=200)
        os.killpg(killed.pid, signal.SIGKILL)  # its workers, too
        killed.wait()
    before = records(data_root)
    assert 0 < len(before) < 4
    run = opentrips("tune", path)
    assert run.returncode == 0, run.stderr
    assert f"4 runs, {len(before)} of them finished before" in run.stderr
    after = records(data_root)
    assert len(after) == 4
    assert {key: after[key] for key in before} == before


@pytest.mark.slow
def test_a_search_by_workers_of_a_running_scheduler(
    prefect_api: str, data_root: Path, tmp_path: Path
) -> None:
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        address = cluster.scheduler_address
        search = Search.model_validate(
            {**TABLE, "name": "small", "runner": "dask", "scheduler": address}
        )
        assert yaml.safe_load(tune(search)["winner"])["synthesizer"]["name"] == "char_lstm"
        assert len(cluster.scheduler.workers) == 2
    assert len(records(data_root)) == 4
    # the workers reported to the server of this run
    found = requests.post(f"{prefect_api}/task_runs/filter", json={}, timeout=30).json()
    names = [run["name"] for run in found]
    assert sum(name.startswith("try-ratings-1-") for name in names) >= 4


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_search_as_a_deployment(
    environment: dict[str, str], prefect_server: str, data_root: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "regions"
    folder.mkdir()
    demo = (ROOT / "deployments" / "regions" / "demo.yaml").read_text()
    (folder / "demo.yaml").write_text(demo)
    environment = {**environment, "PREFECT_WORKER_QUERY_SECONDS": "1", "PYTHONPATH": str(ROOT)}
    deployed = subprocess.run(
        command("deploy", folder),
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert deployed.returncode == 0, deployed.stderr
    found = requests.get(f"{prefect_server}/deployments/name/tune/all", timeout=30).json()
    assert (found["work_pool_name"], found["work_queue_name"]) == ("cpu", "tune")
    shipped = ROOT / "deployments" / "searches" / "trip_net.yaml"
    assert found["parameters"]["search"] == Search.model_validate(
        yaml.safe_load(shipped.read_text())
    ).model_dump(mode="json")
    with working(environment, tmp_path / "worker.log"):
        made = requests.post(
            f"{prefect_server}/deployments/{found['id']}/create_flow_run",
            json={"parameters": {"search": SMALL}, "state": {"type": "SCHEDULED"}},
            timeout=30,
        ).json()
        state = until(lambda: ended(prefect_server, made["id"]), seconds=600)
    assert state["type"] == "COMPLETED", (tmp_path / "worker.log").read_text()[-4000:]
    assert len(finished(data_root)["candidates"]) == 2


@contextmanager
def working(environment: dict[str, str], log: Path) -> Iterator[None]:
    """A worker of the tune queue until the block ends."""
    arguments = ["-m", "prefect", "worker", "start", "--pool", "cpu", "--work-queue", "tune"]
    with log.open("wb") as file:
        worker = subprocess.Popen(
            [sys.executable, *arguments], cwd=ROOT, env=environment, stdout=file, stderr=file
        )
    try:
        yield
    finally:
        worker.terminate()
        worker.wait(60)
