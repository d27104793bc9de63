"""How fast lines are drawn: the compiled loop, and Keras one character at a time.

    python -m tests.benchmarks.char_generation [ROUNDS]

One network, one set of weights, the shipped schema of trips: an embedding and two LSTM layers of
256. Keras keeps its states (`stateful=True`) and is asked for the next character of one line, or of
64, by `predict`, or by `predict_on_batch`, which does without a data set; the character is drawn
from the softmax in numpy. The weights never end a line, so that every line has the
schema's full length for each of them. Ratios are medians over rounds of one run, of elapsed time
and of processor time (which other programs on the machine disturb less).
"""

import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tasks.synthesis import dpsgd
from tasks.synthesis.char_lstm import CharNetwork, sample_lines
from tasks.tables import CharLstm, Grammar, load_table

TRIPS = Path(__file__).parents[2] / "deployments" / "schemas" / "trips.yaml"
ROWS = 1_024
CHARACTERS = 12
"""Keras is timed over so many characters of a line, each of which costs the same."""


def network() -> CharNetwork:
    """The network of the trips' schema at its original size."""
    return CharNetwork(load_table(TRIPS), CharLstm(embedding=256, units=256, layers=2))


def endless(model: CharNetwork) -> dpsgd.Vector:
    """Starting weights, but that no line ends."""
    weights = model.start()
    weights[-1] = -1e9
    return weights


class KerasLines:
    """The same network in Keras, drawn from as one would.

    Args:
        model: The network.
        weights: Its weights.
        batch: Lines at a time.
        ask: Name of the method that is asked.
    """

    def __init__(self, model: CharNetwork, weights: dpsgd.Vector, batch: int, ask: str) -> None:
        units, symbols = model.settings.units, model.end + 1
        layers = tf.keras.layers
        self._batch, self._start = batch, model.end
        self._keras = tf.keras.Sequential(
            [
                layers.Embedding(
                    symbols, model.settings.embedding, batch_input_shape=(batch, None)
                ),
                *(
                    layers.LSTM(units, return_sequences=True, stateful=True)
                    for _ in model.recurrent
                ),
                layers.Dense(symbols),
            ]
        )
        parts = dpsgd.split(tf.constant(weights), model.shapes)
        self._keras.set_weights([part.numpy() for part in parts.values()])
        self._ask: Callable[..., Any] = getattr(self._keras, ask)
        if ask == "predict":
            self._ask = partial(self._ask, batch_size=batch, verbose=0)
        self._generator = np.random.default_rng(0)

    def draw(self, characters: int) -> None:
        """Draw the first characters of a batch of lines."""
        self._keras.reset_states()
        symbols = np.full((self._batch, 1), self._start)
        for _ in range(characters):
            logits = self._ask(symbols)[:, -1].astype(np.float64)
            weights = np.exp(logits - logits.max(axis=1, keepdims=True))
            sums = np.cumsum(weights, axis=1)
            marks = self._generator.random((self._batch, 1)) * sums[:, -1:]
            symbols = (sums > marks).argmax(axis=1)[:, None]


def runs() -> Mapping[str, tuple[Callable[[], object], float]]:
    """Each draws, and how many lines that makes."""
    model = network()
    weights = endless(model)
    grammar = Grammar.of(model.table)
    keras = {
        f"Keras {ask}, {batch} lines": (KerasLines(model, weights, batch, ask), batch)
        for ask in ("predict", "predict_on_batch")
        for batch in (1, 64)
    }
    share = CHARACTERS / model.table.line_length
    return {
        "compiled": (partial(sample_lines, model, weights, ROWS), ROWS),
        "compiled, well-formed only": (
            partial(sample_lines, model, weights, ROWS, grammar=grammar),
            ROWS,
        ),
        **{
            name: (partial(lines.draw, CHARACTERS), batch * share)
            for name, (lines, batch) in keras.items()
        },
    }


def rates_of(draw: Callable[[], object], lines: float) -> tuple[float, float]:
    """Lines a second, by elapsed and by processor time."""
    elapsed, processor = time.perf_counter(), time.process_time()
    draw()
    return lines / (time.perf_counter() - elapsed), lines / (time.process_time() - processor)


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    made = runs()
    for draw, _ in made.values():
        draw()
    rates = np.array([[rates_of(*each) for each in made.values()] for _ in range(rounds)])
    print(f"lines of {network().table.line_length} characters, medians of {rounds} rounds")
    for name, (elapsed, processor) in zip(made, np.median(rates, axis=0), strict=True):
        print(f"{name}: {elapsed:.4g} lines a second, {processor:.4g} by processor time")
    ratios = np.median(rates[:, :1] / rates, axis=0)
    for name, (elapsed, processor) in list(zip(made, ratios, strict=True))[2:]:
        print(
            f"compiled is {elapsed:.1f} times as fast as {name}, {processor:.1f} by processor time"
        )


if __name__ == "__main__":
    main()
