"""How close trip_net comes to a day: bits per held-out trip, and distances between tables.

    python -m tests.benchmarks.trip_net_quality            simulated days: choices are made on these
    python -m tests.benchmarks.trip_net_quality FILE.csv   a table of trips: for measurement only

FILE has no header: hour, vehicle id, origin latitude and longitude, destination latitude and
longitude. 80 % of the rows train, the rest is held out.
"""

import math
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import tensorflow as tf
from numpy.typing import NDArray

from tasks.mobility.distance import haversine
from tasks.region import Box, Guarantee, TripNet, load_region
from tasks.synthesis.dpsgd import Adam, DpSgd, Layers, split
from tasks.synthesis.grid import BEARINGS, Columns, Grid
from tasks.synthesis.training import make_plan
from tasks.synthesis.trip_net import TripNetwork
from tests.benchmarks.simulated_trips import boxes, simulated_day

Ends = NDArray[np.float64]
ENDS = ("origin_latitude", "origin_longitude", "destination_latitude", "destination_longitude")
METROS = Path(__file__).parents[2] / "deployments" / "regions" / "us-metros.yaml"


@dataclass(frozen=True)
class Day:
    """One day to measure on."""

    name: str
    areas: tuple[Box, ...]
    train: pa.Table
    test: pa.Table


def table_from(rows: pd.DataFrame, areas: Sequence[Box]) -> pa.Table:
    """Rows inside one area each; others are dropped."""
    area = np.full(len(rows), "", object)
    for box in areas:
        inside = np.ones(len(rows), bool)
        for y, x in ((2, 3), (4, 5)):
            inside &= rows[y].between(box.south, box.north) & rows[x].between(box.west, box.east)
        area[inside] = box.name
    kept = rows[area != ""]
    names = ("origin_latitude", "origin_longitude", "destination_latitude", "destination_longitude")
    return pa.table(
        {
            "area": pa.array(area[area != ""].tolist(), pa.string()),
            "hour": kept[0].to_numpy(np.int8),
            **{name: kept[2 + column].to_numpy(np.float64) for column, name in enumerate(names)},
        }
    )


def halves(name: str, areas: tuple[Box, ...], trips: pa.Table, share: float) -> Day:
    """Split a day at random, with a fixed seed."""
    order = np.random.default_rng(11).permutation(len(trips))
    cut = int(share * len(trips))
    return Day(name, areas, trips.take(order[:cut]), trips.take(order[cut:]))


def bits(network: TripNetwork, weights: NDArray[np.float32], trips: pa.Table) -> float:
    """Mean bits per trip at 0.001 degrees: hour and both ends' cells of that size."""
    tokens = network.grid.encode(trips)
    tokens = tokens[tokens[:, 0] >= 0]
    layers = Layers(split(tf.constant(weights), network.shapes), tf.float32)
    nats = network.losses(layers, tf.constant(tokens)).numpy().astype(np.float64)
    south, west, north, east = np.array(
        [(box.south, box.west, box.north, box.east) for box in network.grid.boxes]
    )[tokens[:, 0]].T
    parts = 64.0**network.grid.levels
    nats -= np.log(1e-6 * parts / ((north - south) * (east - west)))
    near = network.grid.distance_edges[tokens[:, -2]]
    far = network.grid.distance_edges[tokens[:, -2] + 1]
    # distances are log-uniform in their bin: their density is taken at the trip's own distance
    metres = haversine(*(_column(trips, network, name) for name in ENDS))
    density = BEARINGS / (2 * np.pi) / (np.log(far / near) * metres**2)
    degrees = 111_195.0**2 * np.cos(np.radians(_column(trips, network, ENDS[2])))
    return float(np.mean(nats - np.log(1e-6 * density * degrees)) / math.log(2))


def _column(trips: pa.Table, network: TripNetwork, name: str) -> NDArray[np.float64]:
    kept = network.grid.encode(trips)[:, 0] >= 0
    return np.asarray(trips[name].to_numpy(), np.float64)[kept]


def uniform_bits(areas: Sequence[Box]) -> float:
    """Bits per trip of hour, origin and destination uniform over the service area."""
    cells = sum((box.north - box.south) * (box.east - box.west) / 1e-6 for box in areas)
    return math.log2(24) + 2 * math.log2(cells)


