"""All attacks on one published day, one after the other."""

import datetime as dt
from collections.abc import Callable

import numpy as np
import pyarrow as pa

from tasks.audit.audited import Audited, audited
from tasks.audit.exposure import Canaries, Exposure, exposures
from tasks.audit.findings import Effort, Findings
from tasks.audit.membership import Membership, attack_membership
from tasks.audit.risks import Risk, measure_risks
from tasks.audit.trips import random_trips
from tasks.audit.twin import Twin
from tasks.region.model import Region

Progress = Callable[[str], None]


def attack_release(
    region: Region,
    day: dt.date,
    rows: pa.Table,
    release_sha256: str,
    effort: Effort,
    is_quick: bool,
    progress: Progress,
) -> Findings:
    """Draw a day's twin from its release and try every attack on it.

    Args:
        region: The region.
        day: A published day.
        rows: The release's trips, columns as `tasks.schema.RELEASE`.
        release_sha256: SHA-256 of the release's manifest.
        effort: How much is tried.
        is_quick: Whether to shorten training, for those who only want to see an audit run.
        progress: Told what begins.

    Raises:
        AuditError: If the release has too few rows.
    """
    twin = Twin(region, rows)
    synthesizer = audited(twin, is_quick)
    progress("one-run audits")
    runs = tuple(synthesizer.one_run(effort.canaries, seed) for seed in range(effort.seeds))
    power = synthesizer.power(effort.canaries)
    progress("neighbouring pairs")
    pairs = synthesizer.pairs(effort.replicas)
    check = synthesizer.check()
    progress("canary exposure")
    exposed = _expose(twin, synthesizer, effort)
    progress("membership inference")
    memberships = _attack_memberships(twin, synthesizer, effort)
    progress("singling out, linkability, inference")
    risks = _attack_rows(twin, synthesizer, effort)
    return Findings(
        region=region.id,
        name=region.name,
        service_day=day,
        synthesizer=region.maker.name,
        release_sha256=release_sha256,
        epsilon=region.guarantee.epsilon,
        delta=region.guarantee.delta,
        rows=rows.num_rows,
        is_quick=is_quick,
        effort=effort,
        power=power,
        one_runs=runs,
        pairs=pairs,
        check=check,
        exposures=exposed,
        memberships=memberships,
        risks=risks,
    )


def _expose(twin: Twin, synthesizer: Audited, effort: Effort) -> tuple[Exposure, ...]:
    """Exposures in a private model and in its control, made of one half and the canaries.

    The reference is made of the half alone, without privacy: the attacker knows every other trip.
    """
    candidates = random_trips(
        twin.region.service_area,
        3 * effort.exposed + effort.references,
        np.random.default_rng(0),
    )
    canaries = Canaries.deal(candidates, effort.exposed, effort.copies)
    half, _ = twin.halves(seed=0)
    trips = twin.trips.take(half)
    reference = synthesizer.train(trips, is_private=False)
    planted = canaries.plant(trips)
    return tuple(
        exposure
        for is_private in (True, False)
        for exposure in exposures(
            synthesizer.train(planted, is_private), reference, canaries, is_private
        )
    )


def _attack_memberships(twin: Twin, synthesizer: Audited, effort: Effort) -> tuple[Membership, ...]:
    members, _ = twin.halves(seed=0)

    def attacked(is_private: bool) -> Membership:
        return attack_membership(
            twin.trips,
            members,
            lambda trips: synthesizer.train(trips, is_private),
            effort.shadows,
            seed=1,
            is_private=is_private,
        )

    return attacked(is_private=True), attacked(is_private=False)


def _attack_rows(twin: Twin, synthesizer: Audited, effort: Effort) -> tuple[Risk, ...]:
    members, others = twin.halves(seed=0)
    others = others[: len(members)]
    made_from, control = twin.trips.take(members), twin.trips.take(others)
    private = synthesizer.train(made_from, is_private=True).draw(len(members))
    return tuple(
        risk
        for what, release in (("a private release", private), ("a copy of the trips", made_from))
        for risk in measure_risks(
            made_from,
            control,
            release,
            twin.region.service_area,
            effort.attacks,
            seed=0,
            what=what,
        )
    )
