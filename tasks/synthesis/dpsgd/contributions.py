"""What records contribute to the gradient of one parameter, without forming any record's gradient.

Where a layer maps inputs a_p to pre-activations a_p W + b at positions p (time steps, and the
trips of one vehicle), a record's gradient of W is the sum over p of the outer products of a_p with
g_p, the gradient of its loss with respect to the pre-activation. Its squared norm is the sum over
p and q of (a_p . a_q) (g_p . g_q), and a weighted sum over records is one product of inputs with
weighted gradients. (Goodfellow 2015, "Efficient per-example gradient computations"; Li et al.
2022, "Large language models can be strong differentially private learners".)

Rounding. Where positions cancel, a norm is smaller than what is added up for it, and its relative
error larger than that of a sum of squares. So each contribution also gives its `magnitude`, the
norm there would be without any cancellation, and the number of rounded terms that go into a
result: a dot product of n terms errs by at most n epsilon times the product of the lengths
(Higham 2002, section 3.1).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import tensorflow as tf

from tasks.synthesis.errors import LayerError


@dataclass(frozen=True)
class Weights:
    """The factor of each record in a weighted sum.

    Attributes:
        factors: Shape (batch,).
        keep: Which records count, shape (batch,); the others may hold any value, infinite ones
            included. None where all count.
    """

    factors: tf.Tensor
    keep: tf.Tensor | None = None

    def scale(self, values: tf.Tensor) -> tf.Tensor:
        """Values of shape (batch, ...) times the factors."""
        return self.blank(values) * _along(values, self.factors)

    def blank(self, values: tf.Tensor) -> tf.Tensor:
        """Values of shape (batch, ...) with zeros for the records that do not count."""
        if self.keep is None:
            return values
        # where, not times zero: zero times infinity is not a number
        return tf.where(_along(values, self.keep), values, tf.zeros_like(values))


class Contribution(Protocol):
    """The gradients of one parameter, one per record of a batch."""

    @classmethod
    def join(cls, parts: Sequence[Any]) -> "Contribution":
        """Several uses of the parameter, by layers of this kind, as one."""
        ...

    def squared_norms(self) -> tf.Tensor:
        """Squared L2 norm of each record's gradient, shape (batch,)."""
        ...

    def magnitudes(self) -> tf.Tensor:
        """Upper bound of each record's norm if its positions did not cancel, shape (batch,)."""
        ...

    def terms(self) -> tf.Tensor:
        """Number of rounded terms in a squared norm and in a weighted sum; a scalar."""
        ...

    def weighted_sum(self, weights: Weights) -> tf.Tensor:
        """The weighted sum of the records' gradients, reshapable to the parameter."""
        ...


@dataclass(frozen=True)
class Product:
    """The gradient of W in a W: sums over positions of outer products.

    Attributes:
        inputs: Shape (batch, positions, in).
        gradients: Shape (batch, positions, out).
        mask: Zeros where W is held at zero, shape (in, out); None for a dense W.
    """

    inputs: tf.Tensor
    gradients: tf.Tensor
    mask: tf.Tensor | None = None

    @classmethod
    def join(cls, parts: Sequence["Product"]) -> "Product":
        """Several uses of W in one record: further positions."""
        return cls(
            tf.concat([part.inputs for part in parts], axis=1),
            tf.concat([part.gradients for part in parts], axis=1),
            parts[0].mask,
        )

    def squared_norms(self) -> tf.Tensor:
        """Through the smaller of the positions' Gram matrices and the gradients themselves."""
        positions = self.gradients.shape[1]
        wide, high = self.inputs.shape[2], self.gradients.shape[2]
        if positions == 1:
            if self.mask is None:
                return tf.square(self.magnitudes())
            inputs, gradients = tf.square(self.inputs[:, 0]), tf.square(self.gradients[:, 0])
            return tf.reduce_sum(tf.matmul(inputs, tf.square(self.mask)) * gradients, axis=1)
        many = positions is None or positions * (wide + high) <= wide * high
        if many and self.mask is None:
            return tf.reduce_sum(_gram(self.inputs) * _gram(self.gradients), axis=[1, 2])
        direct = tf.matmul(self.inputs, self.gradients, transpose_a=True)
        if self.mask is not None:
            direct *= self.mask
        return tf.reduce_sum(tf.square(direct), axis=[1, 2])

    def magnitudes(self) -> tf.Tensor:
        """Sum over positions of the products of lengths."""
        return tf.reduce_sum(_lengths(self.inputs) * _lengths(self.gradients), axis=1)

    def terms(self) -> tf.Tensor:
        """Lengths of the dot products, and positions."""
        width = self.inputs.shape[2] + self.gradients.shape[2]
        return width + 3 * tf.shape(self.gradients)[1]

    def weighted_sum(self, weights: Weights) -> tf.Tensor:
        """One product over all records and positions, shape (in, out)."""
        inputs = tf.reshape(weights.blank(self.inputs), [-1, self.inputs.shape[2]])
        scaled = tf.reshape(weights.scale(self.gradients), [-1, self.gradients.shape[2]])
        total = tf.matmul(inputs, scaled, transpose_a=True)
        return total if self.mask is None else total * self.mask


