"""How close synthetic starts, ends and modelled trips come to days whose trips are known.

    python -m tests.benchmarks.trip_ends_quality                  simulated cities
    python -m tests.benchmarks.trip_ends_quality --file FILE.csv  a table of trips

A day's trips are cut into starts and ends in no order, as a feed shows them whose ids change with
every ride; a release is made of those, and compared with the trips. Lines beside it: two halves of
the day; the trips' own ends paired at random within area and hour, which is what knowing nothing of
rides would give.

The table has one hour per trip, that of its end. Its start is as much earlier as a ride of its
length takes at a speed from 6 to 16 km/h in a straight line, drawn for each: the public law by
which trips are modelled knows nothing of that. Intervals are as in `trip_field_quality`.
"""

import argparse
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from tasks.quality import rows
from tasks.quality.columns import Floats, Integers
from tasks.quality.histograms import (
    HOUR_ORIGINS_5KM,
    ORIGINS_1KM,
    PAIRS_1KM,
    PAIRS_5KM,
    length_divergence,
    total_variation,
)
from tasks.quality.intervals import FEWEST_SEEDS, FEWEST_SPLITS, intervals
from tasks.quality.splits import halves, split
from tasks.region import Box, Guarantee
from tasks.synthesis.trip_ends import EndsSettings, evidence_of, make_plan, measure
from tasks.synthesis.trip_ends.fit import fit
from tasks.synthesis.trip_ends.pairing import pair
from tasks.synthesis.trip_ends.sampling import sample
from tasks.synthesis.trip_ends.trips import modelled_trips
from tests.benchmarks.trip_field_quality import DELTA, SPLITS, days

EPSILONS = (0.666, 1.0)
_SPEED_KMH = (6.0, 16.0)
NAMES = ("starts", "ends", "starts_h", "ends_h", "od_5km", "od_1km", "length")

Figures = Mapping[str, float]


def unlinked(trips: pa.Table, seed: int) -> pa.Table:
    """The starts and ends of trips, in no order, with the columns that are measured."""
    generator = np.random.default_rng(seed)
    kmh = generator.uniform(*_SPEED_KMH, len(trips))
    end = rows.hours(trips) + generator.random(len(trips))
    start = np.floor(end - rows.lengths(trips) / 1000 / kmh) % 24
    both = [
        place(trips, "origin", start).append_column("kind", pa.array(["start"] * len(trips))),
        place(trips, "destination", rows.hours(trips)).append_column(
            "kind", pa.array(["end"] * len(trips))
        ),
    ]
    table = pa.concat_tables(both)
    return table.take(generator.permutation(len(table)))


def place(trips: pa.Table, end: str, hour: Floats | Integers) -> pa.Table:
    """One end of every trip as a table of places."""
    columns = {
        "area": trips["area"],
        "hour": pa.array(hour.astype(np.int8)),
        "latitude": trips[f"{end}_latitude"],
        "longitude": trips[f"{end}_longitude"],
    }
    return pa.table(columns)


def at_place(table: pa.Table) -> pa.Table:
    """Places as trips that go nowhere, for the metrics of origins."""
    names = dict.fromkeys(rows.COORDINATES)
    ends = {name: table[name.split("_", 1)[1]] for name in names}
    return pa.table({"hour": table["hour"], **ends})


def compare(events: pa.Table, trips: pa.Table, made: Mapping[str, pa.Table]) -> dict[str, float]:
    """The figures of a release: starts and ends against those measured, trips against the trips."""
    found = {}
    for kind in ("start", "end"):
        is_kind = pa.array([value == kind for value in events["kind"].to_pylist()])
        real, synthetic = at_place(events.filter(is_kind)), at_place(made[kind])
        found[f"{kind}s"] = total_variation(real, synthetic, ORIGINS_1KM)
        found[f"{kind}s_h"] = total_variation(real, synthetic, HOUR_ORIGINS_5KM)
    return {**found, **compare_trips(trips, made["trips"])}


def compare_trips(trips: pa.Table, modelled: pa.Table) -> dict[str, float]:
    """Modelled pairs against the real ones."""
    return {
        "od_5km": total_variation(trips, modelled, PAIRS_5KM),
        "od_1km": total_variation(trips, modelled, PAIRS_1KM),
        "length": length_divergence(trips, modelled),
    }