def variation(a: NDArray[np.float64], b: NDArray[np.float64], cell: float) -> float:
    """Half the L1 distance of two histograms over square cells of that many degrees."""
    counts = [
        pd.Series(map(tuple, np.floor(np.round(part / cell, 6)).astype(int))).value_counts(
            normalize=True
        )
        for part in (a, b)
    ]
    return float(counts[0].sub(counts[1], fill_value=0).abs().sum() / 2)


def ends_of(trips: pa.Table) -> Ends:
    return np.column_stack([trips[name].to_numpy() for name in ENDS])


def ends_of_columns(columns: Columns) -> Ends:
    return np.column_stack([getattr(columns, name) for name in ENDS])


def length_divergence(a: Ends, b: Ends) -> float:
    """Jensen-Shannon divergence of trip lengths, base 2, 41 log bins from 100 m to 50 km."""
    edges = np.geomspace(100, 50_000, 42)
    p, q = (np.histogram(haversine(*part.T), edges)[0] / len(part) for part in (a, b))
    middle = (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = [np.nansum(np.where(x > 0, x * np.log2(x / middle), 0)) for x in (p, q)]
    return float(sum(terms) / 2)


def measure(day: Day, guarantee: Guarantee, settings: TripNet) -> None:
    """Train, sample, print one line."""
    start = time.perf_counter()
    grid = Grid(day.areas, settings.levels)
    plan = make_plan(guarantee, grid, settings, len(day.train))
    network = TripNetwork(grid, settings)
    adam = Adam.start(network.start(), settings.learning_rate, settings.weight_averaging)
    engine = DpSgd(network, grid.encode(day.train), plan.mechanism.begin(len(day.train)), adam)
    for _ in range(settings.steps):
        engine.step()
    trained = time.perf_counter()
    columns = grid.decode(network.sample(adam.averaged, len(day.train)), np.random.default_rng(1))
    sampled = time.perf_counter()
    real, fake = ends_of(day.train), ends_of_columns(columns)
    hours = [np.asarray(day.train["hour"].to_numpy()) * 0.05, columns.hour * 0.05]
    by_hour = [np.column_stack([h, e[:, :2]]) for h, e in zip(hours, (real, fake), strict=True)]
    uniform = uniform_bits(day.areas)
    value = bits(network, adam.averaged, day.test)
    print(
        f"{day.name:18s} n {len(day.train):6d} eps {guarantee.epsilon:5g} "
        f"noise {plan.mechanism.noise_multiplier:7.3f} | bits {value:.2f} "
        f"(uniform {uniform:.2f}, gain {uniform - value:.2f}) | OD 5 km "
        f"{variation(real, fake, 0.05):.3f} 1 km {variation(real, fake, 0.01):.3f} "
        f"origins 1 km {variation(real[:, :2], fake[:, :2], 0.01):.3f} "
        f"destinations 1 km {variation(real[:, 2:], fake[:, 2:], 0.01):.3f} "
        f"hour x origin {variation(by_hour[0], by_hour[1], 0.05):.3f} "
        f"length {length_divergence(real, fake):.4f} "
        f"| train {trained - start:.1f} s sample {sampled - trained:.1f} s "
        f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB",
        flush=True,
    )


def main() -> None:
    settings = TripNet()
    if len(sys.argv) > 1:
        rows = pd.read_csv(Path(sys.argv[1]), header=None, skipinitialspace=True)
        areas = load_region(METROS).service_area
        days = [halves("file", areas, table_from(rows, areas), 0.8)]
        deltas = [(epsilon, 3.3e-7) for epsilon in (0.666, 1.0, 10.0)]
    else:
        days = [
            halves("simulated, 1 area", boxes(1), simulated_day(boxes(1), 10_000, 1), 0.8),
            halves("simulated, 10", boxes(10), simulated_day(boxes(10), 32_500, 1), 0.8),
        ]
        deltas = [(0.666, 3.3e-7), (1.0, 1e-6)]
    for day in days:
        for epsilon, delta in deltas:
            measure(day, Guarantee(epsilon=epsilon, delta=delta), settings)


if __name__ == "__main__":
    main()
