import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.replay import ReplayServer, city_day
from tests.flows.conftest import DAY, Run

GUARANTEES = {
    "trips": {"unit": "trip", "adjacency": "add_remove"},
    "vehicles": {"unit": "vehicle_day", "adjacency": "add_remove", "max_trips_per_vehicle": 4},
}


@pytest.mark.slow
@pytest.mark.parametrize("units", GUARANTEES)
def test_a_simulated_day_is_published_with_a_noisy_number_of_rows(
    units: str, opentrips: Run, write_region: Callable[..., Path], data_root: Path
) -> None:
    city = city_day(dt.date.fromisoformat(DAY), vehicles=90, trips=900)
    with ReplayServer(city) as feed:
        region = write_region(guarantee=GUARANTEES[units])
        run = opentrips("run", region, "--day", DAY, replay=feed.url)
    assert run.returncode == 0, run.stderr
    release = Path(run.stdout.splitlines()[-1]).parent
    public = json.loads((release / "manifest.json").read_bytes())
    measured = data_root / "private" / "test" / "model" / DAY / "measured.json"
    private = json.loads((data_root / "private/test/trips" / DAY / "manifest.json").read_bytes())
    assert public["rows"] == json.loads(measured.read_bytes())["count"]
    assert abs(public["rows"] - private["trips"]) < 40 * 80
    card = (release / "README.md").read_text(encoding="utf-8")
    assert "How many trips the day had is private" in card
    assert ("one vehicle did on this day" in card) == (units == "vehicles")
