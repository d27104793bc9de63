"""What a fitted law misses of a city, beyond what noise leaves open.

The constants were chosen on simulated cities (`tasks.cities`: transit, month and
metropolis, 3,000 to 8,000 trips at epsilon 1); `tests.benchmarks.interval_coverage` looks at
others.
How far small flows are from gravity is told from the city's own noisy counts: by how much its
measured flows between blocks are. What a law misses of flows shrinks with its cells.
"""

from dataclasses import dataclass

import numpy as np

from tasks.synthesis.trip_field.field import Field
from tasks.synthesis.trip_field.lattice import COARSEST, FAR
from tasks.synthesis.trip_field.spread import Spread
from tasks.synthesis.trip_field.targets import COARSE, FINE, KINDS, Kind


@dataclass(frozen=True)
class Misfit:
    """What a fitted law misses of true numbers; by default nothing, which leaves noise alone.

    Attributes:
        rough: By how much a day varies more than a multinomial draw, as a share of that, >= 0.
        share: Standard deviation of what the law misses, as a share of the number, >= 0.
        within: The same as a share of the trips that begin and end in one cell, >= 0.
    """

    rough: float = 0.0
    share: float = 0.0
    within: float = 0.0


NOTHING = dict.fromkeys(KINDS, Misfit())
"""What is missed if the law is right."""

_MISSED = {
    Kind("origins", FINE): Misfit(2.0, 0.1),
    Kind("origins", COARSE): Misfit(2.0),
    Kind("destinations", FINE): Misfit(2.0, 0.1, 0.5),
    Kind("destinations", COARSE): Misfit(2.0),
    Kind("hours"): Misfit(1.0),
    Kind("distances"): Misfit(1.0, 1.0),
}
_FLOWS = {Kind("flows", COARSE): Misfit(3.0, 0.1)}
_ROUGH_FLOWS = 0.5
_FINER = 1.5
"""By this factor cells are further from gravity than blocks are."""
_TOLD = 10.0
"""Flows of fewer expected trips tell nothing of it."""


def misfits_of(field: Field, spread: Spread) -> dict[Kind, Misfit]:
    """What the law misses of each kind of number.

    Args:
        field: The fitted field.
        spread: Draws around it.
    """
    scale = COARSEST / spread.lattice.cells_per_degree
    share = _FINER * beyond_gravity(field, spread)
    flows = {**_FLOWS, Kind("flows", FINE): Misfit(_ROUGH_FLOWS, share)}
    return _MISSED | {
        kind: Misfit(scale * misfit.rough, scale * misfit.share) for kind, misfit in flows.items()
    }


def beyond_gravity(field: Field, spread: Spread) -> float:
    """Standard deviation of the logarithm of flows between blocks around what gravity says.

    A flow's effect is pulled towards zero by its prior, by a share that its posterior variance
    tells. The standard deviation is the one at which the effects are as large as they are.

    Args:
        field: The fitted field.
        spread: Draws around it.

    Returns:
        That of the prior if too few flows are large enough to tell.
    """
    prior = spread.prior.pair
    flows = field.flows.sum(axis=1).T[:FAR] * field.rows
    told = flows > _TOLD
    if told.sum() < 2:
        return prior
    effect = np.log(field.pair[:FAR][told])
    variance = spread.pair[:, :FAR][:, told].astype(np.float64).var(axis=0, ddof=1)
    kept = np.clip(1 - variance / prior**2, 0, 1)
    excess = effect**2 - prior**2 * kept * (1 - kept)
    return float(np.sqrt(np.clip(excess.sum() / (kept**2).sum(), 0, 1)))
