"""What trip_field costs: time and memory of a fit, and rows drawn a second.

    python -m tests.benchmarks.trip_field_cost                  the three curves
    python -m tests.benchmarks.trip_field_cost --svg FILE.svg   the same, drawn too
    python -m tests.benchmarks.trip_field_cost --only trips

Against the number of trips, with the resolution that the plan chooses for it; against the size of
the service area; and against depth, the resolution set by hand. Every line is a process of its own,
so that its peak memory is its own; that includes about 0.4 GB of libraries.
"""

import argparse
import math
import multiprocessing
import resource
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from tasks.privacy.weighted_counts import WeightedMeasurement
from tasks.region import Guarantee
from tasks.release.svg import drawing, line, number, text
from tests.benchmarks.cities import metropolis
from tests.benchmarks.svg_file import write_alone

if TYPE_CHECKING:
    from tasks.synthesis.trip_field import Plan

GUARANTEE = Guarantee(epsilon=1.0, delta=1e-8)
DRAWN = 400_000
"""Rows drawn to measure how fast they are drawn."""


@dataclass(frozen=True)
class Case:
    """One line.

    Attributes:
        trips: Number of trips.
        side: Side of the service area, degrees.
        cells_per_degree: Resolution, 0 for the one that is planned.
    """

    trips: int
    side: float
    cells_per_degree: int = 0


@dataclass(frozen=True)
class Cost:
    """What a line cost.

    Attributes:
        cells_per_degree: Resolution.
        blocks: Blocks of the lattice.
        fit_s: Seconds that the fit took.
        peak_mb: Peak memory of the process until the field was fitted, measurement included.
        rows_per_s: Rows drawn a second.
    """

    cells_per_degree: int
    blocks: int
    fit_s: float
    peak_mb: float
    rows_per_s: float


CURVES = {
    "trips": [Case(trips, 0.6) for trips in (2_000, 27_000, 250_000, 1_000_000)],
    "area": [Case(27_000, side) for side in (0.1, 0.2, 0.4, 0.8)],
    "depth": [Case(27_000, 0.2, 100 << halvings) for halvings in range(4)],
}


def at_depth(plan: "Plan", cells_per_degree: int) -> "Plan":
    """The plan for the same noise at a resolution set by hand."""
    from tasks.synthesis.trip_field.budget import divide
    from tasks.synthesis.trip_field.tables import table_sizes

    lattice = replace(plan.lattice, cells_per_degree=cells_per_degree)
    noise = plan.mechanism.event().noise_multiplier
    shares = divide(asdict(plan.settings.shares), lattice, plan.rows / noise)
    sizes = table_sizes(lattice)
    tables = {name: (*sizes[name], share) for name, share in shares.items()}
    return replace(plan, lattice=lattice, mechanism=WeightedMeasurement.within(noise, tables))


def measure_cost(case: Case) -> Cost:
    """Simulate, measure, fit and draw in this process."""
    from tasks.synthesis.trip_field import Evidence, FieldSettings, make_plan, measure
    from tasks.synthesis.trip_field.fit import fit
    from tasks.synthesis.trip_field.sampling import sample

    area = metropolis.box(case.side)
    plan = make_plan((area,), case.trips, GUARANTEE, FieldSettings())
    if case.cells_per_degree:
        plan = at_depth(plan, case.cells_per_degree)
    measured = measure(metropolis.day(area, case.trips, 1), plan)
    start = time.perf_counter()
    field = fit(plan, Evidence.of(measured))
    fitted = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sample(field, 1_000, np.random.default_rng(0))  # tables of the field are made once
    ready = time.perf_counter()
    sample(field, DRAWN, np.random.default_rng(0))
    drawn = time.perf_counter()
    lattice = plan.lattice
    return Cost(
        lattice.cells_per_degree, lattice.blocks, fitted - start, peak, DRAWN / (drawn - ready)
    )


def curve(name: str, cases: Sequence[Case]) -> list[Cost]:
    """Measure the cases of a curve, and print a line for each."""
    print(f"against {name}")
    costs = []
    for case in cases:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            cost = pool.submit(measure_cost, case).result()
        costs.append(cost)
        print(
            f"    {case.trips:>9,} trips, {case.side:g} degrees, {cost.cells_per_degree} cells a "
            f"degree, {cost.blocks:,} blocks: fit {cost.fit_s:.0f} s, {cost.peak_mb:,.0f} MB, "
            f"{cost.rows_per_s:,.0f} rows/s",
            flush=True,
        )
    return costs


def drawn(curves: dict[str, tuple[Sequence[Case], Sequence[Cost]]]) -> Markup:
    """Seconds of the fit by what is varied, both on logarithmic scales, a panel for each curve."""
    parts: list[Markup] = []
    for panel, (name, (cases, costs)) in enumerate(curves.items()):
        left = 60 + 220 * panel
        varied = {"trips": "trips", "area": "side", "depth": "cells_per_degree"}[name]
        across = [getattr(case, varied) for case in cases]
        low, high = math.log(across[0]), math.log(across[-1])
        points = [
            (
                left + 160 * (math.log(value) - low) / (high - low),
                180 - 50 * math.log10(max(cost.fit_s, 1)),
            )
            for value, cost in zip(across, costs, strict=True)
        ]
        parts += [line(left, 180, left + 160, 180), line(left, 30, left, 180)]
        parts += [text(left - 6, 184 - 50 * power, f"{10**power:,} s", "end") for power in range(4)]
        path = "L".join(f"{number(x)} {number(y)}" for x, y in points)
        parts.append(
            Markup('<path class="line" fill="none" stroke="currentColor" d="M{}"/>').format(path)
        )
        parts += [
            text(x, y - 8, f"{cost.peak_mb / 1024:.1f} GB", "middle")
            for (x, y), cost in zip(points, costs, strict=True)
        ]
        parts += [
            text(x, 196, f"{value:g}", "middle")
            for (x, _), value in zip(points, across, strict=True)
        ]
        parts.append(text(left + 80, 214, name, "middle"))
    return drawing(60 + 220 * len(curves), 225, "Time of a fit, and its memory", parts, "cost")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=CURVES, nargs="+", default=tuple(CURVES))
    parser.add_argument("--svg", type=Path, help="where to draw the curves")
    arguments = parser.parse_args()
    curves: dict[str, tuple[Sequence[Case], Sequence[Cost]]] = {
        name: (CURVES[name], curve(name, CURVES[name])) for name in arguments.only
    }
    if arguments.svg is not None:
        write_alone(arguments.svg, drawn(curves))


if __name__ == "__main__":
    main()
