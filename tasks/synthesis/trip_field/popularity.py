"""How much begins and ends where and when, in TensorFlow: effects of places, smooth hours.

Effects are standard normal variables times the standard deviations that a prior gives them.
"""

import numpy as np
import tensorflow as tf

from tasks.synthesis.grid import HOURS
from tasks.synthesis.trip_field.lattice import CELLS, Floats, Lattice
from tasks.synthesis.trip_field.settings import Prior

_HOUR_WIDTH = 2.0

Effects = dict[str, tf.Tensor]


def places(lattice: Lattice, prior: Prior, effects: Effects) -> tuple[tf.Tensor, tf.Tensor]:
    """What origins and destinations share, and half of what tells them apart.

    Args:
        lattice: The public lattice.
        prior: Standard deviations of the effects.
        effects: area (areas,), block and block_difference (blocks,), square (squares,), cell and
            cell_difference (blocks, CELLS).

    Returns:
        On the logarithmic scale, shape (blocks, CELLS) each: origins are the sum, destinations
        the difference of the two.
    """
    block = prior.area * tf.gather(effects["area"], lattice.area) + prior.block * deep(
        effects["block"], prior.block_depth
    )
    base = (
        block[:, None]
        + prior.square * tf.gather(deep(effects["square"], prior.square_depth), lattice.squares)
        + prior.cell * deep(effects["cell"], prior.cell_depth)
    )
    difference = (
        prior.block_difference * effects["block_difference"][:, None]
        + prior.cell_difference * effects["cell_difference"]
    )
    return base, difference


def place_shapes(lattice: Lattice) -> dict[str, tuple[int, ...]]:
    """Shapes of the effects that `places` and `hour_effects` take, by name."""
    blocks, areas = lattice.blocks, len(lattice.boxes)
    return {
        "area": (areas,),
        "block": (blocks,),
        "square": (int(lattice.squares.max()) + 1,),
        "cell": (blocks, CELLS),
        "block_difference": (blocks,),
        "cell_difference": (blocks, CELLS),
        "hours": (HOURS,),
        "area_hours": (areas, HOURS),
        "block_hours": (blocks, HOURS),
    }


def hour_effects(lattice: Lattice, prior: Prior, effects: Effects) -> tf.Tensor:
    """What makes hours likelier in each block, before it is smoothed, shape (blocks, 24)."""
    return (
        effects["hours"]
        + prior.area_hours * tf.gather(effects["area_hours"], lattice.area)
        + prior.block_hours * effects["block_hours"]
    )


def hours_of(effects: tf.Tensor) -> tf.Tensor:
    """Probability of each hour, smooth around the clock; shape as that of the effects."""
    return tf.nn.softmax(tf.matmul(effects, HOUR_ROOT, transpose_b=True))


def log_cover(lattice: Lattice) -> tf.Tensor:
    """The logarithm of each cell's share inside the service area, shape (blocks, CELLS)."""
    with np.errstate(divide="ignore"):
        logarithm = np.log(lattice.cover.mean(axis=2))
    return tf.constant(np.maximum(logarithm, -50), tf.float32)


def deep(effect: tf.Tensor, depth: float) -> tf.Tensor:
    """An effect that reaches further down than up."""
    return tf.where(effect > 0, effect, depth * effect)


def _hour_root() -> Floats:
    """A root of the covariance of a smooth circular function of the hour, shape (24, 24)."""
    gap = np.abs(np.subtract.outer(np.arange(HOURS), np.arange(HOURS)))
    gap = np.minimum(gap, HOURS - gap)
    covariance = np.exp(-(gap**2) / (2 * _HOUR_WIDTH**2)) + 1e-4 * np.eye(HOURS)
    return np.asarray(np.linalg.cholesky(covariance), np.float32)


HOUR_ROOT = _hour_root()
