"""Gradient canaries: records whose gradients are orthogonal directions of more than the clip norm.

The audited model is the synthesizer's network beside one more layer, which only canaries reach.
It is affine: a canary's input is one large hot entry and its loss one output, so its gradient is
one entry of the kernel (and, a hundredth as long, of the bias, which no score reads). A canary is
a record like any other to the step that clips, sums and noises.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tasks.synthesis.grid import NULL, Tokens

if TYPE_CHECKING:
    import tensorflow as tf

    from tasks.synthesis.dpsgd import Layers, Model

CANARY = -2
"""First token of a canary; its second token is its number."""
COLUMNS = 64
"""Outputs of the canaries' layer."""
_HOT = 100.0
"""Norm of a canary's gradient before clipping, nearly."""
_LAYER = "canary"


@dataclass(frozen=True)
class CanaryModel:
    """A model and its canaries.

    Attributes:
        model: The model that is audited.
        canaries: Number of canaries, a multiple of `COLUMNS`.
    """

    model: "Model"
    canaries: int

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """The model's parameters, then the canaries' kernel and bias."""
        rows = self.canaries // COLUMNS
        return {
            **self.model.shapes,
            f"{_LAYER}/kernel": (rows, COLUMNS),
            f"{_LAYER}/bias": (COLUMNS,),
        }

    @property
    def directions(self) -> slice:
        """Where the canaries' directions are in the flat vector, canary 0 first."""
        start = sum(int(np.prod(shape)) for shape in self.model.shapes.values())
        return slice(start, start + self.canaries)

    def start(self, weights: NDArray[np.float32]) -> NDArray[np.float32]:
        """Starting weights: the model's, and zeros for the canaries."""
        return np.concatenate([weights, np.zeros(self.canaries + COLUMNS, np.float32)])

    def losses(self, layers: "Layers", records: "tf.Tensor") -> "tf.Tensor":
        """The model's loss of a trip, one output of the canaries' layer for a canary."""
        import tensorflow as tf

        is_canary = records[:, 0] == CANARY
        trips = tf.where(is_canary[:, None], tf.fill(tf.shape(records), NULL), records)
        number = tf.where(is_canary, records[:, 1], tf.zeros_like(records[:, 1]))
        rows = tf.one_hot(number // COLUMNS, self.canaries // COLUMNS, dtype=layers.dtype)
        rows = tf.where(is_canary[:, None], rows, tf.zeros_like(rows))
        outputs = layers.affine(_LAYER, _HOT * rows)
        chosen = tf.one_hot(number % COLUMNS, COLUMNS, dtype=layers.dtype)
        losses = tf.reduce_sum(outputs * chosen, axis=1)
        losses = tf.where(is_canary, losses, tf.zeros_like(losses))
        return losses + self.model.losses(layers, trips)


def canary_records(included: NDArray[np.bool_], tokens: int) -> Tokens:
    """The canaries as records: those included, and null records for the others.

    Args:
        included: Shape (canaries,).
        tokens: Length of a record, >= 2.
    """
    records = np.full((len(included), tokens), NULL, np.int32)
    records[included, 0] = CANARY
    records[included, 1] = np.flatnonzero(included)
    return records
