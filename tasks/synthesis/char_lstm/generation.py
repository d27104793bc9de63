"""Lines from a trained network, many at a time, in one compiled loop over their characters.

States stay where the network is computed, and logits are never copied out. The input product of
the first layer is a row of a small table, made once. Nothing in the graph is random: uniform
numbers come from a generator that the operating system seeds, and enter as an argument. No XLA.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import tensorflow as tf

from tasks.privacy.noise import fresh_generator
from tasks.synthesis import dpsgd
from tasks.synthesis.char_lstm.drawing import LARGEST, draw
from tasks.synthesis.char_lstm.network import CharNetwork, Records
from tasks.tables import Grammar

_ROWS_AT_ONCE = 1_024

Write = Callable[[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]
"""Takes flat parameters, next states, temperature and uniform numbers to symbols."""


def sample_lines(
    network: CharNetwork,
    weights: dpsgd.Vector,
    rows: int,
    *,
    temperature: float = 1.0,
    grammar: Grammar | None = None,
    generator: np.random.Generator | None = None,
) -> list[str]:
    """Draw lines character by character.

    Args:
        network: The network.
        weights: Trained parameters, shape (size,).
        rows: Number of lines, >= 0.
        temperature: Divides the logits, > 0: under 1 likely characters become likelier.
        grammar: Of the network's table: only characters that it allows are drawn, so that every
            line is valid. Default: any character may follow any other, and a line of the table's
            full length ends.
        generator: Source of randomness; by default a fresh one keyed by the operating system.

    Returns:
        The lines, valid or not.
    """
    generator = generator or fresh_generator()
    write, flat = _compiled(network), tf.constant(weights)
    anything = np.zeros((1, network.end + 1), np.int32)
    next_state = tf.constant(anything if grammar is None else grammar.next_state)
    length = network.table.line_length
    lines: list[str] = []
    for first in range(0, rows, _ROWS_AT_ONCE):
        count = min(_ROWS_AT_ONCE, rows - first)
        uniform = np.minimum(generator.random((length, count), np.float32), np.float32(LARGEST))
        written = write(flat, next_state, tf.constant(temperature), tf.constant(uniform))
        lines += network.decode(_with_start(written.numpy(), network.end))
    return lines


def _with_start(written: Records, start: int) -> Records:
    """Symbols by character, shape (characters, rows), as records without padding."""
    return np.pad(written, [(1, 0), (0, 0)], constant_values=start).T


@lru_cache(maxsize=4)
def _compiled(network: CharNetwork) -> Write:
    """`_write` as a graph, traced once for any number of rows."""

    def write(
        flat: tf.Tensor, next_state: tf.Tensor, temperature: tf.Tensor, uniform: tf.Tensor
    ) -> tf.Tensor:
        parameters = dpsgd.split(flat, network.shapes)
        return _write(network, parameters, next_state, temperature, uniform)

    signature = [
        tf.TensorSpec([dpsgd.size(network.shapes)], tf.float32),
        tf.TensorSpec([None, network.end + 1], tf.int32),
        tf.TensorSpec([], tf.float32),
        tf.TensorSpec([network.table.line_length, None], tf.float32),
    ]
    graph: Write = tf.function(
        write, input_signature=signature, jit_compile=False, autograph=False
    ).get_concrete_function()
    return graph


def _write(
    network: CharNetwork,
    parameters: Mapping[str, tf.Tensor],
    next_state: tf.Tensor,
    temperature: tf.Tensor,
    uniform: tf.Tensor,
) -> tf.Tensor:
    """Symbols of rows until all have ended, shape (characters written, rows), int32.

    Args:
        network: The network.
        parameters: Its parameters by name.
        next_state: As `tasks.tables.Grammar` has it.
        temperature: See `draw`.
        uniform: Shape (most characters, rows).
    """
    most, rows = tf.shape(uniform)[0], tf.shape(uniform)[1]
    names, end = network.recurrent, network.end
    first = (
        tf.matmul(parameters["embedding/embeddings"], parameters[f"{names[0]}/kernel"])
        + parameters[f"{names[0]}/bias"]
    )
    zeros = tuple(tf.zeros([rows, network.settings.units]) for _ in names)

    def body(place: tf.Tensor, symbols: tf.Tensor, states: Any) -> tuple[Any, ...]:
        at, hiddens, cells, written = states
        new_hiddens, new_cells = list[tf.Tensor](), list[tf.Tensor]()
        before = tf.gather(first, symbols)
        for index, name in enumerate(names):
            if index:
                before = tf.nn.bias_add(
                    tf.matmul(new_hiddens[-1], parameters[f"{name}/kernel"]),
                    parameters[f"{name}/bias"],
                )
            before += tf.matmul(hiddens[index], parameters[f"{name}/recurrent_kernel"])
            hidden, cell = _lstm_step(before, cells[index])
            new_hiddens.append(hidden)
            new_cells.append(cell)
        logits = tf.nn.bias_add(
            tf.matmul(new_hiddens[-1], parameters["dense/kernel"]), parameters["dense/bias"]
        )
        following = tf.gather(next_state, at)
        drawn = draw(logits, following >= 0, temperature, uniform[place])
        has_ended = (symbols == end) & (place > 0)
        drawn = tf.where(has_ended, end, drawn)
        at = tf.gather(following, drawn, batch_dims=1)
        states = (at, tuple(new_hiddens), tuple(new_cells), written.write(place, drawn))
        return place + 1, drawn, states

    def goes_on(place: tf.Tensor, symbols: tf.Tensor, _: Any) -> tf.Tensor:
        return (place < most) & ((place == 0) | tf.reduce_any(symbols != end))

    written = tf.TensorArray(tf.int32, size=most, element_shape=[None])
    states = (tf.zeros([rows], tf.int32), zeros, zeros, written)
    starts = tf.fill([rows], end)
    places, _, states = tf.while_loop(goes_on, body, (tf.constant(0), starts, states))
    return states[3].gather(tf.range(places))


def _lstm_step(before: tf.Tensor, cell: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The next hidden and cell states, of pre-activations in Keras' order."""
    enter, forget, candidate, leave = tf.split(before, 4, axis=1)
    cell = tf.sigmoid(forget) * cell + tf.sigmoid(enter) * tf.tanh(candidate)
    return tf.sigmoid(leave) * tf.tanh(cell), cell
