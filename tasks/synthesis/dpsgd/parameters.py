"""A model's parameters: named tensors, kept as one flat vector."""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

Shapes = Mapping[str, tuple[int, ...]]
"""Shape of every parameter, by name, in the order of the flat vector."""

Vector = NDArray[np.float32]


def size(shapes: Shapes) -> int:
    """The length of the flat vector of all parameters."""
    return sum(int(np.prod(shape)) for shape in shapes.values())


def split(flat: tf.Tensor, shapes: Shapes) -> dict[str, tf.Tensor]:
    """The parameters in a flat vector, by name."""
    parts = tf.split(flat, [int(np.prod(shape)) for shape in shapes.values()])
    return {
        name: tf.reshape(part, shape)
        for (name, shape), part in zip(shapes.items(), parts, strict=True)
    }
