import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from tasks.audit.dpsgd.canaries import COLUMNS, CanaryModel, canary_records
from tasks.audit.dpsgd.network import AuditedNetwork
from tasks.synthesis.dpsgd import clipped_sum
from tasks.synthesis.grid import Tokens
from tasks.synthesis.trip_net import TripNetwork

CLIP = 0.5


@pytest.fixture(scope="module")
def network(network: AuditedNetwork) -> TripNetwork:
    return network.network


@pytest.fixture(scope="module")
def records(network: TripNetwork, rows: pa.Table) -> Tokens:
    return network.grid.encode(rows)


def summed(
    model: CanaryModel, network: TripNetwork, records: NDArray[np.int32]
) -> NDArray[np.float64]:
    flat = tf.constant(model.start(network.start()))
    return np.asarray(clipped_sum(model, flat, tf.constant(records), CLIP).numpy())


def test_a_canary_is_one_direction_of_the_clip_norm(network: TripNetwork, records: Tokens) -> None:
    model = CanaryModel(network, 2 * COLUMNS)
    for number in (0, 63, 64, 127):
        included = np.arange(2 * COLUMNS) == number
        total = summed(model, network, canary_records(included, records.shape[1]))
        assert 0.999 * CLIP < np.linalg.norm(total) <= CLIP
        directions = total[model.directions]
        assert directions[number] == pytest.approx(CLIP, rel=1e-3)
        assert (np.delete(directions, number) == 0).all()
        assert (total[: model.directions.start] == 0).all()


def test_an_excluded_canary_contributes_exactly_nothing(
    network: TripNetwork, records: Tokens
) -> None:
    model = CanaryModel(network, COLUMNS)
    nobody = canary_records(np.zeros(COLUMNS, bool), records.shape[1])
    assert (summed(model, network, nobody) == 0).all()


def test_trips_keep_their_gradients_among_canaries(network: TripNetwork, records: Tokens) -> None:
    model = CanaryModel(network, COLUMNS)
    canaries = canary_records(np.ones(COLUMNS, bool), records.shape[1])
    together = summed(model, network, np.concatenate([records[:50], canaries]))
    flat = tf.constant(network.start())
    alone = clipped_sum(network, flat, tf.constant(records[:50]), CLIP).numpy()
    assert together[: len(alone)] == pytest.approx(alone, abs=1e-5)
