import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from tasks.audit.canaries import COLUMNS, CanaryModel, canary_records
from tasks.audit.one_run import INFLATED_EPSILON, power_of
from tasks.audit.twin import Twin
from tasks.privacy.mechanism import SubsampledGaussian
from tasks.region import Guarantee
from tasks.synthesis.dpsgd import clipped_sum

CLIP = 0.5


def summed(model: CanaryModel, twin: Twin, records: NDArray[np.int32]) -> NDArray[np.float64]:
    flat = tf.constant(model.start(twin.network.start()))
    return np.asarray(clipped_sum(model, flat, tf.constant(records), CLIP).numpy())


def test_a_canary_is_one_direction_of_the_clip_norm(twin: Twin) -> None:
    model = CanaryModel(twin.network, 2 * COLUMNS)
    for number in (0, 63, 64, 127):
        included = np.arange(2 * COLUMNS) == number
        total = summed(model, twin, canary_records(included, twin.records.shape[1]))
        assert 0.999 * CLIP < np.linalg.norm(total) <= CLIP
        directions = total[model.directions]
        assert directions[number] == pytest.approx(CLIP, rel=1e-3)
        assert (np.delete(directions, number) == 0).all()
        assert (total[: model.directions.start] == 0).all()


def test_an_excluded_canary_contributes_exactly_nothing(twin: Twin) -> None:
    model = CanaryModel(twin.network, COLUMNS)
    nobody = canary_records(np.zeros(COLUMNS, bool), twin.records.shape[1])
    assert (summed(model, twin, nobody) == 0).all()


def test_trips_keep_their_gradients_among_canaries(twin: Twin) -> None:
    model = CanaryModel(twin.network, COLUMNS)
    canaries = canary_records(np.ones(COLUMNS, bool), twin.records.shape[1])
    together = summed(model, twin, np.concatenate([twin.records[:50], canaries]))
    flat = tf.constant(twin.network.start())
    alone = clipped_sum(twin.network, flat, tf.constant(twin.records[:50]), CLIP).numpy()
    assert together[: len(alone)] == pytest.approx(alone, abs=1e-5)


def test_the_power_of_an_audit_is_stated_in_order() -> None:
    mechanism = SubsampledGaussian(0.2, 2.131, steps=60, reserve_steps=0, l2_norm_clip=1.0)
    claimed = Guarantee(epsilon=INFLATED_EPSILON, delta=1e-6)
    power = power_of(mechanism, claimed, 1024)
    assert 0 < power.low < power.expected < power.high <= power.hardly_ever < power.ceiling < 4
    assert power_of(mechanism, claimed, 4096).expected > power.expected
