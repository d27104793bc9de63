"""How close trip_field and trip_net come to a day, beside their peers and the floor.

    python -m tests.benchmarks.trip_field_quality                  simulated cities
    python -m tests.benchmarks.trip_field_quality --file FILE.csv  a table of trips

Choices are made on simulated cities and on splits of seed 1; splits here have other seeds. Every
run has fresh noise, and prints its line as it ends. With two or more runs on each of at least three
splits, and five or more in all, the figures are Student's intervals (`tasks.quality.intervals`);
with fewer they are means, with the number of runs.

Costs are printed with the figures: fit, draw and memory of this process.
"""

import argparse
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa

from tasks.cities.city import CITIES
from tasks.quality.intervals import FEWEST_SEEDS, FEWEST_SPLITS, intervals
from tasks.quality.likelihood import bits_per_trip, uniform_bits
from tasks.quality.metrics import compare
from tasks.quality.splits import halves, resample, split
from tasks.region import Box, Guarantee, TripNet
from tasks.synthesis.trip_field import Evidence, FieldSettings, log_density, make_plan, measure
from tasks.synthesis.trip_field.fit import fit
from tasks.synthesis.trip_field.sampling import sample
from tests.benchmarks import trip_net_quality
from tests.benchmarks.peers import peers_at
from tests.benchmarks.report import line, title
from tests.benchmarks.trip_file import metros, read_trips
from tests.benchmarks.trip_net_quality import Day

EPSILONS = (0.666, 1.0, 3.0, 10.0)
DELTA = 6.53e-7
SPLITS = (0, 2, 3)
MANY = 400_000
"""Rows drawn to measure how fast they are drawn."""


@dataclass(frozen=True)
class Run:
    """One run: figures, bits per held-out trip and what it cost; None is not measured.

    Attributes:
        figures: By name, those of `tasks.quality.metrics.Closeness`.
        bits: Per held-out trip, to 0.001 degrees.
        gain: Bits fewer than those of a uniform density on the service area.
        fit_s: Seconds of the fit.
        rows_per_s: Rows drawn a second.
    """

    figures: dict[str, float]
    bits: float | None
    gain: float | None
    fit_s: float
    rows_per_s: float | None


def run_field(day: Day, guarantee: Guarantee) -> Run:
    """Measure, fit and sample."""
    plan = make_plan(day.areas, len(day.train), guarantee, FieldSettings())
    measurements = measure(day.train, plan)
    start = time.perf_counter()
    field = fit(plan, Evidence.of(measurements))
    fitted = time.perf_counter()
    synthetic = sample(field, len(day.train), np.random.default_rng())
    ready = time.perf_counter()
    sample(field, MANY, np.random.default_rng())
    drawn = time.perf_counter()
    bits = bits_per_trip(log_density(field, day.test))
    return Run(
        asdict(compare(day.train, synthetic, day.areas)),
        bits,
        uniform_bits(day.areas) - bits,
        fitted - start,
        MANY / (drawn - ready),
    )


def run_net(day: Day, guarantee: Guarantee) -> Run:
    """Train and sample."""
    start = time.perf_counter()
    network, weights = trip_net_quality.trained(day, guarantee, TripNet())
    trained = time.perf_counter()
    synthetic = trip_net_quality.drawn(network, weights, len(day.train))
    drawn = time.perf_counter()
    bits = bits_per_trip(trip_net_quality.log_density(network, weights, day.test))
    return Run(
        asdict(compare(day.train, synthetic, day.areas)),
        bits,
        uniform_bits(day.areas) - bits,
        trained - start,
        len(synthetic) / (drawn - trained),
    )


SYNTHESIZERS = {"trip_field": run_field, "trip_net": run_net}


def days(file: Path | None) -> Iterator[tuple[str, tuple[Box, ...], pa.Table]]:
    """Name, service area and trips of every day."""
    if file is not None:
        yield "file", metros(), read_trips(file, metros())
        return
    for city in CITIES:
        yield city.name, city.areas, city.day(27_000, 1)