def run(areas: tuple[Box, ...], trips: pa.Table, epsilon: float, seed: int) -> dict[str, float]:
    """Make a release of a day's unlinked ends and compare it with the day."""
    events = unlinked(trips, seed)
    guarantee = Guarantee(epsilon=epsilon, delta=DELTA)
    plan = make_plan(areas, len(trips), len(trips), guarantee, EndsSettings())
    measurements = measure(events, plan)
    begun = time.perf_counter()
    field = fit(plan, evidence_of(measurements))
    fitted = time.perf_counter()
    generator = np.random.default_rng()
    made = {"start": sample(field, "start", generator), "end": sample(field, "end", generator)}
    pairing = pair(field)
    paired = time.perf_counter()
    made["trips"] = modelled_trips(pairing, generator)
    drawn = time.perf_counter()
    costs = {"fit_s": fitted - begun, "pair_s": paired - fitted, "trips_s": drawn - paired}
    return {**compare(events, trips, made), **costs}


def at_random(trips: pa.Table, seed: int) -> pa.Table:
    """The trips with their ends exchanged at random within area and hour."""
    generator = np.random.default_rng(seed)
    areas = np.unique(trips["area"].to_pylist(), return_inverse=True)[1]
    group = areas * 24 + rows.hours(trips)
    order = np.lexsort((generator.random(len(trips)), group))
    other = np.lexsort((generator.random(len(trips)), group))
    ends = rows.ends(trips)
    exchanged = np.concatenate([ends[order, :2], ends[other, 2:]], axis=1)
    columns = dict(zip(rows.COORDINATES, exchanged.T, strict=True))
    return pa.table({"hour": rows.hours(trips)[order].astype(np.int8), **columns})


def line(name: str, figures: Figures) -> str:
    return f"{name:<34}" + "".join(
        f"{figures[each]:>10.4f}" if each in figures else f"{'':>10}" for each in NAMES
    )


def report(name: str, runs: Mapping[tuple[int, int], Figures]) -> None:
    """Print the mean and, with enough runs, the half width of the interval."""
    splits, seeds = ({key[part] for key in runs} for part in (0, 1))
    some = next(iter(runs.values()))
    columns = {figure: [run[figure] for run in runs.values()] for figure in some}
    print(line(name, {figure: float(np.mean(values)) for figure, values in columns.items()}))
    if len(seeds) >= FEWEST_SEEDS and len(splits) >= FEWEST_SPLITS:
        keys = {"split": [key[0] for key in runs], "seed": [key[1] for key in runs]}
        found = intervals(pa.table({**keys, **columns}))
        print(line("    half width", {figure: each.half_width for figure, each in found.items()}))
    costs = {each: np.mean(columns[each]) for each in ("fit_s", "pair_s", "trips_s")}
    print(
        f"    {len(runs)} runs on {len(splits)} splits; fit {costs['fit_s']:.0f} s, pairing "
        f"{costs['pair_s']:.1f} s, drawing trips {costs['trips_s']:.1f} s",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--file", type=Path, help="a table of trips, as the replay server plays it")
    parser.add_argument("--city", help="one simulated city")
    parser.add_argument("--epsilon", type=float, nargs="+", default=EPSILONS)
    parser.add_argument("--split", type=int, nargs="+", default=SPLITS, help="seeds of the splits")
    parser.add_argument("--seeds", type=int, default=FEWEST_SEEDS, help="runs on each split")
    arguments = parser.parse_args()
    print(f"{'':<34}" + "".join(f"{name:>10}" for name in NAMES))
    for name, areas, trips in days(arguments.file):
        if arguments.city not in (None, name):
            continue
        train, _ = split(trips, 0.8, arguments.split[0])
        print(line(f"{name}, half to half", compare_trips(*halves(trips, 0))))
        print(line(f"{name}, paired at random", compare_trips(train, at_random(train, 0))))
        for epsilon in arguments.epsilon:
            runs = {
                (seed, again): run(areas, split(trips, 0.8, seed)[0], epsilon, again)
                for seed in arguments.split
                for again in range(arguments.seeds)
            }
            report(f"{name}, eps {epsilon:g}", runs)


if __name__ == "__main__":
    main()
