"""Ratings of movies that nobody gave, by users that nobody is.

What is known of such tables is in it. A few movies and a few users make most of the ratings
(Zipf's law; log-normal activity). Users rate what suits their taste, and rate it higher. Users
join, rate much at first and ever less. The number of ratings grows over the years, and so does
their mean, with a step early in 2004 (Koren 2009, "Collaborative filtering with temporal
dynamics", on the Netflix ratings, whose columns and period these are).
"""

import datetime as dt
from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.tables import DateColumn, IntegerColumn, PublicTable

MOVIES, USERS = 1_000, 9_999
FIRST, LAST = dt.date(1999, 11, 11), dt.date(2005, 12, 31)
MOST_ROWS = 1_000_000
"""A tenth of all pairs of a movie and a user, of which each rates once."""

RATINGS = PublicTable(
    name="ratings",
    description="One row per rating of a movie by a user.",
    columns=(
        IntegerColumn(name="movie", minimum=1, maximum=MOVIES, description="Number of the movie."),
        IntegerColumn(name="user", minimum=1, maximum=USERS, description="Number of the user."),
        IntegerColumn(name="rating", minimum=1, maximum=5, description="Stars."),
        DateColumn(name="date", minimum=FIRST, maximum=LAST, description="Day of the rating."),
    ),
)

_DAYS = (LAST - FIRST).days + 1
_STEP = (dt.date(2004, 2, 1) - FIRST).days
_GENRES = 3
_CANDIDATES = 8
"""A user takes one of so many popular movies, by taste."""
_STAY_DAYS = 250
"""Mean time from a user's joining to a rating."""

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


def ratings(rows: int, seed: int) -> pa.Table:
    """Simulate ratings; the seed draws movies and users, too.

    Args:
        rows: Number of ratings, from 1 to a million.
        seed: The same seed makes the same table.

    Returns:
        Rows of `RATINGS` in random order; no user rates a movie twice.

    Raises:
        ValueError: If that many ratings are not made.
    """
    if not 1 <= rows <= MOST_ROWS:
        raise ValueError(f"{rows:,} ratings: from 1 to {MOST_ROWS:,} can be made")
    generator = np.random.default_rng(seed)
    world = _World.drawn(generator)
    made = world.rate(2 * rows, generator)
    while len(made) < rows:
        made = _once(np.concatenate([made, world.rate(2 * rows, generator)]))
    movie, user, rating, day = made[:rows].T
    first = np.datetime64(FIRST, "D")
    return pa.Table.from_arrays(
        [pa.array(movie + 1), pa.array(user + 1), pa.array(rating), pa.array(first + day)],
        schema=RATINGS.arrow(),
    )


def _once(made: Whole) -> Whole:
    """The first rating of each movie by each user, in the order in which they were made."""
    _, places = np.unique(made[:, 0] * USERS + made[:, 1], return_index=True)
    return made[np.sort(places)]


@dataclass(frozen=True)
class _World:
    """Movies and users.

    Attributes:
        popularity: Chance of each movie.
        quality: What a movie is rated by a user of no taste.
        genre: Where a movie lies in the space of tastes, shape (movies, genres).
        released: The day from which a movie can be rated.
        activity: Chance of each user.
        kindness: What a user adds to ratings.
        taste: What a user likes, shape (users, genres).
        joined: The first day of a user.
    """

    popularity: Floats
    quality: Floats
    genre: Floats
    released: Whole
    activity: Floats
    kindness: Floats
    taste: Floats
    joined: Whole

    @classmethod
    def drawn(cls, generator: np.random.Generator) -> Self:
        """Draw all movies and users."""
        popularity = 1 / np.arange(5.0, 5 + MOVIES)
        activity = generator.lognormal(0, 1.3, USERS)
        # half of the movies are older than the table; who comes is more from year to year
        released = generator.integers(-_DAYS, _DAYS, MOVIES)
        return cls(
            popularity=generator.permutation(popularity / popularity.sum()),
            quality=generator.normal(3.15, 0.5, MOVIES),
            genre=generator.normal(0, 1, (MOVIES, _GENRES)),
            released=released,
            activity=activity / activity.sum(),
            kindness=generator.normal(0, 0.35, USERS),
            taste=generator.normal(0, 1, (USERS, _GENRES)),
            joined=(_DAYS * np.sqrt(generator.random(USERS))).astype(np.int64),
        )

    def rate(self, rows: int, generator: np.random.Generator) -> Whole:
        """Up to so many ratings: movie, user, rating and day, counted from 0 but the rating."""
        user = generator.choice(USERS, rows, p=self.activity)
        day = self.joined[user] + generator.exponential(_STAY_DAYS, rows).astype(np.int64)
        candidates = generator.choice(MOVIES, (rows, _CANDIDATES), p=self.popularity)
        liking = np.einsum("ng,ncg->nc", self.taste[user], self.genre[candidates])
        drawn = liking / 2 + generator.gumbel(size=liking.shape)
        drawn[self.released[candidates] > day[:, None]] = -np.inf
        best = drawn.argmax(axis=1)[:, None]
        movie = np.take_along_axis(candidates, best, axis=1)[:, 0]
        score = (
            self.quality[movie]
            + self.kindness[user]
            + 0.3 * np.take_along_axis(liking, best, axis=1)[:, 0]
            + 0.1 * day / _DAYS
            + 0.2 * (day >= _STEP)
            + generator.normal(0, 0.85, rows)
        )
        rating = np.clip(np.rint(score), 1, 5).astype(np.int64)
        possible = (day < _DAYS) & (self.released[movie] <= day)
        return _once(np.stack([movie, user, rating, day], axis=1)[possible])
