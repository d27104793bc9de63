"""The network: the next character of a line, from those before it.

A line is a record of symbols: the start, the line's characters, the end, and padding. Start and
end are one symbol, the number of characters in the alphabet; nothing comes before the one or
after the other. A null record is padding alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tasks.synthesis import dpsgd
from tasks.tables import CharLstm, PublicTable, TableError

PADDING = -1
_BYTES_AT_ONCE = 2**29
_BYTES_OF_A_UNIT = 64
"""About what one unit of a layer keeps of one character until gradients are formed."""
_MOST_ROWS_AT_ONCE = 2_048

Records = NDArray[np.int32]
Judge = Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]


@dataclass(frozen=True)
class CharNetwork:
    """The network of a table and its settings; see `tasks.synthesis.dpsgd.Model`.

    Attributes:
        table: The public schema.
        settings: The synthesizer's settings; `embedding`, `units`, `layers` and `dropout` are
            used here.
    """

    table: PublicTable
    settings: CharLstm

    @property
    def end(self) -> int:
        """The symbol of start and end; the characters come before it."""
        return len(self.table.alphabet)

    @property
    def rows_at_once(self) -> int:
        """Rows that are differentiated in about half a gigabyte; affects only memory."""
        settings = self.settings
        units = (self.table.line_length + 1) * settings.units * settings.layers
        return max(1, min(_MOST_ROWS_AT_ONCE, _BYTES_AT_ONCE // (units * _BYTES_OF_A_UNIT)))

    @cached_property
    def shapes(self) -> dpsgd.Shapes:
        """Shape of every parameter, by name, in the order of the flat vector."""
        settings, symbols = self.settings, self.end + 1
        shapes: dict[str, tuple[int, ...]] = {"embedding/embeddings": (symbols, settings.embedding)}
        inputs = settings.embedding
        for name in self.recurrent:
            shapes[f"{name}/kernel"] = (inputs, 4 * settings.units)
            shapes[f"{name}/recurrent_kernel"] = (settings.units, 4 * settings.units)
            shapes[f"{name}/bias"] = (4 * settings.units,)
            inputs = settings.units
        shapes["dense/kernel"] = (inputs, symbols)
        shapes["dense/bias"] = (symbols,)
        return shapes

    @property
    def recurrent(self) -> tuple[str, ...]:
        """Names of the LSTM layers, from the first to the last."""
        return tuple(f"lstm_{number}" for number in range(1, self.settings.layers + 1))

    def start(self, seed: int = 0) -> dpsgd.Vector:
        """Starting weights as Keras draws them, shape (size,); no secret depends on the seed."""
        generator = np.random.default_rng(seed)
        parts = []
        for name, shape in self.shapes.items():
            match name.split("/")[1]:
                case "embeddings":
                    part = generator.uniform(-0.05, 0.05, shape)
                case "kernel":
                    limit = (6 / sum(shape)) ** 0.5
                    part = generator.uniform(-limit, limit, shape)
                case "recurrent_kernel":
                    part = _orthogonal(generator, shape)
                case _:
                    part = np.zeros(shape)
                    if name.startswith("lstm"):  # the forget gate begins open
                        part[shape[0] // 4 : shape[0] // 2] = 1
            parts.append(part.ravel())
        return np.asarray(np.concatenate(parts), np.float32)

    def encode(self, lines: Sequence[str]) -> Records:
        """Lines as records, shape (n, line_length + 2).

        Raises:
            TableError: If a line is longer than any of the table, or holds other characters.
        """
        longest = self.table.line_length
        for number, line in enumerate(lines, 1):
            if len(line) > longest:
                raise TableError(
                    f"line {number} has {len(line)} characters, more than the {longest} that lines "
                    f"of table {self.table.name} have at most; is its schema that of the rows?"
                )
        letters = np.array(lines, f"<U{longest}").view(np.uint32).reshape(len(lines), longest)
        alphabet = np.array([ord(letter) for letter in self.table.alphabet], np.uint32)
        within = np.arange(longest) < np.array([len(line) for line in lines], int)[:, None]
        found = np.minimum(np.searchsorted(alphabet, letters), len(alphabet) - 1)
        strange = within & (alphabet[found] != letters)
        if strange.any():
            row, place = np.argwhere(strange)[0]
            raise TableError(
                f"line {row + 1} holds {lines[row][place]!r}, which the alphabet of table "
                f"{self.table.name} lacks; is its schema that of the rows?"
            )
        records = np.full((len(lines), longest + 2), PADDING, np.int32)
        records[:, 0] = self.end
        records[:, 1:-1] = np.where(within, found, PADDING)
        records[np.arange(len(lines)), 1 + within.sum(axis=1)] = self.end
        return records

    def decode(self, records: Records) -> list[str]:
        """The lines of records: what comes after the start and before end or padding."""
        letters = np.array([*self.table.alphabet, ""])
        symbols = records[:, 1:]
        over = (symbols == self.end) | (symbols == PADDING)
        lengths = np.where(over.any(axis=1), over.argmax(axis=1), symbols.shape[1])
        return [
            "".join(letters[row[:length]]) for row, length in zip(symbols, lengths, strict=True)
        ]

    def losses(self, layers: dpsgd.Layers, records: tf.Tensor) -> tf.Tensor:
        """Mean negative log-likelihood of a record's characters and end, nats; zero for a null one.

        Args:
            layers: The parameters.
            records: Shape (batch, symbols), int32.

        Returns:
            Shape (batch,).
        """
        nats, counts = self._surprise(self._logits(layers, records), records)
        return nats / tf.maximum(counts, 1)

    def log_likelihood(self, weights: dpsgd.Vector, records: Records) -> NDArray[np.float64]:
        """The logarithm of the probability of each record, nats; zero for null records.

        Args:
            weights: Trained parameters, shape (size,).
            records: Shape (n, symbols).

        Returns:
            Shape (n,).
        """
        return self._judged(weights, records)[0]

    def mean_loss(self, weights: dpsgd.Vector, records: Records) -> float:
        """Mean over all characters and ends of their negative log-likelihood, nats."""
        return float(-self._judged(weights, records)[0].sum() / _predicted(records))

    def accuracy(self, weights: dpsgd.Vector, records: Records) -> float:
        """Share of characters and ends that were the likeliest symbol, 0 to 1."""
        return float(self._judged(weights, records)[1].sum() / _predicted(records))

    def _logits(self, layers: dpsgd.Layers, records: tf.Tensor) -> tf.Tensor:
        """Of the symbol at every place but the first, shape (batch, symbols - 1, values)."""
        rate = self.settings.dropout
        states = layers.embed("embedding", tf.maximum(records[:, :-1], 0))
        states = layers.dropout(states, rate)
        for name in self.recurrent:
            states = layers.dropout(layers.lstm(name, states), rate)
        return layers.affine("dense", states)

    def _surprise(self, logits: tf.Tensor, records: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Nats of each record, and how many symbols they are of."""
        symbols = records[:, 1:]
        nats = tf.nn.sparse_softmax_cross_entropy_with_logits(
            labels=tf.maximum(symbols, 0), logits=logits
        )
        is_there = symbols != PADDING
        counts = tf.reduce_sum(tf.cast(is_there, nats.dtype), axis=1)
        return tf.reduce_sum(tf.where(is_there, nats, tf.zeros_like(nats)), axis=1), counts

    def _judged(
        self, weights: dpsgd.Vector, records: Records
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Log-likelihood, and number of symbols predicted right, of every record."""
        flat = tf.constant(weights)
        parts = [np.zeros((2, 0))]
        for first in range(0, len(records), self.rows_at_once):
            chunk = tf.constant(records[first : first + self.rows_at_once])
            parts.append(np.array([part.numpy() for part in self._judge(flat, chunk)], float))
        nats, right = np.concatenate(parts, axis=1)
        return -nats, right

    @cached_property
    def _judge(self) -> Judge:
        def judge(flat: tf.Tensor, records: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            layers = dpsgd.Layers(dpsgd.split(flat, self.shapes), flat.dtype)
            logits = self._logits(layers, records)
            right = tf.argmax(logits, 2, tf.int32) == records[:, 1:]
            return self._surprise(logits, records)[0], tf.reduce_sum(tf.cast(right, tf.int32), 1)

        signature = [
            tf.TensorSpec([None], tf.float32),
            tf.TensorSpec([None, self.table.line_length + 2], tf.int32),
        ]
        graph: Judge = tf.function(
            judge, input_signature=signature, jit_compile=False, autograph=False
        ).get_concrete_function()
        return graph


def _predicted(records: Records) -> int:
    """Number of characters and ends."""
    return max(1, int((records[:, 1:] != PADDING).sum()))


def _orthogonal(generator: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Rows that are orthonormal, as Keras starts recurrent kernels."""
    q, r = np.linalg.qr(generator.normal(size=shape[::-1]))
    return np.asarray((q * np.sign(np.diag(r))).T)
