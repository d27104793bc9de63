from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tasks.privacy.accountant import epsilons
from tasks.synthesis import dpsgd
from tasks.synthesis.char_lstm import (
    PrivateTraining,
    TrainedCharNetwork,
    load_char_network,
    mechanism_for,
    sample_lines,
    save_char_network,
    train_privately,
)
from tasks.synthesis.char_lstm.plain import PlainTraining, train_plainly
from tasks.synthesis.errors import ModelFileError
from tasks.tables import CharLstm, TableError
from tests.tasks.synthesis.char_lstm.conftest import LINES, MakeNetwork

TOLD = list[tuple[int, float]]


def test_a_small_network_learns_three_lines_by_heart(make_network: MakeNetwork) -> None:
    network = make_network(units=24, embedding=12, learning_rate=0.02, epochs=150)
    records, told = network.encode(LINES), TOLD()
    weights = train_plainly(network, records, 1, lambda *epoch: told.append(epoch))
    assert [epoch for epoch, _ in told] == list(range(1, 151))
    assert told[0][1] > 2 > 0.2 > told[-1][1]
    assert network.accuracy(weights, records) > 0.9
    assert network.mean_loss(weights, records) == pytest.approx(told[-1][1], abs=0.02)
    lines = Counter(sample_lines(network, weights, 200, generator=np.random.default_rng(1)))
    assert {line for line, _ in lines.most_common(3)} == {*LINES}
    assert sum(lines[line] for line in LINES) > 150


@pytest.mark.parametrize("optimizer", ["adam", "momentum", "rmsprop", "sgd"])
def test_every_optimizer_lowers_the_loss(make_network: MakeNetwork, optimizer: str) -> None:
    rate = {"sgd": 0.5, "momentum": 0.1}.get(optimizer, 0.01)
    network = make_network(optimizer=optimizer, learning_rate=rate, epochs=30)
    records = network.encode(LINES * 4)
    before = network.mean_loss(network.start(1), records)
    assert network.mean_loss(train_plainly(network, records, 1), records) < before - 0.2


def test_a_plain_training_takes_every_row_once_an_epoch_and_follows_from_its_seed(
    make_network: MakeNetwork,
) -> None:
    network = make_network(batch=5, epochs=2, dropout=0.3)
    records = network.encode([f"{hour},mid,1" for hour in range(12)])
    training = PlainTraining(network, records, 1)
    assert (training.steps_per_epoch, training.steps) == (3, 6)
    epoch = np.concatenate([next(training._batches) for _ in range(3)])
    assert sorted(network.decode(epoch)) == sorted(network.decode(records))
    assert [*map(len, (next(training._batches) for _ in range(3)))] == [5, 5, 2]
    first, again, other = (train_plainly(network, records, seed) for seed in (1, 1, 2))
    assert (first == again).all()
    assert not (first == other).all()


def test_dropout_drops_in_training_alone(make_network: MakeNetwork) -> None:
    network, bare = make_network(dropout=0.6, epochs=1), make_network(epochs=1)
    records = network.encode(LINES)
    assert network.mean_loss(network.start(), records) == bare.mean_loss(bare.start(), records)
    assert PlainTraining(network, records, 1).step() != PlainTraining(bare, records, 1).step()


def test_private_steps_are_made_of_public_numbers() -> None:
    settings = CharLstm(batch=58, epochs=30, l2_norm_clip=0.5)
    mechanism = mechanism_for(settings, 5_800, 1.2)
    assert (mechanism.steps_allowed, mechanism.l2_norm_clip) == (3_000, 0.5)
    assert (
        epsilons(mechanism.event(), 1e-6).pld
        < epsilons(
            mechanism_for(settings.model_copy(update={"epochs": 60}), 5_800, 1.2).event(), 1e-6
        ).pld
    )
    with pytest.raises(TableError, match="a batch of 58 rows of a table of 58: with a guarantee"):
        mechanism_for(settings, 58, 1.2)


def test_a_private_training_learns_where_noise_is_small(make_network: MakeNetwork) -> None:
    network = make_network(learning_rate=0.02, batch=12, epochs=40)
    records, told = network.encode(LINES * 8), list[tuple[int, int]]()
    mechanism = mechanism_for(network.settings, len(records), 0.3)
    weights = train_privately(network, records, mechanism, lambda *step: told.append(step))
    assert told[0] == (1, 80)
    assert told[-1] == (80, 80)
    before = network.mean_loss(network.start(), records)
    assert network.mean_loss(weights, records) < before - 0.3


def test_private_trainings_differ_in_noise_alone(make_network: MakeNetwork) -> None:
    """Of null records a training is noise: on every weight, anew in each attempt."""
    network = make_network(optimizer="sgd", learning_rate=1.0, batch=10)
    nulls = np.full_like(network.encode([LINES[0]] * 40), -1)
    mechanism = mechanism_for(network.settings, 40, 2.0)
    trainings = [PrivateTraining(network, nulls, mechanism) for _ in range(2)]
    for training in trainings:
        training.step()
    first, second = (training.weights - network.start() for training in trainings)
    size = dpsgd.size(network.shapes)
    assert first.std() == pytest.approx(2.0 / 10, rel=5 * size**-0.5)
    assert abs(np.corrcoef(first, second)[0, 1]) < 5 * size**-0.5


def test_a_network_is_stored_with_its_schema(make_network: MakeNetwork, tmp_path: Path) -> None:
    network = make_network(layers=1)
    trained = TrainedCharNetwork(network, network.start(4))
    files = save_char_network(tmp_path, trained)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(files)
    loaded = load_char_network(tmp_path)
    assert loaded.network == network
    assert (loaded.weights == trained.weights).all()
    (tmp_path / "char_network.json").write_text("{}")
    with pytest.raises(ModelFileError, match="not a network of this version"):
        load_char_network(tmp_path)
