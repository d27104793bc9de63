from dataclasses import asdict

import pyarrow as pa
import pytest

from tasks.quality.errors import QualityError
from tasks.quality.histograms import ORIGINS_1KM, PAIRS_1KM, total_variation
from tasks.quality.intervals import intervals
from tasks.quality.runs import CHOICE_SPLITS, REPORTED_SPLITS, runs_of
from tasks.quality.splits import resample, split
from tests.tasks.quality.conftest import MakeTrips


def test_choices_are_made_on_other_splits_than_those_reported() -> None:
    assert not set(CHOICE_SPLITS) & set(REPORTED_SPLITS)


def test_every_seed_runs_on_every_split(make_trips: MakeTrips) -> None:
    trips = make_trips(100, 1)
    seen: list[tuple[pa.Table, pa.Table, int]] = []

    def measure(train: pa.Table, held_out: pa.Table, seed: int) -> dict[str, float]:
        seen.append((train, held_out, seed))
        return {"rows": len(train)}

    runs = runs_of(trips, measure, splits=(4, 7), seeds=(1, 2, 3))
    assert runs["split"].to_pylist() == [4, 4, 4, 7, 7, 7]
    assert runs["seed"].to_pylist() == [1, 2, 3] * 2 == [seed for _, _, seed in seen]
    for row, number in ((0, 4), (5, 7)):
        assert seen[row][:2] == split(trips, 0.8, number)


def test_a_perfect_model_is_placed_between_a_copy_and_another_day(make_trips: MakeTrips) -> None:
    """From a day to intervals: independent draws from the rows themselves."""

    def measure(train: pa.Table, held_out: pa.Table, seed: int) -> dict[str, float]:
        drawn = resample(train, seed)
        return {
            "origins": total_variation(train, drawn, ORIGINS_1KM),
            "pairs": total_variation(train, drawn, PAIRS_1KM),
            "held out": total_variation(train, held_out, ORIGINS_1KM),
        }

    found = intervals(runs_of(make_trips(1000, 1), measure))
    assert list(found) == ["origins", "pairs", "held out"]
    assert 0 < found["origins"].low < found["origins"].high < found["held out"].low
    assert found["origins"].high < found["pairs"].low
    assert asdict(found["origins"])["runs"] == 15


def test_runs_that_differ_in_their_figures_are_refused(make_trips: MakeTrips) -> None:
    trips = make_trips(20, 1)
    with pytest.raises(QualityError, match="the same figures"):
        runs_of(trips, lambda train, held_out, seed: {f"figure {seed}": 1.0})
    with pytest.raises(QualityError, match="there must be one run"):
        runs_of(trips, lambda train, held_out, seed: {}, splits=())
