"""What a mechanism costs, and how much noise a guarantee needs.

Two accountants of dp_accounting 0.4.3 look at every event: privacy loss distributions (PLD),
which are reported, and Renyi divergences (RDP), the cross-check. Both give upper bounds; PLD is
the tighter one, and an event for which it is not is refused. The relation is ADD_OR_REMOVE_ONE:
under `zero_out` a record is replaced by one that contributes exactly zero to every sum, which
is what removing it does. A record is one unit: a trip, or under `vehicle_day` a vehicle's trips.

The PLD is discretised pessimistically (privacy losses are rounded so that the epsilon is an upper
bound) at intervals of 1e-4: coarser ones cost noise over many steps, finer ones gain nothing.
Mechanisms on integers are accounted by continuous events that dominate them (`domination`).

Examples:
    A day of n = 27,000 trips, 30 epochs, delta 6.53e-7, epsilon 0.666. Batches of 64 need a noise
    multiplier of 1.951 by RDP, of 1.903 by PLD at intervals of 1e-3 and of 1.834 at 1e-4:

    >>> import dp_accounting
    >>> def training(batch, noise):
    ...     step = dp_accounting.PoissonSampledDpEvent(
    ...         batch / 27_000, dp_accounting.GaussianDpEvent(noise)
    ...     )
    ...     return dp_accounting.SelfComposedDpEvent(step, 30 * 27_000 // batch)
    >>> round(epsilon_by_rdp(training(64, 1.951), 6.53e-7), 3)
    0.666
    >>> round(epsilon_by_pld(training(64, 1.903), 6.53e-7, interval=1e-3), 3)
    0.666
    >>> round(epsilon_by_pld(training(64, 1.834), 6.53e-7), 3)
    0.666

    Batches of 1024 need 7.326 by RDP, 6.845 by PLD at 1e-3 and 6.823 at 1e-4:

    >>> round(epsilon_by_rdp(training(1024, 7.326), 6.53e-7), 3)
    0.666
    >>> round(epsilon_by_pld(training(1024, 6.845), 6.53e-7, interval=1e-3), 3)
    0.666
    >>> round(epsilon_by_pld(training(1024, 6.823), 6.53e-7), 3)
    0.666

    Where the number of trips is private, it is counted with noise at a twentieth of epsilon 1 and
    training takes the rest. That raises its noise multiplier from 7.802 to 7.959:

    >>> from tasks.privacy.counts import NoisyCount
    >>> from tasks.privacy.mechanism import Composition
    >>> target = Guarantee(adjacency="add_remove", epsilon=1, delta=1e-6)
    >>> count = NoisyCount.within(1 / 20, sensitivity=1)
    >>> def counted(noise):
    ...     return Composition((count, SubsampledGaussian(0.1, noise, 300, 30, 1.0)))
    >>> solved = solve_noise(target, counted)
    >>> solved.parts[1].noise_multiplier
    7.959
    >>> cost = epsilons(solved.event(), 1e-6)
    >>> round(cost.pld, 3), round(cost.rdp, 3)
    (1.0, 1.083)

    Hours, and the cells of both ends in one table, measured once at epsilon 1, delta 1e-6, with
    half of the squared budget each, need noise with these standard deviations in every cell:

    >>> from tasks.privacy.weighted_counts import WeightedMeasurement
    >>> tables = {"hours": (24, 1, 0.5), "ends": (64, 2, 0.5)}
    >>> solved = solve_noise(target, lambda noise: WeightedMeasurement.within(noise, tables))
    >>> [round(table.stddev, 2) for table in solved.tables]
    [5.99, 8.48]
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any, TypeVar

import dp_accounting
from cachetools import LRUCache, cached
from dp_accounting.pld import PLDAccountant
from dp_accounting.rdp import RdpAccountant
from scipy import optimize

from tasks.privacy.errors import AccountingError, TargetUnreachableError
from tasks.privacy.mechanism import Mechanism, SubsampledGaussian
from tasks.region.guarantee import Guarantee

_Epsilon = Callable[[dp_accounting.DpEvent, float], float]
M = TypeVar("M", bound=Mechanism)

RELATION = dp_accounting.NeighboringRelation.ADD_OR_REMOVE_ONE
_KEPT = 4_096
"""Costs remembered: a search for noise asks for some of them again, the next day for all."""
INTERVAL = 1e-4
"""Discretisation of privacy losses."""
NOISE_GRAIN = 1e-3
"""Solved noise multipliers are rounded up to a multiple of this."""
NOISE_RANGE = (0.3, 100_000.0)
"""Noise multipliers that are searched; below, the accountant's arrays outgrow memory."""

ACCOUNTANT = "dp-accounting 0.4.3, PLD, value_discretization_interval 1e-4, pessimistic"
"""How the reported epsilon was computed, for the privacy statement."""


@dataclass(frozen=True)
class Epsilons:
    """The cost of one event at one delta.

    Attributes:
        pld: By privacy loss distributions; reported.
        rdp: By Renyi divergences; never smaller than `pld`.
    """

    pld: float
    rdp: float


def _said(event: dp_accounting.DpEvent, delta: float, interval: float = 0.0) -> tuple[Any, ...]:
    """What a cost follows from; an event in full, since some have no hash."""
    return repr(event), delta, interval


