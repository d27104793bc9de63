"""The quality report of rows that trip_field makes of a table, under its region's guarantee.

    python -m tests.benchmarks.quality_report                  a simulated city
    python -m tests.benchmarks.quality_report --file FILE.csv  a table of trips

Prints the score and every figure beside its references; `--page PAGE.html` writes the page too.
Noise is fresh, so that every run has other figures.
"""

import argparse
from pathlib import Path

import numpy as np
import pyarrow as pa

from tasks.cities.city import CITIES
from tasks.quality.page import About, render_quality
from tasks.quality.plots import said
from tasks.quality.report import Report
from tasks.quality.splits import halves
from tasks.quality.trips import assess_trips
from tasks.region import Box, Guarantee, load_region
from tasks.release.software import installed_software
from tasks.synthesis.trip_field import Evidence, FieldSettings, make_plan, measure
from tasks.synthesis.trip_field.fit import fit
from tasks.synthesis.trip_field.sampling import sample
from tests.benchmarks.trip_file import METROS, metros, read_trips

HELD_OUT = (
    "One half of the trips stands for the training rows, the other half for rows held out. The "
    "model was made of both."
)


def made_of(trips: pa.Table, areas: tuple[Box, ...], guarantee: Guarantee) -> pa.Table:
    """As many synthetic trips as there are real ones."""
    plan = make_plan(areas, len(trips), guarantee, FieldSettings())
    field = fit(plan, Evidence.of(measure(trips, plan)))
    return sample(field, len(trips), np.random.default_rng())


def lines(report: Report) -> list[str]:
    """The score and the figures in columns: synthetic, held out, bootstrap."""
    scores = report.scores
    overall = (scores.synthetic, scores.held_out, scores.bootstrap)
    rows = [("Score of 100", *(f"{each.overall:.1f}" for each in overall))]
    rows += [
        (each.title, *(said(value) for value in vars(each.value).values()))
        for each in report.figures
    ]
    header = ("", "synthetic", "held out", "bootstrap")
    return [
        f"{row[0]:40s}" + "".join(f"{cell:>11s}" for cell in row[1:]) for row in (header, *rows)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--file", type=Path, help="a table of trips, as the replay server plays it")
    parser.add_argument("--trips", type=int, default=9000, help="trips of the simulated city")
    parser.add_argument("--page", type=Path, help="where the page goes")
    arguments = parser.parse_args()
    city = CITIES[0]
    name, areas, trips = city.name, city.areas, city.day(arguments.trips, 1)
    if arguments.file is not None:
        name, areas, trips = arguments.file.name, metros(), read_trips(arguments.file, metros())
    guarantee = load_region(METROS).guarantee
    training, held_out = halves(trips, 0)
    found = assess_trips(training, made_of(trips, areas, guarantee), held_out, areas)
    print(f"{name}, {len(trips):,} trips, epsilon {guarantee.epsilon:g}")
    print("\n".join(lines(found.report)))
    if arguments.page is not None:
        about = About(name, "a run", f"rows at epsilon {guarantee.epsilon:g}", HELD_OUT)
        page = render_quality(found.report, about, installed_software(), found.maps)
        arguments.page.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
