import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray
from scipy import stats

from tasks.synthesis import dpsgd
from tasks.synthesis.char_lstm import CharNetwork, sample_lines
from tasks.tables import CharLstm, Grammar, PublicTable, read_line
from tests.tasks.synthesis.char_lstm.conftest import MakeNetwork


def noisy(network: CharNetwork, seed: int) -> dpsgd.Vector:
    noise = np.random.default_rng(seed).normal(0, 0.7, dpsgd.size(network.shapes))
    return np.asarray(network.start() + noise, np.float32)


def test_with_a_grammar_every_line_is_valid_even_from_random_weights(
    make_network: MakeNetwork,
) -> None:
    network = make_network()
    grammar = Grammar.of(network.table)
    lines = sample_lines(network, noisy(network, 1), 1_500, grammar=grammar)
    assert len(lines) == 1_500
    assert all(read_line(line, network.table) is not None for line in lines)
    assert len({*lines}) > 100
    free = sample_lines(network, noisy(network, 1), 300)
    assert sum(read_line(line, network.table) is None for line in free) > 250
    assert max(map(len, free)) <= network.table.line_length


def test_lines_follow_the_law_of_the_network() -> None:
    """Of all lines of a small table, each comes as often as its likelihood says."""
    table = PublicTable.model_validate(
        {"name": "t", "columns": [{"kind": "text", "name": "x", "alphabet": "ab", "max_length": 2}]}
    )
    network = CharNetwork(table, CharLstm(embedding=4, units=5, layers=2))
    weights = noisy(network, 3)
    symbols = table.alphabet
    ended = ["", *symbols]
    full = [a + b for a in symbols for b in symbols]
    shares = np.exp(network.log_likelihood(weights, network.encode(ended)))
    # a line of the full length ends, whatever the network would have made of it
    before = np.exp(
        network.log_likelihood(weights, network.encode(full)) - last_step(network, weights, full)
    )
    expected = np.concatenate([shares, before])
    assert expected.sum() == pytest.approx(1, abs=1e-5)
    rows = 30_000
    lines = sample_lines(network, weights, rows, generator=np.random.default_rng(4))
    counts = np.array([lines.count(line) for line in [*ended, *full]])
    assert counts.sum() == rows
    often = expected * rows > 5
    assert often.sum() > 5
    scaled = expected[often] * counts[often].sum() / expected[often].sum()
    assert stats.chisquare(counts[often], scaled).pvalue > 1e-3


def last_step(network: CharNetwork, weights: dpsgd.Vector, lines: list[str]) -> NDArray[Any]:
    """Log-likelihood of the end of each line, given all before."""
    layers = dpsgd.Layers(dpsgd.split(tf.constant(weights), network.shapes), tf.float32)
    logits = network._logits(layers, tf.constant(network.encode(lines)))
    return np.asarray(tf.nn.log_softmax(logits)[:, -1, network.end].numpy())


def test_a_cold_draw_takes_the_likeliest(make_network: MakeNetwork) -> None:
    network = make_network()
    cold = sample_lines(network, noisy(network, 2), 50, temperature=0.005)
    assert len({*cold}) <= 2
    assert len({*sample_lines(network, noisy(network, 2), 50, temperature=2.0)}) > 20


def test_lines_follow_from_the_generator_alone(make_network: MakeNetwork) -> None:
    network = make_network()

    def lines(seed: int, rows: int) -> list[str]:
        return sample_lines(network, noisy(network, 1), rows, generator=np.random.default_rng(seed))

    assert lines(1, 30) == lines(1, 30)
    assert lines(1, 30) != lines(2, 30)
    assert lines(1, 0) == []


def test_two_processes_draw_different_lines() -> None:
    table = PublicTable.model_validate(
        {
            "name": "numbers",
            "columns": [{"kind": "integer", "name": "x", "minimum": 0, "maximum": 99_999_999}],
        }
    )
    code = (
        "from tasks.synthesis.char_lstm import CharNetwork, sample_lines\n"
        "from tasks.tables import CharLstm, PublicTable\n"
        f"table = PublicTable.model_validate_json({table.model_dump_json()!r})\n"
        "network = CharNetwork(table, CharLstm(embedding=4, units=4))\n"
        "print(*sample_lines(network, network.start(), 20), sep='/')"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    theirs = run.stdout.strip().split("/")
    network = CharNetwork(table, CharLstm(embedding=4, units=4))
    assert len(theirs) == 20
    assert theirs != sample_lines(network, network.start(), 20)
