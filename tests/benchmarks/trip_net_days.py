"""How much closer trip_net gets to a day with the days that stand behind it.

    python -m tests.benchmarks.trip_net_days

The first days of `tasks.cities.month`, each trained at epsilon 0.666 twice: from public
weights, and from those of the day before. Below them another sample of the same day.
"""

import argparse

import numpy as np
from numpy.typing import NDArray

from tasks.cities import month
from tasks.quality.histograms import DESTINATIONS_1KM, total_variation
from tasks.region import TripNet
from tests.benchmarks.thirty_days import FIGURES, GUARANTEE
from tests.benchmarks.trip_net_quality import Day, drawn, trained

SHOWN = {**FIGURES, "destinations, 1 km": DESTINATIONS_1KM}
RELEASES = ("started from the day before", "each day alone", "another sample of the day")


def run(days: int, trips: int, seed: int) -> NDArray[np.float64]:
    """Total variation from each day, shape (days, releases, figures)."""
    weights: NDArray[np.float32] | None = None
    found = []
    for number in range(days):
        real = month.day_of_month(number, trips, seed)
        day = Day("month", (month.BOX,), real, real)
        network, weights = trained(day, GUARANTEE, TripNet(), weights, number)
        _, alone = trained(day, GUARANTEE, TripNet())
        tables = (
            drawn(network, weights, len(real)),
            drawn(network, alone, len(real)),
            month.day_of_month(number, trips, seed + 1000),
        )
        found.append(
            [[total_variation(real, table, cells) for cells in SHOWN.values()] for table in tables]
        )
        for name, figures in zip(RELEASES, found[-1], strict=True):
            print(f"day {number + 1}, {name:28s}", *(f"{figure:7.3f}" for figure in figures))
    return np.array(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--days", type=int, default=6)
    parser.add_argument("--trips", type=int, default=2_000, help="trips of the first day")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    print("total variation:", "; ".join(SHOWN))
    found = run(arguments.days, arguments.trips, arguments.seed)
    print(f"\nmean of the last {min(3, arguments.days)} days")
    for name, figures in zip(RELEASES, found[-3:].mean(axis=0), strict=True):
        print(f"{name:35s}", *(f"{figure:7.3f}" for figure in figures))


if __name__ == "__main__":
    main()
