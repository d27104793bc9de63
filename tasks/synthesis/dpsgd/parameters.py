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


def arrays_of(vector: Vector, shapes: Shapes) -> dict[str, Vector]:
    """The parameters in a flat vector as arrays, by name, to be stored.

    Examples:
        >>> arrays = arrays_of(np.arange(6, dtype=np.float32), {"kernel": (2, 2), "bias": (2,)})
        >>> arrays["bias"].tolist(), vector_of(arrays, {"kernel": (2, 2), "bias": (2,)}).tolist()
        ([4.0, 5.0], [0.0, 1.0, 2.0, 3.0, 4.0, 5.0])
    """
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes.values()])
    parts = np.split(vector, ends[:-1])
    return {
        name: part.reshape(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)
    }


def vector_of(arrays: Mapping[str, Vector], shapes: Shapes) -> Vector:
    """The flat vector of stored parameters.

    Raises:
        KeyError: If one is missing.
        ValueError: If one has another size.
    """
    return np.concatenate([arrays[name].reshape(shape).ravel() for name, shape in shapes.items()])


def split(flat: tf.Tensor, shapes: Shapes) -> dict[str, tf.Tensor]:
    """The parameters in a flat vector, by name."""
    parts = tf.split(flat, [int(np.prod(shape)) for shape in shapes.values()])
    return {
        name: tf.reshape(part, shape)
        for (name, shape), part in zip(shapes.items(), parts, strict=True)
    }
