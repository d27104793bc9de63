"""How often a release is warned of for being unlike those before it, on days that are as they were.

    python -m tests.benchmarks.release_warnings

Days of `tasks.cities.month`, a city with weekdays, drift and one fair, each measured at epsilon
0.666, fitted alone or with what is carried from the days before, and compared with the releases
before it as `check_release` compares them. Alone each release has all of its own noise, so this is
the harder case for bounds that ought to be silent.
"""

import argparse
import datetime as dt
from collections import defaultdict

import numpy as np
import pandas as pd

from expectations import drift
from expectations.figures import Figure
from tasks.cities import month
from tasks.region import Guarantee
from tasks.release.past import MOST_DAYS, comparable_days
from tasks.synthesis.trip_field import Evidence, FieldSettings, advanced, make_plan, measure
from tasks.synthesis.trip_field.fit import fit
from tasks.synthesis.trip_field.sampling import sample

GUARANTEE = Guarantee(epsilon=0.666, delta=6.53e-7)
MONDAY = dt.date(2026, 6, 1)
"""The date of day 0."""


def released(days: int, trips: int, seed: int, *, carried: bool) -> dict[dt.date, pd.DataFrame]:
    """The rows of so many releases, by day."""
    found, state = {}, None
    for number in range(days):
        day, real = MONDAY + dt.timedelta(number), month.day_of_month(number, trips, seed)
        plan = make_plan((month.BOX,), len(real), GUARANTEE, FieldSettings())
        measurements = measure(real, plan)
        evidence, state = advanced(state, measurements, day)
        field = fit(plan, evidence if carried else Evidence.of(measurements))
        found[day] = sample(field, plan.rows, np.random.default_rng()).to_pandas()
    return found


def compared(rows: dict[dt.date, pd.DataFrame]) -> dict[dt.date, list[Figure]]:
    """The figures of every day against the days before it."""
    return {
        day: drift.figures(frame, [rows[past] for past in comparable_days(rows, day)[:MOST_DAYS]])
        for day, frame in rows.items()
    }


def warns(figure: Figure) -> bool:
    """Whether a figure is outside its bounds."""
    return not (figure.at_least or 0) <= figure.value <= figure.at_most


def report(found: dict[dt.date, list[Figure]]) -> None:
    """Print for each figure its median value and bound, and the days that it warns of."""
    by_name: dict[str, list[tuple[dt.date, Figure]]] = defaultdict(list)
    for day, figures in found.items():
        for figure in figures:
            by_name[figure.name].append((day, figure))
    for name, each in by_name.items():
        values, bounds = ([f.value for _, f in each], [f.at_most for _, f in each])
        days = [f"{day:%a %d}" for day, figure in each if warns(figure)]
        print(
            f"  {name:70s} median {np.median(values):.3f}, bound {np.median(bounds):.3f}, "
            f"{len(days)} of {len(each)} days warned of: {', '.join(days) or 'none'}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--days", type=int, default=month.DAYS)
    parser.add_argument("--trips", type=int, default=1_000, help="trips of the first day")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--carried", action="store_true", help="fit with the days before")
    arguments = parser.parse_args()
    rows = released(arguments.days, arguments.trips, arguments.seed, carried=arguments.carried)
    print(f"{arguments.days} days of about {arguments.trips:,} trips, the fair on", end=" ")
    print(f"{MONDAY + dt.timedelta(month.FAIR_DAY):%a %d}")
    report(compared(rows))


if __name__ == "__main__":
    main()
