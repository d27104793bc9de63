from dataclasses import replace

import numpy as np
import pytest

from tasks.synthesis.trip_field import FieldSettings
from tasks.synthesis.trip_field.targets import COARSE, FINE, KINDS, Kind
from tests.benchmarks.interval_coverage import (
    CITIES,
    Held,
    by_rows,
    days,
    joined,
    line,
    looked_at,
)
from tests.conftest import Show

FLOWS = [Kind("flows", FINE), Kind("flows", COARSE)]


@pytest.mark.slow
def test_a_fit_of_ten_steps_has_intervals_and_most_hold(show: Show) -> None:
    """It is no good fit, but most intervals of its flows hold, and not by being endless."""
    day = looked_at(CITIES[0], 3_000, 1, FieldSettings(steps=10))
    show("intervals after ten steps", [line(f"{k.counted} {k.grid or ''}", day[k]) for k in KINDS])
    for kind, least in zip(FLOWS, (0.8, 0.5), strict=True):
        held = day[kind]
        assert least < held.is_held.mean() < 1
        assert np.median(held.width) < 40
        shifted = replace(held, true=held.true + 2 * held.width)
        assert shifted.is_held.mean() == 0


def test_equal_numbers_of_rows_stay_together() -> None:
    rows = np.repeat([1, 2, 5, 9], [50, 30, 15, 5])
    held = Held(rows, rows, rows - 1, rows + 1, np.full(100, 3))
    groups = dict(by_rows(held))
    assert sum(len(group.rows) for group in groups.values()) == 100
    assert all(len(group.rows) for group in groups.values())
    assert set(groups["1"].rows) == {1}


@pytest.mark.slow
def test_intervals_hold_nine_of_ten(show: Show) -> None:
    """Six days of cities that no constant was chosen on; the benchmark looks at more."""
    found = [looked_at(*day) for day in days(6)]
    lines = []
    for kind in KINDS:
        held = joined([each[kind] for each in found])
        lines.append(line(f"{kind.counted} {kind.grid or ''}", held))
        assert np.median(held.width / held.noise) < 2
        groups = dict(by_rows(held)) if kind in FLOWS else {"all": held}
        for name, group in groups.items():
            lines += [line(name, group)] if kind in FLOWS else []
            error = 2 * np.sqrt(0.09 / len(group.rows))
            assert 0.85 - error < group.is_held.mean() < 0.95 + error, f"{kind}, {name}"
    show("coverage of 90 % intervals", lines)