@dataclass(frozen=True)
class Sum:
    """The gradient of an offset b in x + b: the sum over positions.

    Attributes:
        gradients: Shape (batch, positions, out).
    """

    gradients: tf.Tensor

    @classmethod
    def join(cls, parts: Sequence["Sum"]) -> "Sum":
        """Several uses of b in one record: further positions."""
        return cls(tf.concat([part.gradients for part in parts], axis=1))

    def _total(self) -> tf.Tensor:
        return tf.reduce_sum(self.gradients, axis=1)

    def squared_norms(self) -> tf.Tensor:
        """Of the sum over positions."""
        if self.gradients.shape[1] == 1:
            return tf.square(self.magnitudes())
        return tf.reduce_sum(tf.square(self._total()), axis=1)

    def magnitudes(self) -> tf.Tensor:
        """Sum over positions of the lengths."""
        return tf.reduce_sum(_lengths(self.gradients), axis=1)

    def terms(self) -> tf.Tensor:
        """Coordinates, and positions."""
        return self.gradients.shape[2] + 3 * tf.shape(self.gradients)[1]

    def weighted_sum(self, weights: Weights) -> tf.Tensor:
        """Shape (out,)."""
        return tf.reduce_sum(weights.scale(self._total()), axis=0)


@dataclass(frozen=True)
class Lookup:
    """The gradient of a table of which rows are looked up.

    Attributes:
        ids: Which row each position reads, shape (batch, positions), int32 or int64.
        gradients: Shape (batch, positions, width).
        rows: Number of rows of the table.
    """

    ids: tf.Tensor
    gradients: tf.Tensor
    rows: int

    @classmethod
    def join(cls, parts: Sequence["Lookup"]) -> "Lookup":
        """Several uses of the table in one record: further positions."""
        return cls(
            tf.concat([part.ids for part in parts], axis=1),
            tf.concat([part.gradients for part in parts], axis=1),
            parts[0].rows,
        )

    def squared_norms(self) -> tf.Tensor:
        """Positions that read one row add up before their norm is taken."""
        if self.gradients.shape[1] == 1:
            return tf.square(self.magnitudes())
        same = tf.equal(self.ids[:, :, None], self.ids[:, None, :])
        gram = _gram(self.gradients)
        return tf.reduce_sum(tf.where(same, gram, tf.zeros_like(gram)), axis=[1, 2])

    def magnitudes(self) -> tf.Tensor:
        """Sum over positions of the lengths."""
        return tf.reduce_sum(_lengths(self.gradients), axis=1)

    def terms(self) -> tf.Tensor:
        """Coordinates, and positions."""
        return self.gradients.shape[2] + 3 * tf.shape(self.gradients)[1]

    def weighted_sum(self, weights: Weights) -> tf.Tensor:
        """Added up row by row, shape (rows, width)."""
        scaled = tf.reshape(weights.scale(self.gradients), [-1, self.gradients.shape[2]])
        return tf.math.unsorted_segment_sum(scaled, tf.reshape(self.ids, [-1]), self.rows)


@dataclass(frozen=True)
class Columns:
    """A parameter whose column blocks are used separately.

    Attributes:
        blocks: One contribution per block, from left to right.
    """

    blocks: tuple[Contribution, ...]

    @classmethod
    def join(cls, parts: Sequence["Columns"]) -> "Columns":
        """Several uses of the parameter in one record."""
        return cls(
            tuple(join("block", same) for same in zip(*(p.blocks for p in parts), strict=True))
        )

    def squared_norms(self) -> tf.Tensor:
        """The blocks are different coordinates: squares add."""
        return tf.add_n([block.squared_norms() for block in self.blocks])

    def magnitudes(self) -> tf.Tensor:
        """At most the sum of the blocks'."""
        return tf.add_n([block.magnitudes() for block in self.blocks])

    def terms(self) -> tf.Tensor:
        """The largest block's."""
        return tf.reduce_max(tf.stack([block.terms() for block in self.blocks]))

    def weighted_sum(self, weights: Weights) -> tf.Tensor:
        """The blocks side by side."""
        return tf.concat([block.weighted_sum(weights) for block in self.blocks], axis=-1)


def join(name: str, parts: Sequence[Contribution]) -> Contribution:
    """All uses of one parameter as one contribution: they add up before a norm is taken.

    Raises:
        LayerError: If the parameter is used in ways whose gradients do not add up position by
            position, as a table of embeddings that is also a kernel.
    """
    first = parts[0]
    if len(parts) == 1:
        return first
    if any(type(part) is not type(first) for part in parts):
        raise LayerError(f"{name!r} is shared by layers of different kinds; give each its own")
    masks = [getattr(part, "mask", None) for part in parts]
    if any(mask is not masks[0] for mask in masks):
        raise LayerError(f"{name!r} is applied with different masks; apply it with one")
    return type(first).join(parts)


def _gram(values: tf.Tensor) -> tf.Tensor:
    """Dot products of all pairs of positions, shape (batch, positions, positions)."""
    return tf.matmul(values, values, transpose_b=True)


def _lengths(values: tf.Tensor) -> tf.Tensor:
    """L2 norm at every position, shape (batch, positions)."""
    positions, width = values.shape[1:]
    if positions is None or positions == 1 or positions > width:
        return tf.sqrt(tf.reduce_sum(tf.square(values), axis=2))
    # the norms need this matrix too: TensorFlow computes it once
    return tf.sqrt(tf.linalg.diag_part(_gram(values)))


def _along(values: tf.Tensor, per_record: tf.Tensor) -> tf.Tensor:
    """One number per record, shaped to go with values of shape (batch, ...)."""
    return tf.reshape(per_record, [-1] + [1] * (len(values.shape) - 1))
