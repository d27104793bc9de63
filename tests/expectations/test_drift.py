from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from expectations.drift import figures, total_variation
from expectations.release import check
from expectations.suite import failures_of
from tasks.region import Region

Rows = Callable[..., pd.DataFrame]
N = 2_000
MULTIPLE = "as a multiple of that of earlier days"
DISTANCE = "total variation distance of {} from earlier days"


def reasons(frame: pd.DataFrame, region: Region, earlier: list[pd.DataFrame]) -> list[str]:
    failures = failures_of(check(frame, region, len(frame), earlier))
    assert {failure.severity for failure in failures} <= {"warning"}
    return [failure.column or "" for failure in failures]


def far(frame: pd.DataFrame) -> pd.DataFrame:
    """Every trip about twice as long."""
    latitude = frame["origin_latitude"]
    there = (latitude + 2 * (frame["destination_latitude"] - latitude)).clip(upper=52.5)
    metres = frame["distance_m"] * (there - latitude) / (frame["destination_latitude"] - latitude)
    return frame.assign(destination_latitude=there, distance_m=metres)


def moved(frame: pd.DataFrame) -> pd.DataFrame:
    """Every trip 5 km further south and west, as if the city had gone there."""
    south = {
        f"{end}_latitude": frame[f"{end}_latitude"] - 0.05 for end in ("origin", "destination")
    }
    west = {
        f"{end}_longitude": frame[f"{end}_longitude"] - 0.05 for end in ("origin", "destination")
    }
    return frame.assign(**south, **west)


def evening(frame: pd.DataFrame) -> pd.DataFrame:
    """Two of three trips twelve hours later, if they were in the morning."""
    late = (frame["hour"] < 12) & (frame.index % 3 != 0)
    return frame.assign(hour=frame["hour"].where(~late, frame["hour"] + 12).astype("int8"))


def eastern(frame: pd.DataFrame) -> pd.DataFrame:
    """Three of four trips of the western town are in the eastern one, at the same place of it."""
    east = (frame["area"] == "west") & (frame.index % 4 != 0)
    shift = {
        f"{end}_longitude": frame[f"{end}_longitude"] + np.where(east, 0.4, 0.0)
        for end in ("origin", "destination")
    }
    return frame.assign(area=frame["area"].where(~east, "east"), **shift)


def shrunk(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.head(300)


CHANGES: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], list[str]]] = {
    "a day like the others": (pd.DataFrame.copy, []),
    "a shrunk day": (shrunk, [f"number of rows, {MULTIPLE}"]),
    "another clock": (evening, [DISTANCE.format("hours")]),
    "one town over the other": (
        eastern,
        [
            DISTANCE.format("areas"),
            DISTANCE.format("origins on a grid of 0.05 degrees"),
        ],
    ),
    "a shifted city": (moved, [DISTANCE.format("origins on a grid of 0.05 degrees")]),
    "longer trips": (
        far,
        [f"{share} quantile of distance_m, {MULTIPLE}" for share in ("25%", "50%", "90%")],
    ),
}


@pytest.mark.parametrize("days", [1, 4])
@pytest.mark.parametrize("change", CHANGES)
def test_a_day_that_differs_is_warned_of(
    change: str, days: int, region: Region, release_rows: Rows
) -> None:
    alter, broken = CHANGES[change]
    earlier = [release_rows(N + 50 * seed, seed) for seed in range(days)]
    assert reasons(alter(release_rows(N)), region, earlier) == broken


def test_days_that_differ_among_themselves_allow_more(region: Region, release_rows: Rows) -> None:
    plain = [release_rows(N, seed) for seed in range(4)]
    varied = [*plain[:2], *map(evening, plain[2:])]
    late = evening(release_rows(N))
    assert reasons(late, region, plain) == [DISTANCE.format("hours")]
    assert reasons(late, region, varied) == []
    assert reasons(release_rows(400), region, [*plain, release_rows(600)]) == []


def test_on_a_first_day_or_of_few_rows_there_is_nothing_to_compare(release_rows: Rows) -> None:
    assert figures(release_rows(N), []) == []
    assert figures(release_rows(99), [release_rows(N)]) == []
    assert figures(release_rows(N), [release_rows(99)]) == []
    assert len(figures(release_rows(N), [release_rows(99), release_rows(100)])) == 7


COUNTS = st.dictionaries(st.integers(0, 23), st.integers(1, 1_000), min_size=1).map(pd.Series)


@given(COUNTS, COUNTS)
def test_total_variation_is_a_distance_of_distributions(
    one: "pd.Series[int]", other: "pd.Series[int]"
) -> None:
    distance = total_variation(one, other)
    assert 0 <= distance <= 1 + 1e-12
    assert distance == pytest.approx(total_variation(other, one), abs=1e-12)
    assert total_variation(one, 3 * one) == pytest.approx(0, abs=1e-12)
    apart = other.set_axis(other.index + 24)
    assert total_variation(one, apart) == pytest.approx(1)


@pytest.mark.parametrize("n", [100, 400, 10_000])
def test_days_of_one_distribution_are_seldom_warned_of(n: int) -> None:
    rng = np.random.default_rng(n)
    shares = rng.dirichlet(np.full(24, 2.0))

    def day() -> pd.DataFrame:
        return pd.DataFrame(
            {
                "area": "town",
                "hour": rng.choice(24, n, p=shares),
                "latitude": rng.normal(52.4, 0.05, n),
                "longitude": rng.normal(10.5, 0.08, n),
            }
        )

    broken = 0
    for _ in range(20):
        for days in (1, 5):
            found = figures(day(), [day() for _ in range(days)])
            broken += sum(figure.value > figure.at_most for figure in found)
    assert broken <= 1
