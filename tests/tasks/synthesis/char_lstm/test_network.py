from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from tasks.synthesis import dpsgd
from tasks.synthesis.char_lstm import CharNetwork
from tasks.synthesis.char_lstm.network import PADDING
from tasks.tables import TableError
from tests.tasks.synthesis.char_lstm.conftest import LINES, MakeNetwork
from tests.tasks.synthesis.dpsgd.reference import clip, flat_gradients


def losses(network: CharNetwork, records: NDArray[Any]) -> NDArray[Any]:
    layers = dpsgd.Layers(dpsgd.split(tf.constant(network.start(1)), network.shapes), tf.float32)
    return np.asarray(network.losses(layers, tf.constant(records)).numpy())


def test_lines_are_records_and_records_are_lines(make_network: MakeNetwork) -> None:
    network = make_network()
    records = network.encode(LINES)
    assert records.shape == (3, network.table.line_length + 2)
    assert (records[:, 0] == network.end).all()
    assert records[0, 1] == network.table.alphabet.index("7")
    assert records[0, 11] == network.end
    assert (records[0, 12:] == PADDING).all()
    assert network.decode(records) == LINES
    assert network.encode([]).shape == (0, records.shape[1])
    assert network.decode(records[:0]) == []
    longest = "1" * network.table.line_length
    assert network.decode(network.encode([longest, ""])) == [longest, ""]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("7,west,3.5" * 3, "line 2 has 30 characters, more than the 12 that lines of table rides"),
        ("7,wüst,3.5", "line 2 holds 'ü', which the alphabet of table rides lacks"),
        ("7,west,3.5~", "line 2 holds '~', which"),
    ],
)
def test_a_line_of_another_table_is_named(make_network: MakeNetwork, line: str, said: str) -> None:
    with pytest.raises(TableError) as caught:
        make_network().encode([LINES[0], line])
    assert str(caught.value).startswith(said)


def test_the_network_is_that_of_keras(make_network: MakeNetwork) -> None:
    """The loss is the mean over a record's characters and its end, by Keras' own layers."""
    network = make_network(layers=2)
    weights = network.start(1)
    keras = tf.keras.Sequential(
        [
            tf.keras.layers.Embedding(network.end + 1, 6),
            tf.keras.layers.LSTM(8, return_sequences=True),
            tf.keras.layers.LSTM(8, return_sequences=True),
            tf.keras.layers.Dense(network.end + 1),
        ]
    )
    records = network.encode(LINES)
    keras.build((None, records.shape[1] - 1))
    parts = dpsgd.split(tf.constant(weights), network.shapes)
    keras.set_weights([part.numpy() for part in parts.values()])
    logits = keras(np.maximum(records[:, :-1], 0)).numpy()
    shares = tf.nn.log_softmax(logits).numpy()
    expected, right = [], 0
    for record, row in zip(records, shares, strict=True):
        length = int((record[1:] != PADDING).sum())
        expected.append(row[np.arange(length), record[1 : length + 1]].sum())
        right += int((row[:length].argmax(axis=1) == record[1 : length + 1]).sum())
    assert network.log_likelihood(weights, records) == pytest.approx(expected, rel=1e-5)
    symbols = (records[:, 1:] != PADDING).sum(axis=1)
    assert losses(network, records) == pytest.approx(-np.array(expected) / symbols, rel=1e-5)
    assert network.mean_loss(weights, records) == pytest.approx(-sum(expected) / symbols.sum())
    assert network.accuracy(weights, records) == pytest.approx(right / symbols.sum())


def test_a_null_record_contributes_nothing(make_network: MakeNetwork) -> None:
    network = make_network()
    records = network.encode(LINES)
    null = np.full_like(records[:1], PADDING)
    assert losses(network, np.concatenate([records, null]))[-1] == 0
    flat = tf.constant(network.start(1))
    assert not dpsgd.clipped_sum(network, flat, tf.constant(null), 1.0).numpy().any()
    assert network.log_likelihood(network.start(1), null) == [0]
    assert network.accuracy(network.start(1), null) == 0
    assert network.decode(null) == [""]


@pytest.mark.parametrize("norm", [1e3, 0.05])
@pytest.mark.parametrize("layers", [1, 2])
def test_the_private_sum_is_that_of_clipped_gradients(
    make_network: MakeNetwork, layers: int, norm: float
) -> None:
    network = make_network(layers=layers)
    records = network.encode([*LINES, "0,mid,0"])
    flat = network.start(2).astype(np.float64)
    gradients = flat_gradients(network, flat, records)
    assert np.linalg.norm(gradients, axis=1).min() > 0.05
    found = dpsgd.clipped_sum(network, tf.constant(flat), tf.constant(records), norm).numpy()
    assert found == pytest.approx(clip(gradients, norm).sum(axis=0), rel=1e-4, abs=1e-7)


def test_the_start_is_that_of_keras_in_law(make_network: MakeNetwork) -> None:
    network = make_network(units=40)
    parts = dpsgd.split(tf.constant(network.start()), network.shapes)
    recurrent = parts["lstm_1/recurrent_kernel"].numpy()
    assert recurrent @ recurrent.T == pytest.approx(np.eye(40), abs=1e-5)
    assert parts["lstm_2/bias"].numpy().tolist() == [0] * 40 + [1] * 40 + [0] * 80
    assert abs(parts["lstm_2/kernel"].numpy()).max() <= (6 / 200) ** 0.5
    assert (network.start() == network.start(0)).all()
    assert not (network.start(0) == network.start(1)).all()


def test_memory_bounds_the_rows_that_are_computed_at_once(make_network: MakeNetwork) -> None:
    assert make_network().rows_at_once == 2_048
    assert make_network(units=4096, layers=8).rows_at_once == 19
