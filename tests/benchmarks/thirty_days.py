"""How much closer to the day a release gets with the days that stand behind it.

    python -m tests.benchmarks.thirty_days                                   figures only
    python -m tests.benchmarks.thirty_days --plot .readme/thirty-days.svg    and the README's plot

Thirty days of `tasks.cities.month`, a city with weekdays, drift and one fair, each
measured at epsilon 0.666 and fitted twice: with what is carried from the days before, and alone.
Below them the floor: another sample of the same day, of the same size. A release is drawn with less
noise than a sample has, so it may come out below that; the law of the day, of which the day is a
sample, is the floor of those who know everything but the day. Constants were chosen on other seeds.
"""

import argparse
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from tasks.cities import month
from tasks.quality.histograms import HOUR_ORIGINS_5KM, ORIGINS_1KM, PAIRS_5KM, total_variation
from tasks.quality.rows import ends
from tasks.region import Guarantee
from tasks.synthesis.trip_field import Evidence, FieldSettings, advanced, make_plan, measure
from tasks.synthesis.trip_field.fit import fit
from tasks.synthesis.trip_field.measurements import Plan
from tasks.synthesis.trip_field.sampling import sample
from tests.benchmarks.lines import write_panels

GUARANTEE = Guarantee(epsilon=0.666, delta=6.53e-7)
TRIPS = 1_000
FIGURES = {
    "origin-destination, 5 km": PAIRS_5KM,
    "origins, 1 km": ORIGINS_1KM,
    "hour x origin, 5 km": HOUR_ORIGINS_5KM,
}
RELEASES = ("carried", "alone")
FLOORS = ("resampled", "law")
MONDAY = dt.date(2026, 6, 1)
"""The date of day 0."""
LAST = 5
"""Days at the end of the month whose mean is held against the first."""
_LAW = 20  # samples that stand for the law


@dataclass(frozen=True)
class Day:
    """A day's figures.

    Attributes:
        errors: Total variation from the day, by release or floor and by figure.
        at_fair: Share of the ends that lie at the place of the fair, by release, and of the day.
    """

    errors: dict[str, dict[str, float]]
    at_fair: dict[str, float]


def run(trips: int, seed: int, settings: FieldSettings) -> list[Day]:
    """Thirty days, one after the other."""
    found, state = [], None
    for number in range(month.DAYS):
        real = month.day_of_month(number, trips, seed)
        plan = make_plan((month.BOX,), len(real), GUARANTEE, settings)
        measurements = measure(real, plan)
        evidence, state = advanced(state, measurements, MONDAY + dt.timedelta(number))
        tables = {
            "carried": _released(plan, evidence),
            "alone": _released(plan, Evidence.of(measurements)),
            "resampled": month.day_of_month(number, trips, seed + 1000),
            "law": pa.concat_tables(
                [month.day_of_month(number, trips, seed + 2000 + other) for other in range(_LAW)]
            ),
        }
        errors = {
            name: {figure: total_variation(real, table, cells) for figure, cells in FIGURES.items()}
            for name, table in tables.items()
        }
        here = {"day": real, **{name: tables[name] for name in RELEASES}}
        found.append(Day(errors, {name: at_fair(table) for name, table in here.items()}))
        print(_line(f"seed {seed}, day {number + 1}", errors), flush=True)
    return found


def _released(plan: Plan, evidence: Evidence) -> pa.Table:
    return sample(fit(plan, evidence), plan.rows, np.random.default_rng())


def at_fair(trips: pa.Table) -> float:
    """Share of the ends that lie in the cell of 0.01 degrees where the fair is."""
    away = ends(trips).reshape(-1, 2) - month.fair_ground()
    return float(((away >= 0) & (away < 0.01)).all(axis=1).mean())


def mean_errors(runs: Sequence[Sequence[Day]], name: str, figure: str) -> list[float]:
    """The mean over the runs, for every day."""
    return [
        float(np.mean([day.errors[name][figure] for day in days]))
        for days in zip(*runs, strict=True)
    ]


def report(runs: Sequence[Sequence[Day]]) -> None:
    """Print the days' means, the excess over both floors, and what became of the fair."""
    print(f"\nmeans of {len(runs)} seeds, total variation")
    for number in range(month.DAYS):
        errors = {
            name: {figure: mean_errors(runs, name, figure)[number] for figure in FIGURES}
            for name in (*RELEASES, *FLOORS)
        }
        print(_line(f"day {number + 1}", errors))
    for floor in FLOORS:
        print(f"\nexcess over {floor}: first day, last {LAST} days carried, and alone")
        for figure in FIGURES:
            low = np.array(mean_errors(runs, floor, figure))
            carried, alone = (np.array(mean_errors(runs, name, figure)) - low for name in RELEASES)
            print(
                f"  {figure:28s}{alone[0]:8.4f}{carried[-LAST:].mean():8.4f}"
                f"{alone[-LAST:].mean():8.4f}"
            )
    print("\nthe fair: share of its extra ends that the release shows, by day")
    for name in RELEASES:
        print(f"  {name:10s}" + " ".join(f"{share:6.2f}" for share in fair_shown(runs, name)))


def fair_shown(runs: Sequence[Sequence[Day]], name: str) -> list[float]:
    """What a release shows of the fair from the day before it to five days after.

    In parts of what the fair's own day has there beyond the day before it; 1 on that day and 0 on
    all others would be perfect.
    """
    fair = month.FAIR_DAY
    extra = np.mean([run[fair].at_fair["day"] - run[fair - 1].at_fair["day"] for run in runs])
    shown = []
    for number in range(fair - 1, fair + 6):
        usual = [run[number if number != fair else fair - 1].at_fair["day"] for run in runs]
        released = [run[number].at_fair[name] for run in runs]
        shown.append(float((np.mean(released) - np.mean(usual)) / extra))
    return shown


def plot(path: Path, runs: Sequence[Sequence[Day]]) -> None:
    """Write the README's plot."""
    lines = {
        "with the days before": "carried",
        "each day alone": "alone",
        "another sample of the day": "resampled",
    }
    panels = {
        figure: {words: mean_errors(runs, name, figure) for words, name in lines.items()}
        for figure in FIGURES
    }
    write_panels(
        path,
        panels,
        "Total variation from the day by number of days, with carried state and without",
        "days",
        {month.FAIR_DAY + 1: "fair"},
    )


def _line(name: str, errors: dict[str, dict[str, float]]) -> str:
    cells = (
        f"{kind} " + " ".join(f"{value:.3f}" for value in figures.values())
        for kind, figures in errors.items()
    )
    return f"{name:16s} " + "   ".join(cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trips", type=int, default=TRIPS, help="trips of the first day")
    parser.add_argument("--seeds", type=int, nargs="+", default=(1, 2))
    parser.add_argument("--plot", type=Path, help="an SVG file")
    arguments = parser.parse_args()
    runs: list[list[Day]] = []
    for seed in arguments.seeds:
        runs.append(run(arguments.trips, seed, FieldSettings()))
        report(runs)
        if arguments.plot is not None:
            plot(arguments.plot, runs)


if __name__ == "__main__":
    main()