def runs_of(
    name: str,
    run: Callable[[Day], Run],
    trips: pa.Table,
    areas: tuple[Box, ...],
    splits: Sequence[int],
    each: int,
) -> dict[tuple[int, int], Run]:
    """Run on every split so often, by split and by number of the run; print each as it ends."""
    runs: dict[tuple[int, int], Run] = {}
    for seed in splits:
        day = Day(name, areas, *split(trips, 0.8, seed))
        for _ in range(each):
            done = runs[seed, len(runs)] = run(day)
            print(line(f"    split {seed}, run {len(runs)}", done.figures), flush=True)
    return runs


def report(name: str, runs: dict[tuple[int, int], Run]) -> None:
    """Print the figures of the runs by split and seed."""
    figures = {
        figure: [run.figures[figure] for run in runs.values()]
        for figure in next(iter(runs.values())).figures
    }
    bits = [run.bits for run in runs.values() if run.bits is not None]
    if len(bits) == len(runs):
        figures["bits"] = bits
    splits, seeds = ({key[part] for key in runs} for part in (0, 1))
    parts = [f"{len(runs)} runs on {len(splits)} splits"]
    if len(seeds) >= FEWEST_SEEDS and len(splits) >= FEWEST_SPLITS:
        keys = {"split": [key[0] for key in runs], "seed": [key[1] for key in runs]}
        found = intervals(pa.table({**keys, **figures}))
        print(line(name, {figure: each.mean for figure, each in found.items()}))
        print(line("    half width", {figure: each.half_width for figure, each in found.items()}))
        if bits:
            parts.append(f"{found['bits']} bits per held-out trip")
    else:
        print(line(name, {figure: float(np.mean(values)) for figure, values in figures.items()}))
        if bits:
            parts.append(f"{np.mean(bits):.3f} bits per held-out trip")
    print(f"    {', '.join([*parts, *_costs(list(runs.values()))])}", flush=True)


def _costs(runs: list[Run]) -> Iterator[str]:
    """The means of what was measured beside the figures."""
    gains = [run.gain for run in runs if run.gain is not None]
    if gains:
        yield f"gain over uniform {np.mean(gains):.2f} bits"
    yield f"fit {np.mean([run.fit_s for run in runs]):.0f} s"
    speeds = [run.rows_per_s for run in runs if run.rows_per_s is not None]
    if speeds:  # it ran in this process
        yield f"{np.mean(speeds):,.0f} rows/s"
        yield f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--file", type=Path, help="a table of trips, as the replay server plays it")
    parser.add_argument("--epsilon", type=float, nargs="+", default=EPSILONS)
    parser.add_argument("--split", type=int, nargs="+", default=SPLITS, help="seeds of the splits")
    parser.add_argument("--runs", type=int, default=FEWEST_SEEDS, help="runs on each split")
    parser.add_argument("--only", choices=SYNTHESIZERS, help="one synthesizer")
    parser.add_argument("--city", choices=[city.name for city in CITIES], nargs="+")
    arguments = parser.parse_args()
    print(title())
    for name, areas, trips in days(arguments.file):
        if arguments.city and name not in arguments.city:
            continue
        first, _ = split(trips, 0.8, arguments.split[0])
        print(line(f"{name}, half to half", asdict(compare(*halves(trips, 0), areas))))
        resampled = asdict(compare(first, resample(first, 0), areas))
        print(line(f"{name}, resampled", {**resampled, "auc": None}), flush=True)
        for epsilon in arguments.epsilon:
            guarantee = Guarantee(epsilon=epsilon, delta=DELTA)
            for synthesizer, run in SYNTHESIZERS.items():
                if arguments.only in (None, synthesizer):
                    report(
                        f"{name}, {synthesizer}, eps {epsilon:g}",
                        runs_of(
                            name,
                            partial(run, guarantee=guarantee),
                            trips,
                            areas,
                            arguments.split,
                            arguments.runs,
                        ),
                    )
            if arguments.file is not None:
                for peer in peers_at(epsilon):
                    print(line(f"    {peer.name}, eps {epsilon:g}", peer.figures))


if __name__ == "__main__":
    main()
