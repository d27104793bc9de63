import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.quality.errors import QualityError
from tasks.quality.splits import halves, resample, split


def trips_of(rows: int) -> pa.Table:
    return pa.table({"hour": pa.array(range(rows), pa.int32())})


@given(st.integers(0, 50), st.floats(0, 1), st.integers(0, 5))
def test_a_split_parts_the_rows(rows: int, share: float, seed: int) -> None:
    parts = split(trips_of(rows), share, seed)
    assert len(parts[0]) == int(share * rows)
    assert sorted(parts[0]["hour"].to_pylist() + parts[1]["hour"].to_pylist()) == list(range(rows))


@given(st.integers(0, 50), st.integers(0, 5))
def test_halves_are_of_one_size_and_share_no_row(rows: int, seed: int) -> None:
    a, b = (part["hour"].to_pylist() for part in halves(trips_of(rows), seed))
    assert len(a) == len(b) == rows // 2
    assert not set(a) & set(b)


def test_seeds_tell_draws_apart() -> None:
    trips = trips_of(1000)
    assert split(trips, 0.8, 1)[0].equals(split(trips, 0.8, 1)[0])
    assert not split(trips, 0.8, 1)[0].equals(split(trips, 0.8, 2)[0])
    assert not halves(trips, 1)[0].equals(halves(trips, 2)[0])


def test_an_impossible_share_is_refused() -> None:
    for share in (-0.1, 1.1, float("nan")):
        with pytest.raises(QualityError, match="cannot be taken"):
            split(trips_of(10), share, 0)


def test_a_resample_of_nothing_is_nothing() -> None:
    assert len(resample(trips_of(0), 0)) == 0


def test_a_resample_repeats_rows_as_chance_does() -> None:
    drawn = resample(trips_of(10_000), 3)["hour"].to_pylist()
    assert len(drawn) == 10_000
    assert 0.61 < len(set(drawn)) / 10_000 < 0.65  # 1 - 1/e
