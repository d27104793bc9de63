"""Each guarantee that a region can choose, from the private trips to the published day."""

import functools
import json
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from tasks.check import check_release
from tasks.files import Layout
from tasks.generate import generate
from tasks.privacy import counts
from tasks.privacy.ledger import Ledger
from tasks.publish import publish
from tasks.region import Region
from tasks.synthesis import plan
from tasks.synthesis.errors import DaySizeError
from tasks.synthesis.trip_field import load_measurements
from tasks.train import train
from tests.tasks.derived_day import DAY, region_with, write_sealed, write_trips

TRIPS = 717
OFFSET = 45
"""What the noise of a count is in these tests, so that the noisy count is never the true one."""
NET = {"name": "trip_net", "levels": 1, "hidden_units": 8, "steps": 10, "reserve_steps": 4}
FIELD = {"name": "trip_field", "steps": 10}
SYNTHESIZERS = [
    pytest.param(FIELD, id="trip_field"),
    pytest.param(NET, id="trip_net", marks=pytest.mark.slow),
]
STEPS = {"trip_net": (10, 14), "trip_field": (1, 1)}
"""Steps started and allowed, but for the count."""
SECOND = {"unit": "trip", "adjacency": "add_remove"}
THIRD = {"unit": "vehicle_day", "adjacency": "add_remove", "max_trips_per_vehicle": 2}


class StillNoise:
    """The noise of a count, held still."""

    def laplace(self, scale: object, size: int) -> NDArray[np.int64]:
        return np.full(size, OFFSET)


@pytest.fixture(scope="module")
def make_plan() -> Callable[..., Any]:
    """Plans, each solved for once."""
    return functools.cache(plan.make_plan)


@pytest.fixture(autouse=True)
def layout(
    data_root: Path,
    tasks_alone: None,
    make_plan: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> Layout:
    monkeypatch.setattr(plan, "make_plan", make_plan)
    monkeypatch.setattr(counts, "DiscreteNoise", StillNoise)
    layout = Layout(data_root)
    write_trips(layout, TRIPS, trips_per_vehicle=3)
    write_sealed(layout)
    return layout


def release(region: Region) -> tuple[dict[str, Any], Path]:
    """Train, forget the private trips, and publish."""
    train(region, DAY)
    (Layout.from_environment().trips("demo", DAY) / "trips.parquet").unlink()
    generate(region, DAY)
    check_release(region, DAY)
    published = publish(region, DAY)
    return published["manifest"], Path(published["page"]).parent


def numbers_in(directory: Path) -> set[str]:
    """Every number in the text files of a directory."""
    text = "".join(
        path.read_text("utf-8") for path in directory.iterdir() if path.suffix in (".json", ".md")
    )
    told = re.sub(r"\b[0-9a-f]{32,64}\b", "", text.replace(",", ""))  # hashes hold any number
    return set(re.findall(r"(?<![\d.])\d+(?![\d.])", told))


def distinct_values(directory: Path) -> set[str]:
    """How many values each column of the noisy rows has: any number may be among these."""
    return {str(number) for number in pd.read_parquet(directory / "trips.parquet").nunique()}


@pytest.mark.parametrize("synthesizer", SYNTHESIZERS)
def test_rule_8_rows_are_made_and_checked_without_the_private_trips(
    layout: Layout, synthesizer: dict[str, Any]
) -> None:
    manifest, directory = release(region_with(synthesizer=synthesizer))
    assert manifest["rows"] == pq.read_metadata(directory / "trips.parquet").num_rows == TRIPS
    assert manifest["mechanism"]["count"] is None
    more = {"intervals.parquet", "measurements.parquet", "field.npz", "field.json", "sampler.pyz"}
    assert (set(manifest["files"]) & more == more) is (synthesizer["name"] == "trip_field")


def test_the_published_counts_are_those_that_were_stored_and_their_noise_is_told(
    layout: Layout,
) -> None:
    manifest, directory = release(region_with(synthesizer=FIELD))
    counts = pq.read_table(directory / "measurements.parquet")
    noise = {
        table["name"]: float(Fraction(table["sigma"])) / table["multiplier"]
        for table in manifest["mechanism"]["tables"]
    }
    told = set(zip(counts["counted"].to_pylist(), counts["stddev"].to_pylist(), strict=True))
    assert told == set(noise.items())
    hours = counts.filter(pc.field("counted") == "hours")["count"].to_numpy()
    stored = load_measurements(layout.model("demo", DAY)).estimate("hours")[0]
    assert hours.tolist() == stored.tolist()
    assert abs(hours.sum() - TRIPS) < 5 * noise["hours"] * len(hours) ** 0.5


@pytest.mark.parametrize("synthesizer", SYNTHESIZERS)
@pytest.mark.parametrize(("guarantee", "used"), [(SECOND, TRIPS), (THIRD, 478)])
def test_rule_5_the_number_of_trips_leaves_as_a_noisy_count_only(
    layout: Layout,
    guarantee: dict[str, Any],
    used: int,
    synthesizer: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    region = region_with(guarantee=guarantee, synthesizer=synthesizer)
    with caplog.at_level("INFO"):
        manifest, directory = release(region)
    assert manifest["rows"] == used + OFFSET
    assert pq.read_metadata(directory / "trips.parquet").num_rows == used + OFFSET
    assert manifest["guarantee"] == region.guarantee.model_dump()
    assert manifest["mechanism"]["count"]["sensitivity"] == region.guarantee.trips_per_unit
    if synthesizer["name"] == "trip_field":
        assert manifest["mechanism"]["trips_per_unit"] == region.guarantee.trips_per_unit
    assert manifest["accountant"]["epsilon_pld"] <= 1.0
    with Ledger(layout.ledger) as ledger:
        (charge,) = ledger.charges()
    started, allowed = STEPS[synthesizer["name"]]
    assert (charge.state, charge.steps_started) == ("trained", 1 + started)
    assert charge.steps_allowed == 1 + allowed
    private = {str(number) for number in (TRIPS, used, 239, TRIPS + 40)}  # vehicles, moves
    assert not private & (numbers_in(directory) - distinct_values(directory))
    assert not private & numbers_in(layout.model("demo", DAY))
    told = [line.getMessage() for line in caplog.records if line.name.startswith("prefect.task")]
    assert len(told) > 4
    said = " ".join(told) + json.dumps(charge.mechanism)
    assert not private & set(re.findall(r"\b\d+\b", said))


@pytest.mark.slow
def test_rule_10_a_day_refused_by_its_noisy_count_was_charged_and_is_not_counted_again(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = {"min_per_day": TRIPS + OFFSET + 1}
    region = region_with(guarantee=SECOND, synthesizer=FIELD, trips=rules)
    with pytest.raises(DaySizeError, match="762 trips by the noisy count, whose charge stands"):
        train(region, DAY)
    monkeypatch.setattr(StillNoise, "laplace", lambda self, scale, size: np.full(size, 90))
    with pytest.raises(DaySizeError, match="762 trips"):
        train(region, DAY)
    with Ledger(layout.ledger) as ledger:
        (charge,) = ledger.charges()
    assert charge.steps_started == 1
    laxer = region_with(guarantee=SECOND, synthesizer=FIELD)
    assert train(laxer, DAY)["rows"] == TRIPS + OFFSET
