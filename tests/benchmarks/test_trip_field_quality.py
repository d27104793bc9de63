from dataclasses import fields

import pyarrow as pa
import pytest

from tasks.cities import transit
from tasks.quality.metrics import Closeness
from tests.benchmarks.trip_field_quality import Run, report, runs_of
from tests.benchmarks.trip_net_quality import Day

FIGURES = {field.name: 0.0 for field in fields(Closeness)}
TRIPS = transit.day(200, 1)


def runs(splits: tuple[int, ...], each: int) -> dict[tuple[int, int], Run]:
    days: list[pa.Table] = []

    def run(day: Day) -> Run:
        days.append(day.train)
        return Run({**FIGURES, "auc": 0.5 + len(days) / 100}, 20.0 + len(days), 3.0, 1.0, 9.0)

    found = runs_of("transit", run, TRIPS, (transit.BOX,), splits, each)
    assert all(len(day) == 160 for day in days)
    same = [days[0].equals(day) for day in days]
    assert same == [number < each for number in range(len(days))]
    return found


def test_two_runs_on_three_splits_are_six_of_other_noise_and_have_intervals(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = runs((0, 2, 3), 2)
    assert list(found) == [(0, 0), (0, 1), (2, 2), (2, 3), (3, 4), (3, 5)]
    report("transit", found)
    *each, mean, half, costs = capsys.readouterr().out.splitlines()
    assert [line.split()[:4] for line in each[:2]] == [
        ["split", "0,", "run", "1"],
        ["split", "0,", "run", "2"],
    ]
    assert "0.535" in mean
    assert half.split()[:2] == ["half", "width"]
    assert 0 < float(half.split()[8]) < 0.1  # of the classifier
    assert "6 runs on 3 splits, 23.500 ± " in costs
    assert "gain over uniform 3.00 bits" in costs


def test_fewer_runs_have_means_alone(capsys: pytest.CaptureFixture[str]) -> None:
    report("transit", runs((4,), 2))
    out = capsys.readouterr().out
    assert "±" not in out
    assert "half width" not in out
    assert "2 runs on 1 splits, 21.500 bits per held-out trip" in out
