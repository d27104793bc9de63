from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from tasks.audit.errors import AuditError
from tasks.audit.risks import measure_risks
from tasks.audit.twin import Twin
from tasks.privacy.mechanism import SubsampledGaussian
from tasks.region import Region
from tasks.schema import RELEASE

MECHANISM = SubsampledGaussian(0.1, 1.5, steps=60, reserve_steps=0, l2_norm_clip=1.0)


def test_halves_are_a_partition(twin: Twin) -> None:
    one, other = twin.halves(seed=1)
    assert sorted([*one, *other]) == list(range(twin.rows.num_rows))
    assert set(one) != set(twin.halves(seed=2)[0])


def test_a_release_too_small_to_audit_is_refused(region: Region, rows: pa.Table) -> None:
    with pytest.raises(AuditError, match="too small") as caught:
        Twin(region, rows.slice(0, 100))
    assert "\n" not in str(caught.value)


def test_training_without_privacy_fits_better_and_both_beat_no_training(twin: Twin) -> None:
    members, _ = twin.halves(seed=0)
    records = twin.records[members]
    untrained = -np.log(24 * 64 * 64)  # hour and two digits; the rest is about as likely
    private = twin.train(records, MECHANISM).log_likelihood(records).mean()
    openly = twin.train_openly(records).log_likelihood(records).mean()
    assert openly > private + 0.5
    assert private > untrained - 12
    null = np.full((1, records.shape[1]), -1, np.int32)
    assert twin.train_openly(records[:20]).log_likelihood(null) == [0.0]


@pytest.mark.parametrize(("optimizer", "steps_are_of_one_length"), [("adam", True), ("sgd", False)])
def test_the_twin_trains_by_the_optimizer_of_its_region(
    twin: Twin, optimizer: str, steps_are_of_one_length: bool
) -> None:
    synthesizer = twin.region.synthesizer.model_copy(update={"optimizer": optimizer})
    twin = replace(twin, region=twin.region.model_copy(update={"synthesizer": synthesizer}))
    trained = twin.train(twin.records, replace(MECHANISM, steps=1))
    lengths = np.abs(trained.weights - twin.network.start())
    assert bool(lengths.std() < 0.01 * lengths.mean()) is steps_are_of_one_length


def test_a_shortened_twin_trains_for_fewer_steps(twin: Twin) -> None:
    short = twin.shortened(7).settings
    assert (short.steps, short.reserve_steps) == (7, 0)
    assert twin.settings.steps == 60


@pytest.mark.slow  # numba compiles what anonymeter runs
def test_a_copy_is_at_risk_and_strangers_are_not(region: Region, rows: pa.Table) -> None:
    made_from, control, strangers = (rows.slice(start, 130) for start in (0, 130, 260))
    boxes = region.service_area
    for what, release, is_at_risk in (
        ("a copy", made_from, True),
        ("strangers", strangers, False),
    ):
        risks = measure_risks(made_from, control, release, boxes, 100, seed=0, what=what)
        assert [risk.release for risk in risks] == [what] * 4
        for risk in risks:
            assert (risk.risk.low > 0.5) is is_at_risk, risk
            assert risk.control.low <= risk.control.value <= risk.control.high
        assert all(risk.is_conclusive for risk in risks) or not is_at_risk


def test_a_release_has_the_columns_of_a_release(twin: Twin) -> None:
    trained = twin.train_openly(twin.records[:20])
    assert twin.release(trained, 30).schema == RELEASE.arrow()