@cached(LRUCache(_KEPT), key=_said, lock=Lock())
def epsilon_by_pld(event: dp_accounting.DpEvent, delta: float, interval: float = INTERVAL) -> float:
    """An upper bound on epsilon at `delta`, by privacy loss distributions."""
    accountant = PLDAccountant(RELATION, value_discretization_interval=interval)
    return float(accountant.compose(event).get_epsilon(delta))


@cached(LRUCache(_KEPT), key=_said, lock=Lock())
def epsilon_by_rdp(event: dp_accounting.DpEvent, delta: float) -> float:
    """An upper bound on epsilon at `delta`, by Renyi divergences."""
    return float(RdpAccountant(neighboring_relation=RELATION).compose(event).get_epsilon(delta))


def epsilons(event: dp_accounting.DpEvent, delta: float) -> Epsilons:
    """The cost of an event, by both accountants.

    Raises:
        AccountingError: If PLD is above RDP, which correct accountants do not do, or if the event
            is none that they know; the text names it.

    Examples:
        >>> mechanism = SubsampledGaussian(0.1, 9.0, steps=300, reserve_steps=30, l2_norm_clip=1.0)
        >>> cost = epsilons(mechanism.event(), 6.53e-7)
        >>> round(cost.pld, 3), round(cost.rdp, 3)
        (0.874, 0.943)
    """
    try:
        cost = Epsilons(epsilon_by_pld(event, delta), epsilon_by_rdp(event, delta))
    except dp_accounting.UnsupportedEventError as error:
        raise AccountingError(f"the accountants do not know this event: {error}") from error
    if not cost.pld <= cost.rdp:
        raise AccountingError(
            f"PLD epsilon {cost.pld:.6g} is above RDP epsilon {cost.rdp:.6g} for {event}; "
            "use fewer steps or a larger sampling probability"
        )
    return cost


def solve_noise_multiplier(
    guarantee: Guarantee,
    sampling_probability: float,
    steps: int,
    reserve_steps: int = 0,
    l2_norm_clip: float = 1.0,
) -> SubsampledGaussian:
    """The subsampled Gaussian with the least noise that keeps a guarantee over all its steps.

    Args:
        guarantee: The target epsilon and delta.
        sampling_probability: q in (0, 1).
        steps: Planned steps, >= 1.
        reserve_steps: Further steps to account for, >= 0.
        l2_norm_clip: Bound on one record's contribution; the cost does not depend on it.

    Raises:
        TargetUnreachableError: If no noise multiplier from 0.3 to 100,000 will do.

    Examples:
        >>> target = Guarantee(epsilon=0.666, delta=6.53e-7)
        >>> solve_noise_multiplier(target, 64 / 27_000, 12_656).noise_multiplier
        1.835
        >>> mechanism = solve_noise_multiplier(Guarantee(epsilon=1, delta=1e-6), 0.1, 300, 30)
        >>> mechanism.noise_multiplier
        7.802
    """
    return solve_noise(
        guarantee,
        lambda noise: SubsampledGaussian(
            sampling_probability, noise, steps, reserve_steps, l2_norm_clip
        ),
    )


def solve_noise(guarantee: Guarantee, mechanism_of: Callable[[float], M]) -> M:
    """The mechanism with the least noise that keeps a guarantee.

    The noise is rounded up to a multiple of 1e-3 and the result is checked: its epsilon by PLD
    never exceeds the guarantee's.

    Args:
        guarantee: The target epsilon and delta.
        mechanism_of: Makes the mechanism, which may be a composition, from its one free number:
            a noise multiplier; more noise must not cost more.

    Raises:
        TargetUnreachableError: If no noise multiplier from 0.3 to 100,000 will do.
    """
    lowest, highest = NOISE_RANGE

    def excess(noise: float, epsilon_of: _Epsilon = epsilon_by_pld) -> float:
        event = mechanism_of(noise).event()
        # within the noise range no epsilon reaches 1e9; infinity would stop the root finder
        return min(epsilon_of(event, guarantee.delta), 1e9) - guarantee.epsilon

    if excess(highest) > 0:
        raise TargetUnreachableError(
            f"no noise multiplier up to {highest:g} keeps epsilon {guarantee.epsilon:g} at delta "
            f"{guarantee.delta:g} for {mechanism_of(highest).event()}; take fewer steps, a smaller "
            "sampling probability or a larger epsilon"
        )
    high = lowest
    while high < highest and excess(high, epsilon_by_rdp) > 0:
        high = min(high * 2, highest)
    if lowest < high < highest:  # RDP is fast, and near PLD: start the search there
        high = float(optimize.brentq(excess, high / 4, high, args=(epsilon_by_rdp,), rtol=1e-3))
    while excess(high) > 0:
        high = min(high * 1.1, highest)
    low = high
    while low > lowest and excess(low) <= 0:
        low, high = max(low * 0.85, lowest), low
    noise = lowest
    if excess(low) > 0:
        noise = float(optimize.brentq(excess, low, high, xtol=NOISE_GRAIN / 4))
    grains = math.ceil(noise / NOISE_GRAIN)
    while excess(round(grains * NOISE_GRAIN, 3)) > 0:
        grains += 1
    return mechanism_of(round(grains * NOISE_GRAIN, 3))
