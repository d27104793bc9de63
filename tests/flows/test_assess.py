"""The quality report as a user asks for it from the command line."""

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.cli import main
from infra.replay import ReplayServer, city_day
from tests.flows.conftest import DAY, Run


def test_a_day_that_is_not_published_gives_one_line(
    prefect_api: str,
    data_root: Path,
    write_region: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    for options, said in (
        ((), "region test: no day is published; release a day first"),
        (("--day", DAY), f"region test: {DAY} is not published; release the day first"),
    ):
        assert main(["assess", str(write_region()), *options]) == 1
        assert capsys.readouterr().err.splitlines()[-1] == f"opentrips: {said}"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_published_day_is_assessed_and_stays_as_it_is(
    opentrips: Run, write_region: Callable[..., Path], data_root: Path
) -> None:
    region = write_region(synthesizer={"name": "trip_field"})
    day = dt.date.fromisoformat(DAY)
    with ReplayServer(city_day(day, vehicles=90, trips=900)) as feed:
        run = opentrips("run", region, "--day", DAY, replay=feed.url)
    assert run.returncode == 0, run.stderr
    files = [path for path in (data_root / "releases").rglob("*") if path.is_file()]
    public = {path: path.read_bytes() for path in files}
    ledger = (data_root / "private" / "ledger.sqlite").read_bytes()
    run = opentrips("assess", region)
    assert run.returncode == 0, run.stderr
    said, page = run.stdout.splitlines()[-2:]
    assert said.startswith(f"Assessed Test city, {DAY}. Internal, not publishable: score ")
    report = json.loads((Path(page).parent / "report.json").read_bytes())
    score = report["score"]
    assert score["synthetic"]["overall"] > 80
    assert score["bootstrap"]["overall"] > score["synthetic"]["overall"]
    assert Path(page).is_relative_to(data_root / "private")
    assert [path for path in (data_root / "releases").rglob("*") if path.is_file()] == files
    assert {path: path.read_bytes() for path in files} == public
    assert (data_root / "private" / "ledger.sqlite").read_bytes() == ledger
