import datetime as dt
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from flows.backfill import backfill
from flows.cli import main
from infra.replay import ReplayServer, city_day
from tasks.files import Layout
from tasks.journal import Journal
from tasks.region import load_region
from tests.flows.conftest import DAY, Run
from tests.tasks.journal.conftest import poll, sightings

ONE = dt.timedelta(days=1)


@pytest.fixture
def thin(write_region: Callable[..., Path], layout: Layout) -> Path:
    """A region of whose day an hour was collected, which its rule on coverage refuses."""
    path = write_region(time_zone="UTC")
    region = load_region(path)
    with Journal(layout.journal("test", "feed"), "test", "feed", region.zone) as journal:
        for minute in range(60):
            journal.append(poll(minute, 2), sightings(["a", "b"], minute))
    return path


@pytest.fixture
def layout(data_root: Path) -> Layout:
    return Layout(data_root)


def run(
    regions: Path, first: dt.date, last: dt.date, dry_run: bool = False
) -> tuple[str, list[dict[str, Any]]]:
    """Backfill these days here; the run's message and its rows."""
    state = backfill(first, last, (str(regions),), dry_run, releases="here", return_state=True)
    rows = state.result(raise_on_failure=False)
    assert isinstance(rows, list)
    assert state.is_failed() == any(row["outcome"] == "failed" for row in rows)
    return str(state.message), rows


@pytest.mark.usefixtures("prefect_api")
def test_every_day_is_accounted_for_and_none_stops_another(
    thin: Path, layout: Layout, prefect_api: str
) -> None:
    day = dt.date.fromisoformat(DAY)
    message, rows = run(thin, day - ONE, day, dry_run=True)
    assert message == (
        "2 days: 1 skipped, 1 would release; 1 would be charged, at most epsilon 1 a day"
    )
    assert [(row["outcome"], row["reason"]) for row in rows] == [
        ("skipped", "nothing collected"),
        ("would release", "collected, not charged"),
    ]
    future = dt.datetime.now(dt.UTC).date() + ONE
    assert [row["reason"] for row in run(thin, future, future)[1]] == ["not over"]
    assert not layout.sightings("test", day).exists()  # looking makes none
    message, rows = run(thin, day - ONE, day)
    assert message == "2 days: 1 refused, 1 skipped"
    refused = rows[1]
    assert refused["outcome"] == "refused"
    assert refused["reason"].startswith(f"test {DAY} is not published, its capture fails: ")
    assert (refused["charged"], refused["burned"]) == (0, 0)
    found = requests.post(
        f"{prefect_api}/artifacts/filter",
        json={"artifacts": {"key": {"any_": ["backfill"]}}, "sort": "UPDATED_DESC"},
        timeout=30,
    ).json()
    assert refused in [row for artifact in found for row in json.loads(artifact["data"])]
    assert run(thin, day, day, dry_run=True)[1][0]["reason"].startswith("refused before: test")


@pytest.mark.usefixtures("prefect_api")
def test_a_region_whose_data_are_broken_stops_no_other(
    thin: Path, layout: Layout, tmp_path: Path
) -> None:
    folder = tmp_path / "two"
    folder.mkdir()
    for name in ("broken", "test"):
        (folder / f"{name}.yaml").write_text(thin.read_text().replace("id: test", f"id: {name}"))
    day = dt.date.fromisoformat(DAY)
    sealed = layout.sightings("broken", day)
    sealed.mkdir(parents=True)
    (sealed / "manifest.json").write_text("[]")
    message, rows = run(folder, day, day)
    assert message == "2 days: 1 failed, 1 refused"
    assert [row["outcome"] for row in rows] == ["failed", "refused"]
    assert rows[0]["reason"].endswith("not a JSON object; restore it from a backup")


@pytest.mark.slow
def test_days_are_published_in_order_and_the_second_time_nothing_is_done(
    opentrips: Run, write_region: Callable[..., Path], data_root: Path
) -> None:
    days = ["2026-05-20", "2026-05-21"]
    region = write_region()
    for day in days:
        with ReplayServer(city_day(dt.date.fromisoformat(day), vehicles=90, trips=900)) as feed:
            opentrips("collect", region, "--day", day, replay=feed.url)
    arguments = ("backfill", region, "--from", days[0], "--to", days[1])
    said = opentrips(*arguments)
    assert said.returncode == 0, said.stderr
    assert said.stdout.splitlines()[-1] == "2 days: 2 published"
    releases = sorted((data_root / "releases" / "test").glob("*/r1"))
    assert [path.parent.name for path in releases] == days
    before = {path: path.stat().st_mtime_ns for path in releases}
    again = opentrips(*arguments, "--dry-run")
    assert again.stdout.splitlines()[-1] == "2 days: 2 skipped"
    assert opentrips(*arguments).stdout.splitlines()[-1] == "2 days: 2 skipped"
    assert before == {path: path.stat().st_mtime_ns for path in releases}

    # a day that is trained is published from its stored model
    (data_root / "releases" / "test" / days[1]).rename(data_root / "withdrawn")
    said = opentrips(*arguments)
    assert "from its stored model" in said.stdout
    assert said.stdout.splitlines()[-1] == "2 days: 1 published, 1 skipped"


@pytest.mark.usefixtures("prefect_api", "layout")
@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["--from", "2026-05-02", "--to", "2026-05-01"],
            "the last day, 2026-05-01, is before the first, 2026-05-02; exchange them",
        ),
        (["--from", "2026-05-02"], "the following arguments are required: --to"),
        (["--from", "May", "--to", "2026-05-01"], "'May' is no date; write YYYY-MM-DD"),
        (["--from", DAY, "--to", DAY, "--parallel", "0"], "invalid choice: 0"),
    ],
)
def test_wrong_ranges_give_one_line(
    arguments: list[str],
    line: str,
    write_region: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    with suppress(SystemExit):  # of argparse, with its status
        assert main(["backfill", str(write_region()), *arguments]) == 1
    assert line in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.usefixtures("prefect_api", "layout")
def test_a_folder_without_regions_gives_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["backfill", str(tmp_path), "--from", DAY, "--to", DAY]) == 1
    assert "no region files (*.yaml) in it" in capsys.readouterr().err.splitlines()[-1]


def test_the_form_of_the_deployment_is_readable() -> None:
    from prefect.utilities.callables import parameter_schema

    schema = parameter_schema(backfill.fn)
    assert schema.required == ["first", "last"]
    form = schema.properties
    assert {facts["type"] for facts in form.values()} == {"string", "array", "boolean", "integer"}
    assert (form["parallel"]["minimum"], form["parallel"]["maximum"]) == (1, 16)
    assert form["releases"]["enum"] == ["by their deployments", "here"]
    assert [form[name]["format"] for name in schema.required] == ["date", "date"]
    assert all(facts["description"] for facts in form.values())
