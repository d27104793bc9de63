"""Does the stated epsilon follow from the stated mechanism?"""

import math
from collections.abc import Iterator
from fractions import Fraction

import dp_accounting

from tasks.archive.verification.report import Finding, judged
from tasks.archive.verification.source import Source
from tasks.privacy.accountant import epsilons
from tasks.privacy.counts import NoisyCount
from tasks.privacy.mechanism import SubsampledGaussian
from tasks.privacy.weighted_counts import WeightedMeasurement
from tasks.release.manifest import Count, DpSgd, GaussianCounts, PublicManifest

_TOLERANCE = 1e-6
"""Relative; another machine rounds otherwise."""


def check_accounting(source: Source, manifest: PublicManifest) -> Iterator[Finding]:
    """Make the event of the mechanism anew and ask both accountants what it costs."""
    guarantee, stated = manifest.guarantee, manifest.accountant
    cost = epsilons(event_of(manifest.mechanism), guarantee.delta)
    faults = []
    for name, found, said in (
        ("PLD", cost.pld, stated.epsilon_pld),
        ("RDP", cost.rdp, stated.epsilon_rdp),
    ):
        if not math.isclose(found, said, rel_tol=_TOLERANCE):
            faults.append(f"by {name} the mechanism costs epsilon {found:.6g}, not {said:.6g}")
    if cost.pld > guarantee.epsilon * (1 + 1e-9):
        faults.append(f"that is more than the epsilon {guarantee.epsilon:g} that is promised")
    fine = (
        f"the mechanism costs epsilon {cost.pld:.6g} by PLD and {cost.rdp:.6g} by RDP at delta "
        f"{guarantee.delta:g}, as stated, of {guarantee.epsilon:g} promised"
    )
    yield from judged("epsilon", faults, fine)
    if isinstance(manifest.mechanism, GaussianCounts):
        yield from _tables(manifest.mechanism)


def event_of(mechanism: DpSgd | GaussianCounts) -> dp_accounting.DpEvent:
    """The event of all that was measured of the day, by the manifest."""
    counts = [_count(mechanism.count)] * mechanism.count.numbers if mechanism.count else []
    return dp_accounting.ComposedDpEvent([*counts, _main(mechanism)])


def measurement_of(mechanism: GaussianCounts) -> WeightedMeasurement:
    """What was measured, by the manifest."""
    return WeightedMeasurement.described(mechanism.model_dump(mode="json"))


def _main(mechanism: DpSgd | GaussianCounts) -> dp_accounting.DpEvent:
    if isinstance(mechanism, GaussianCounts):
        return dp_accounting.GaussianDpEvent(mechanism.noise_multiplier)
    fields = mechanism.model_dump(exclude={"name", "count"})
    return SubsampledGaussian(**fields).event()


def _count(count: Count) -> dp_accounting.DpEvent:
    return NoisyCount(count.sensitivity, Fraction(count.scale)).event()


def _tables(mechanism: GaussianCounts) -> Iterator[Finding]:
    """Whether the tables together have at least the noise that is accounted for."""
    together = float(measurement_of(mechanism).event().noise_multiplier)
    fault = (
        f"the {len(mechanism.tables)} tables together have a noise multiplier of {together:.6g}, "
        f"less than the {mechanism.noise_multiplier:g} that is accounted for"
    )
    is_enough = together >= mechanism.noise_multiplier * (1 - 1e-9)
    yield from judged(
        "noise",
        [] if is_enough else [fault],
        f"the {len(mechanism.tables)} tables together have a noise multiplier of {together:.6g}, "
        f"of {mechanism.noise_multiplier:g} accounted for",
    )
