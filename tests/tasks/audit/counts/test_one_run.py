from collections.abc import Mapping
from itertools import islice

import numpy as np
import pyarrow as pa
import pytest

from tasks.audit.counts.field import AuditedField, CountedTrips
from tasks.audit.counts.one_run import CountsAudit
from tasks.privacy.weighted_counts import Counts, multiplied
from tasks.region import Guarantee
from tasks.synthesis.trip_field import FieldSettings, make_plan
from tests.coupling import coupled_secrets

CANARIES = 512


@pytest.fixture(scope="module")
def audit(field: AuditedField) -> CountsAudit:
    claimed = field.twin.claimed
    return CountsAudit.of(field.counting(claimed, 8000), claimed, CANARIES)


def test_scores_are_log_odds_as_often_right_as_they_say(audit: CountsAudit) -> None:
    guesses = list(islice(audit.simulated(), 200))
    scores = np.concatenate([guess[0] for guess in guesses])
    included = np.concatenate([guess[1] for guess in guesses])
    for low, high in ((-2, -1), (-1, 0), (0, 1), (1, 2)):
        here = (scores > low) & (scores < high)
        said = 1 / (1 + np.exp(-scores[here].mean()))
        assert included[here].mean() == pytest.approx(said, abs=0.02)


@pytest.mark.slow
def test_a_run_finds_what_its_power_says(audit: CountsAudit, rows: pa.Table) -> None:
    power = audit.power()
    with coupled_secrets(seed=1):
        runs = [audit.run(rows, seed) for seed in range(12)]
    proven = [run.epsilon_lower for run in runs]
    assert 0 <= min(proven) <= max(proven) <= power.hardly_ever < power.ceiling < 4
    assert np.mean(proven) == pytest.approx(power.expected, abs=0.35)


@pytest.mark.slow
def test_more_canaries_prove_more(audit: CountsAudit) -> None:
    fewer = CountsAudit.of(audit.counting, audit.claimed, CANARIES // 4)
    assert fewer.power().expected < audit.power().expected


@pytest.mark.slow
def test_nothing_is_proven_where_canaries_are_ignored(audit: CountsAudit, rows: pa.Table) -> None:
    def of_the_twin_alone(trips: pa.Table) -> Mapping[str, Counts]:
        return audit.counting.measure(trips.slice(0, rows.num_rows))

    bounds = [audit.run(rows, seed, of_the_twin_alone).epsilon_lower for seed in range(12)]
    assert np.mean([bound > 0 for bound in bounds]) <= 0.05 + 3 * (0.05 * 0.95 / 12) ** 0.5


def test_a_measurement_without_noise_is_refuted(audit: CountsAudit, rows: pa.Table) -> None:
    def openly(trips: pa.Table) -> Mapping[str, Counts]:
        cells = audit.counting.touched(trips)
        return {t.name: multiplied(t, cells[t.name]) for t in audit.counting.mechanism.tables}

    run = audit.run(rows, 0, openly)
    assert run.correct == run.guesses
    assert run.is_violation


@pytest.mark.slow
def test_a_unit_of_several_trips_is_as_visible_as_one(field: AuditedField, rows: pa.Table) -> None:
    """Its noise is larger by as much as its trips are more."""
    one, three = (
        Guarantee(
            unit="vehicle_day",
            max_trips_per_vehicle=trips,
            adjacency="add_remove",
            epsilon=4.0,
            delta=1e-6,
        )
        for trips in (1, 3)
    )
    boxes = field.twin.region.service_area
    powers = [
        CountsAudit.of(CountedTrips(plan), each, 256).power().expected
        for each in (one, three)
        for plan in [make_plan(boxes, 24_000, each, FieldSettings())]
    ]
    assert powers[0] == pytest.approx(powers[1], abs=0.1)
