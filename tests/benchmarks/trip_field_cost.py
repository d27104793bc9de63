"""What trip_field costs: time and memory of a fit, and rows drawn a second.

    python -m tests.benchmarks.trip_field_cost                  the three curves
    python -m tests.benchmarks.trip_field_cost --svg FILE.svg   the same, drawn too
    python -m tests.benchmarks.trip_field_cost --only trips

Against the number of trips, with the resolution that the plan chooses for it; against the size of
the service area; and against depth, the resolution set by hand. Every line is a process of its own,
so that its peak memory is its own; that includes about 0.4 GB of libraries. What is drawn is
processor time, of all cores together, since it hardly depends on what else the machine does.
"""

import argparse
import math
import multiprocessing
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from tasks.cities import metropolis
from tasks.privacy.weighted_counts import WeightedMeasurement
from tasks.region import Guarantee
from tasks.release.svg import drawing, line, number, text
from tests.benchmarks.svg_file import write_alone

if TYPE_CHECKING:
    from tasks.synthesis.trip_field import Plan

GUARANTEE = Guarantee(epsilon=1.0, delta=1e-8)
DRAWN = 400_000
"""Rows drawn to measure how fast they are drawn."""

_PITCH, _LEFT, _WIDTH, _FLOOR = 290.0, 52.0, 170.0, 175.0
_STYLE = Markup(
    "<style>"
    "text{font:11px sans-serif;fill:#333}.title{font-weight:bold}"
    ".grid{stroke:#ddd}.axis{stroke:#666}"
    ".l{fill:none;stroke:#0b6e4f;stroke-width:1.8}.dot{fill:#0b6e4f}"
    "</style>"
)
_ACROSS: dict[str, tuple[str, str, Callable[[float], str]]] = {
    "trips": ("thousand trips, 0.6 degrees", "trips", lambda trips: f"{trips / 1000:,g}"),
    "area": ("degrees along a side, 27,000 trips", "side", "{:g}".format),
    "depth": ("cells a degree, 27,000 trips", "cells_per_degree", "{:g}".format),
}
"""For each curve what stands above it, what is varied, and how that is written."""


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
        processor_s: Seconds of processors that it took, all cores together.
        peak_mb: Peak memory of the process until the field was fitted, measurement included.
        rows_per_s: Rows drawn a second.
    """

    cells_per_degree: int
    blocks: int
    fit_s: float
    processor_s: float
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
    start, busy = time.perf_counter(), time.process_time()
    field = fit(plan, Evidence.of(measured))
    fitted, idle = time.perf_counter(), time.process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sample(field, 1_000, np.random.default_rng(0))  # tables of the field are made once
    ready = time.perf_counter()
    sample(field, DRAWN, np.random.default_rng(0))
    drawn = time.perf_counter()
    lattice = plan.lattice
    return Cost(
        lattice.cells_per_degree,
        lattice.blocks,
        fitted - start,
        idle - busy,
        peak,
        DRAWN / (drawn - ready),
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
            f"degree, {cost.blocks:,} blocks: fit {cost.fit_s:.0f} s, of processors "
            f"{cost.processor_s:.0f} s, {cost.peak_mb:,.0f} MB, "
            f"{cost.rows_per_s:,.0f} rows/s",
            flush=True,
        )
    return costs


def drawn(curves: dict[str, tuple[Sequence[Case], Sequence[Cost]]]) -> Markup:
    """Processor time of the fit by what is varied, on logarithmic scales."""
    parts = [Markup('<rect width="100%" height="100%" fill="#fff"/>'), _STYLE]
    for panel, (name, (cases, costs)) in enumerate(curves.items()):
        parts += _panel(_LEFT + _PITCH * panel, name, cases, costs)
    title = "Processor time of a fit, and the peak memory of its process"
    return drawing(_PITCH * len(curves), _FLOOR + 25, title, parts, "cost")


def _panel(
    left: float, name: str, cases: Sequence[Case], costs: Sequence[Cost]
) -> Iterator[Markup]:
    words, varied, label = _ACROSS[name]
    across = [math.log(getattr(case, varied)) for case in cases]
    low, width = across[0], max(across[-1] - across[0], 1e-9)
    points = [
        (left + 25 + _WIDTH * (value - low) / width, _height(cost.processor_s))
        for value, cost in zip(across, costs, strict=True)
    ]
    yield Markup('<text class="title" x="{}" y="16">{}</text>').format(number(left), words)
    for power in range(4):
        y = _height(10**power)
        yield line(left, y, left + 50 + _WIDTH, y, "grid" if power else "axis")
        yield text(left - 5, y + 4, f"{10**power:,} s", "end")
    yield Markup('<polyline class="l" points="{}"/>').format(
        " ".join(f"{number(x)},{number(y)}" for x, y in points)
    )
    for (x, y), case, cost in zip(points, cases, costs, strict=True):
        yield Markup('<circle class="dot" cx="{}" cy="{}" r="3"/>').format(number(x), number(y))
        yield text(x, y - 8, f"{cost.peak_mb / 1024:.1f} GB", "middle")
        yield text(x, _FLOOR + 15, label(getattr(case, varied)), "middle")


def _height(seconds: float) -> float:
    return _FLOOR - 45 * math.log10(max(seconds, 1))


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
