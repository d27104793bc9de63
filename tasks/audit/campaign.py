"""All attacks on one published day, one after the other."""

import datetime as dt
from collections.abc import Callable

import numpy as np
import pyarrow as pa

from tasks.audit.exposure import Canaries, Exposure, exposures
from tasks.audit.findings import Effort, Findings
from tasks.audit.membership import Membership, attack_membership
from tasks.audit.one_run import INFLATED_EPSILON, one_run, power_of
from tasks.audit.pairs import PairBound, distinguish, subsampled_gaussian_scores
from tasks.audit.risks import Risk, measure_risks
from tasks.audit.sampling import check_sampling
from tasks.audit.twin import Twin
from tasks.privacy.accountant import solve_noise_multiplier
from tasks.privacy.mechanism import SubsampledGaussian
from tasks.region.guarantee import Guarantee
from tasks.region.model import Region

QUICK_STEPS = 60
"""Training steps of a quick audit."""
_PAIR_STEPS, _PAIR_PROBABILITY = 4, 0.5
"""Few steps with large draws: a pair's scores are cheap, and as telling as those of many steps."""
_SAMPLED_RECORDS = 2000

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
        rows: The release's rows, columns as `tasks.schema.RELEASE`.
        release_sha256: SHA-256 of the release's manifest.
        effort: How much is tried.
        is_quick: Whether to shorten training, for those who only want to see an audit run.
        progress: Told what begins.

    Raises:
        AuditError: If the release has too few rows.
    """
    twin = Twin(region, rows)
    if is_quick:
        twin = twin.shortened(QUICK_STEPS)
    claimed = region.guarantee.model_copy(update={"epsilon": INFLATED_EPSILON})
    inflated = twin.mechanism(INFLATED_EPSILON)
    mechanism = twin.mechanism()
    progress("one-run audits")
    runs = tuple(
        one_run(
            twin.network,
            twin.network.start(),
            twin.records,
            inflated,
            claimed,
            effort.canaries,
            seed,
        )
        for seed in range(effort.seeds)
    )
    power = power_of(inflated, claimed, effort.canaries)
    progress("neighbouring pairs")
    pairs = distinguish_mechanisms(claimed, effort.replicas)
    sampling = check_sampling(mechanism, _SAMPLED_RECORDS)
    progress("canary exposure")
    exposed = _expose(twin, mechanism, effort)
    progress("membership inference")
    memberships = _attack_memberships(twin, mechanism, effort)
    progress("singling out, linkability, inference")
    risks = _attack_rows(twin, mechanism, effort)
    return Findings(
        region=region.id,
        name=region.name,
        service_day=day,
        release_sha256=release_sha256,
        epsilon=region.guarantee.epsilon,
        delta=region.guarantee.delta,
        rows=rows.num_rows,
        is_quick=is_quick,
        effort=effort,
        power=power,
        one_runs=runs,
        pairs=pairs,
        sampling=sampling,
        exposures=exposed,
        memberships=memberships,
        risks=risks,
    )


def distinguish_mechanisms(claimed: Guarantee, replicas: int) -> tuple[PairBound, ...]:
    """A neighbouring pair for every mechanism, its noise solved for `claimed`."""
    mechanism = solve_noise_multiplier(claimed, _PAIR_PROBABILITY, _PAIR_STEPS)
    return (
        distinguish_gaussian(mechanism, claimed, replicas, subtract_a_null_day=False),
        distinguish_gaussian(mechanism, claimed, replicas, subtract_a_null_day=True),
    )


def distinguish_gaussian(
    mechanism: SubsampledGaussian, claimed: Guarantee, replicas: int, subtract_a_null_day: bool
) -> PairBound:
    """The neighbouring pair of a subsampled Gaussian; see `subsampled_gaussian_scores`."""
    name = "subsampled Gaussian"
    if subtract_a_null_day:
        name += ", the noise of another attempt subtracted"
    scores = subsampled_gaussian_scores(mechanism, replicas, subtract_a_null_day)
    return distinguish(name, *scores, claimed.epsilon, claimed.delta)


def _expose(twin: Twin, mechanism: SubsampledGaussian, effort: Effort) -> tuple[Exposure, ...]:
    """Exposures in a private model and in its control, trained on one half and the canaries."""
    network = twin.network
    candidates = network.sample(
        network.start(), 3 * effort.exposed + effort.references, np.random.default_rng(0)
    )
    canaries = Canaries.deal(candidates, effort.exposed, effort.copies)
    half, _ = twin.halves(seed=0)
    planted = canaries.plant(twin.records[half])
    return (
        *exposures(twin.train(planted, mechanism), canaries, is_private=True),
        *exposures(twin.train_openly(planted), canaries, is_private=False),
    )


def _attack_memberships(
    twin: Twin, mechanism: SubsampledGaussian, effort: Effort
) -> tuple[Membership, ...]:
    members, _ = twin.halves(seed=0)
    return (
        attack_membership(
            twin.records,
            members,
            lambda records: twin.train(records, mechanism),
            effort.shadows,
            seed=1,
            is_private=True,
        ),
        attack_membership(
            twin.records, members, twin.train_openly, effort.shadows, seed=1, is_private=False
        ),
    )


def _attack_rows(twin: Twin, mechanism: SubsampledGaussian, effort: Effort) -> tuple[Risk, ...]:
    members, others = twin.halves(seed=0)
    others = others[: len(members)]
    made_from, control = twin.rows.take(members), twin.rows.take(others)
    private = twin.release(twin.train(twin.records[members], mechanism), len(members))
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
