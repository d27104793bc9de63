"""How close trip_field and the two best peers come to a day, in one run.

    python -m tests.benchmarks.peers_run                  the first simulated city
    python -m tests.benchmarks.peers_run --file FILE.csv  a table of trips

The peers are SmartNoise's MST and private-PGM by hand. They are installed in an environment of
their own below `.cache/` (`peer-requirements.txt`), get the same rows under the same guarantee in
the best encoding that was found for them (`peer_encoding`), and have the sampler they share
repaired (`peer_synthesizers`). Rows that leave the service area or move 100 m or less are drawn
again, and replaced if that does not help. `peers.yaml` has what others' best figures were before.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa

from tasks import OpentripsError
from tasks.quality.metrics import compare
from tasks.quality.splits import halves, split
from tasks.region import Guarantee
from tests.benchmarks.peer_encoding import Encoding
from tests.benchmarks.peer_environment import PEERS, PeerError, drawn, installed
from tests.benchmarks.report import line, title
from tests.benchmarks.trip_field_quality import DELTA, Run, days, report, run_field
from tests.benchmarks.trip_net_quality import Day

EPSILONS = (0.666, 1.0)


def synthetic_trips(python: Path, peer: str, day: Day, guarantee: Guarantee) -> pa.Table:
    """As many trips as a day has, made by a peer.

    Raises:
        PeerError: If the peer fails, or even its spare rows do not make so many trips.
    """
    encoding = Encoding(day.areas)
    codes = drawn(python, peer, encoding.encode(day.train), encoding.sizes, guarantee)
    trips = encoding.decode(codes, np.random.default_rng())
    if len(trips) < len(day.train):
        raise PeerError(f"{peer}: {len(trips)} of {len(codes)} rows are trips, too few")
    return trips.slice(0, len(day.train))


def run_peer(python: Path, peer: str, day: Day, guarantee: Guarantee) -> Run:
    """Train, sample and decode, in one time: a peer does not tell them apart."""
    start = time.perf_counter()
    synthetic = synthetic_trips(python, peer, day, guarantee)
    took = time.perf_counter() - start
    return Run(asdict(compare(day.train, synthetic, day.areas)), None, None, took, None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--file", type=Path, help="a table of trips, as the replay server plays it")
    parser.add_argument("--epsilon", type=float, nargs="+", default=EPSILONS)
    parser.add_argument("--delta", type=float, default=DELTA)
    parser.add_argument("--split", type=int, nargs="+", default=(0,), help="seeds of the splits")
    parser.add_argument("--seeds", type=int, default=2, help="runs of each on each split")
    parser.add_argument("--field-seeds", type=int, help="runs of trip_field, if not as many")
    arguments = parser.parse_args()
    try:
        python = installed()
        name, areas, trips = next(iter(days(arguments.file)))
        synthesizers: dict[str, Callable[[Day, Guarantee], Run]] = {
            "trip_field": run_field,
            **{peer: partial(run_peer, python, peer) for peer in PEERS},
        }
        seeds = {"trip_field": arguments.field_seeds or arguments.seeds}
        print(title())
        print(line(f"{name}, half to half", asdict(compare(*halves(trips, 0), areas))), flush=True)
        for epsilon in arguments.epsilon:
            guarantee = Guarantee(epsilon=epsilon, delta=arguments.delta)
            for synthesizer, run in synthesizers.items():
                runs = {
                    (seed, again): run(Day(name, areas, *split(trips, 0.8, seed)), guarantee)
                    for seed in arguments.split
                    for again in range(seeds.get(synthesizer, arguments.seeds))
                }
                report(f"{name}, {synthesizer}, eps {epsilon:g}", runs)
    except OpentripsError as error:
        parser.exit(1, f"{error}\n")


if __name__ == "__main__":
    main()
