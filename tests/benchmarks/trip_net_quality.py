"""How close trip_net comes to a day: bits per held-out trip, and distances between tables.

    python -m tests.benchmarks.trip_net_quality            simulated days: choices are made on these
    python -m tests.benchmarks.trip_net_quality FILE.csv   a table of trips: for measurement only

FILE has no header: hour, vehicle id, origin latitude and longitude, destination latitude and
longitude. 80 % of the rows train, the rest is held out. Below our figures stand the floor, which
is one half of the real rows against the other, and those of other synthesizers on that table.
"""

import resource
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.cities.city import CITIES
from tasks.cities.gravity import boxes, simulated_day
from tasks.cities.plane import METRES_PER_DEGREE
from tasks.privacy.accountant import solve_noise_multiplier
from tasks.quality.classifiers import transfer
from tasks.quality.columns import Floats
from tasks.quality.likelihood import bits_per_trip, uniform_bits
from tasks.quality.metrics import compare
from tasks.quality.rows import lengths
from tasks.quality.splits import halves, split
from tasks.region import Box, Guarantee, TripNet
from tasks.synthesis.dpsgd import Adam, DpSgd
from tasks.synthesis.grid import BEARINGS, NULL, Grid, Tokens
from tasks.synthesis.network_training import learning_rate
from tasks.synthesis.sampling import release_table
from tasks.synthesis.trip_net import TripNetwork
from tests.benchmarks.peers import peers_at
from tests.benchmarks.report import line, title
from tests.benchmarks.trip_file import metros, read_trips


@dataclass(frozen=True)
class Day:
    """One day to measure on."""

    name: str
    areas: tuple[Box, ...]
    train: pa.Table
    test: pa.Table


def day_of(name: str, areas: tuple[Box, ...], trips: pa.Table) -> Day:
    return Day(name, areas, *split(trips, 0.8, seed=11))


def log_density(network: TripNetwork, weights: NDArray[np.float32], trips: pa.Table) -> Floats:
    """Natural logarithm of the density of each trip that the grid can hold, degrees to the -4."""
    tokens = network.grid.encode(trips)
    held = tokens[:, 0] != NULL
    tokens, trips = tokens[held], trips.filter(pa.array(held))
    return _within_cells(network.grid, tokens, trips) + network.log_likelihood(weights, tokens)


def _within_cells(grid: Grid, tokens: Tokens, trips: pa.Table) -> Floats:
    """Logarithm of the density of both ends, given their tokens."""
    south, west, north, east = np.array(
        [(box.south, box.west, box.north, box.east) for box in grid.boxes]
    )[tokens[:, 0]].T
    origin = 64.0**grid.levels / ((north - south) * (east - west))
    near, far = grid.distance_edges[tokens[:, -2]], grid.distance_edges[tokens[:, -2] + 1]
    # distances are log-uniform in their bin: their density is taken at the trip's own distance
    end = BEARINGS / (2 * np.pi) / (np.log(far / near) * lengths(trips) ** 2)
    shrink = np.cos(np.radians(trips["destination_latitude"].to_numpy()))
    return np.asarray(np.log(origin) + np.log(end * METRES_PER_DEGREE**2 * shrink))


def trained(
    day: Day,
    guarantee: Guarantee,
    settings: TripNet,
    start: NDArray[np.float32] | None = None,
    days: int = 0,
) -> tuple[TripNetwork, NDArray[np.float32]]:
    """The network and its weights after one training, from public weights or those of days before.

    Args:
        day: What is trained on.
        guarantee: What the noise is solved for.
        settings: The synthesizer's.
        start: Weights of the day before.
        days: How many days stand behind them.
    """
    grid = Grid(day.areas, settings.levels)
    mechanism = solve_noise_multiplier(
        guarantee,
        settings.sampling_probability,
        settings.steps,
        settings.reserve_steps,
        settings.l2_norm_clip,
    )
    network = TripNetwork(grid, settings)
    adam = Adam.start(
        network.start() if start is None else start,
        learning_rate(settings, days),
        settings.weight_averaging,
    )
    engine = DpSgd(network, grid.encode(day.train), mechanism.begin(len(day.train)), adam)
    for _ in range(settings.steps):
        engine.step()
    return network, adam.averaged


def drawn(network: TripNetwork, weights: NDArray[np.float32], rows: int) -> pa.Table:
    """Rows from a network."""
    tokens = network.sample(weights, rows)
    columns = network.grid.decode(tokens, np.random.default_rng(1))
    return release_table(network.grid.boxes, columns)


def measure(day: Day, guarantee: Guarantee, settings: TripNet) -> None:
    """Train, sample, print one line of figures and one of costs."""
    start = time.perf_counter()
    network, weights = trained(day, guarantee, settings)
    ready = time.perf_counter()
    synthetic = drawn(network, weights, len(day.train))
    sampled = time.perf_counter()
    bits = bits_per_trip(log_density(network, weights, day.test))
    uniform = uniform_bits(day.areas)
    figures = asdict(compare(day.train, synthetic, day.areas))
    learned, hoped = (transfer(table, day.test) for table in (synthetic, day.train))
    print(line(f"{day.name}, eps {guarantee.epsilon:g}", figures))
    print(
        f"    n {len(day.train)}, bits {bits:.2f} "
        f"(uniform {uniform:.2f}, gain {uniform - bits:.2f}), train {ready - start:.1f} s, "
        f"sample {sampled - ready:.1f} s, "
        f"hour band learned {learned.hour_band:.3f} (from real rows {hoped.hour_band:.3f}), "
        f"destination {learned.destination:.3f} ({hoped.destination:.3f}), "
        f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB",
        flush=True,
    )


def main() -> None:
    print(title())
    if len(sys.argv) > 1:
        trips = read_trips(Path(sys.argv[1]), metros())
        print(line("floor: halves", asdict(compare(*halves(trips, 0), metros()))))
        day = day_of("file", metros(), trips)
        for epsilon in (0.666, 1.0, 10.0):
            measure(day, Guarantee(epsilon=epsilon, delta=3.3e-7), TripNet())
            for peer in peers_at(epsilon):
                print(line(f"  {peer.name}, eps {epsilon:g}", peer.figures))
        return
    days = [
        day_of("gravity, 1 area", boxes(1), simulated_day(boxes(1), 10_000, 1)),
        day_of("gravity, 10 areas", boxes(10), simulated_day(boxes(10), 32_500, 1)),
        *(day_of(city.name, city.areas, city.day(27_000, 1)) for city in CITIES[1:]),
    ]
    for day in days:
        print(line(f"{day.name}, floor", asdict(compare(*halves(day.train, 0), day.areas))))
        for epsilon, delta in ((0.666, 3.3e-7), (1.0, 3.3e-7)):
            measure(day, Guarantee(epsilon=epsilon, delta=delta), TripNet())


if __name__ == "__main__":
    main()
