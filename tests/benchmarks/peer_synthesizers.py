"""The two best peers, run in an environment of their own: nothing of ours is imported here.

    python peer_synthesizers.py {smartnoise-mst,private-pgm} --sizes JSON --epsilon E --delta D
        ROWS.csv OUT.csv

ROWS has a header and a whole number from 0 on in every column, of which `cell` is one; sizes says
how many values each has. OUT gets as many rows and, behind them, as many again, for users who have
to leave some out.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mbi import (
    Dataset,
    Domain,
    LinearMeasurement,
    estimation,
    marginal_oracles,
    markov_random_field,
)
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import norm
from snsynth.mst import MSTSynthesizer
from snsynth.transform import LabelTransformer, TableTransformer

Draw = Callable[[int], pd.DataFrame]

SHARES = {
    ("cell",): 0.1,
    ("cell", "part"): 0.35,
    ("cell", "hour"): 0.2,
    ("cell", "bearing"): 0.15,
    ("cell", "distance"): 0.1,
    ("distance",): 0.1,
}
"""What private-PGM measures by hand, and the share of the budget of each: the best of seven
choices, made on another split than the figures are measured on."""
STANDARD_ERRORS = 3.0
"""A cell with fewer trips than this many standard deviations of its noise is taken for empty."""


class RandomTies:
    """numpy for mbi's sampler, with an argsort that puts equal values in random order."""

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    @staticmethod
    def argsort(values: NDArray[np.int64], kind: str) -> NDArray[np.int64]:
        ties = np.random.default_rng().random(len(values))
        return np.asarray(np.lexsort((ties, values)))


def repair_sampler() -> None:
    """Put the sampler of mbi 1.1.0 right, which both peers draw with.

    It draws a column by the ranks of the rows among those with equal parents, and reads the ranks
    off the order of the rows. So all columns with the same parent are sorted alike: the first rows
    of a cell have its lowest hour, part, distance and bearing at once, and where nothing but the
    cell ties two columns together they come out as good as equal. Random ranks are what was meant
    (mbi repaired it after 1.1.0, pull request 145 of ryan112358/mbi; SmartNoise asks for mbi < 2).
    """
    markov_random_field.np = RandomTies()


def smartnoise_mst(rows: pd.DataFrame, sizes: dict[str, int], epsilon: float, delta: float) -> Draw:
    """SmartNoise's MST over all values that a column can have, not those that occur."""
    values = pd.DataFrame({name: np.arange(max(sizes.values())) % sizes[name] for name in sizes})
    public = TableTransformer([LabelTransformer(nullable=False) for _ in sizes])
    public.fit(values)
    synthesizer = MSTSynthesizer(epsilon=epsilon, delta=delta)
    synthesizer.fit(rows, transformer=public)
    return lambda number: synthesizer.sample(number)[list(sizes)]


def private_pgm(rows: pd.DataFrame, sizes: dict[str, int], epsilon: float, delta: float) -> Draw:
    """Private-PGM by hand: Gaussian counts of cells, then of the pairs with those not empty.

    The number of rows is public; rows in cells taken for empty are measured no further.
    """
    one = gaussian_stddev(epsilon, delta)
    stddev = {clique: one / share**0.5 for clique, share in SHARES.items()}
    counts = np.bincount(rows["cell"], minlength=sizes["cell"])
    cells = counts + np.random.default_rng().normal(0, stddev["cell",], len(counts))
    used = np.flatnonzero(cells > STANDARD_ERRORS * stddev["cell",])

    domain = Domain.fromdict({**sizes, "cell": len(used)})
    kept = rows[rows["cell"].isin(used)]
    data = Dataset(
        {
            **{name: kept[name].to_numpy() for name in sizes},
            "cell": used.searchsorted(kept["cell"]),
        },
        domain,
    )
    measured = [LinearMeasurement(cells[used], ("cell",), stddev["cell",])]
    for clique in list(SHARES)[1:]:
        exact = np.asarray(data.project(clique).datavector())
        noisy = exact + np.random.default_rng().normal(0, stddev[clique], exact.size)
        measured.append(LinearMeasurement(noisy, clique, stddev[clique]))
    model = estimation.mirror_descent(
        domain,
        measured,
        known_total=float(len(rows)),
        iters=2_000,
        marginal_oracle=marginal_oracles.message_passing_stable,
    )

    def draw(number: int) -> pd.DataFrame:
        drawn = model.synthetic_data(number).df[list(sizes)]
        return drawn.assign(cell=used[drawn["cell"]])

    return draw


def gaussian_stddev(epsilon: float, delta: float) -> float:
    """The least noise for a sensitivity of 1 (Balle and Wang, ICML 2018, theorem 8)."""

    def excess(stddev: float) -> float:
        half, tilt = 1 / (2 * stddev), epsilon * stddev
        return float(norm.cdf(half - tilt) - np.exp(epsilon) * norm.cdf(-half - tilt)) - delta

    return float(brentq(excess, 0.05, 1_000))


PEERS = {"smartnoise-mst": smartnoise_mst, "private-pgm": private_pgm}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("--sizes", type=json.loads, required=True)
    parser.add_argument("--epsilon", type=float, required=True)
    parser.add_argument("--delta", type=float, required=True)
    parser.add_argument("rows", type=Path)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    repair_sampler()
    rows = pd.read_csv(given.rows)
    draw = PEERS[given.peer](rows, given.sizes, given.epsilon, given.delta)
    pd.concat([draw(len(rows)), draw(len(rows))]).to_csv(given.out, index=False)


if __name__ == "__main__":
    main()
