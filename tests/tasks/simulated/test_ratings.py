from pathlib import Path

import numpy as np
import pytest

from tasks.simulated import RATINGS, ratings
from tasks.tables import from_lines, load_table, to_lines

ROOT = Path(__file__).parents[3]


def test_they_meet_the_shipped_schema() -> None:
    assert load_table(ROOT / "deployments" / "schemas" / "ratings.yaml") == RATINGS
    rows = ratings(3_000, seed=1)
    assert rows.num_rows == 3_000
    assert from_lines(to_lines(rows, RATINGS), RATINGS).equals(rows)


def test_the_seed_decides() -> None:
    assert ratings(500, seed=1).equals(ratings(500, seed=1))
    assert not ratings(500, seed=1).equals(ratings(500, seed=2))


@pytest.mark.parametrize("rows", [0, -1, 1_000_001])
def test_numbers_that_are_not_made(rows: int) -> None:
    with pytest.raises(ValueError, match="from 1 to 1,000,000 can be made"):
        ratings(rows, seed=1)


def test_nobody_rates_a_movie_twice() -> None:
    frame = ratings(50_000, seed=1).to_pandas()
    assert not frame.duplicated(["user", "movie"]).any()


def test_popularity_taste_and_drift_are_in_them() -> None:
    frame = ratings(100_000, seed=2).to_pandas()
    by_movie = frame["movie"].value_counts()
    assert by_movie.iloc[:100].sum() > 0.3 * len(frame)
    by_user = frame["user"].value_counts()
    assert by_user.iloc[:1000].sum() > 0.4 * len(frame)

    years = np.array([day.year for day in frame["date"]])
    sizes = [int((years == year).sum()) for year in range(2000, 2006)]
    assert sizes == sorted(sizes)
    assert frame["rating"][years == 2005].mean() > frame["rating"][years == 2002].mean() + 0.15

    # a user's own mean, and a movie's, tell of the ratings of either half of the rows
    half = np.arange(len(frame)) % 2 == 0
    for column in ("user", "movie"):
        halves = [frame[part].groupby(column)["rating"].mean() for part in (half, ~half)]
        often = frame[column].value_counts()
        known = often.index[often >= 40]
        one, other = (means.reindex(known) for means in halves)
        assert one.corr(other) > 0.5


def test_every_rating_is_given() -> None:
    shares = ratings(50_000, seed=3).to_pandas()["rating"].value_counts(normalize=True)
    assert sorted(shares.index) == [1, 2, 3, 4, 5]
    assert shares.min() > 0.02
    assert shares.idxmax() in (3, 4)
