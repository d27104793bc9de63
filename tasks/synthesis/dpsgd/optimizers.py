"""Optimizers on noised mean gradients, with a moving average of the weights.

They see only what the mechanism released, so all of this is post-processing; learning rates are
public constants, and no schedule follows a private loss. All state is in plain arrays of shape
(size,) and plain numbers, which a checkpoint stores as they are. Update rules are those of Keras.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tasks.synthesis.dpsgd.parameters import Vector

_EPSILON = np.float32(1e-8)


@dataclass
class Optimizer(ABC):
    """The state of a training.

    Attributes:
        weights: The iterate.
        average: Sum of past iterates, weighted; see `averaged`.
        steps: Number of updates applied.
        learning_rate: Public constant, > 0.
        averaging: Weight of the past in the average of the weights, a public constant in [0, 1).
    """

    weights: Vector
    average: Vector
    steps: int
    learning_rate: float
    averaging: float

    @classmethod
    def start(cls, weights: Vector, learning_rate: float, averaging: float) -> Self:
        """The state before the first step.

        Args:
            weights: Starting weights, shape (size,); copied.
            learning_rate: Public constant.
            averaging: Weight of the past in the average of the weights.
        """
        moments = {name: np.zeros_like(weights) for name in cls.moments()}
        return cls(weights.copy(), np.zeros_like(weights), 0, learning_rate, averaging, **moments)

    @classmethod
    def moments(cls) -> tuple[str, ...]:
        """Names of the arrays that this optimizer keeps besides the weights."""
        common = {field.name for field in fields(Optimizer)}
        return tuple(field.name for field in fields(cls) if field.name not in common)

    @classmethod
    def arrays(cls) -> tuple[str, ...]:
        """Names of all arrays of the state."""
        return "weights", "average", *cls.moments()

    def update(self, gradient: NDArray[np.float64]) -> None:
        """Apply one noised mean gradient, shape (size,)."""
        self.steps += 1
        change = self._direction(gradient.astype(np.float32))
        change *= np.float32(self.learning_rate)
        self.weights -= change
        _move(self.average, self.weights, self.averaging)

    @abstractmethod
    def _direction(self, mean: Vector) -> Vector:
        """What is subtracted, before the learning rate; may overwrite `mean`."""

    @property
    def averaged(self) -> Vector:
        """The average of the weights over past steps; the start if there were none.

        Its window is a public constant, and it is made of noised iterates only: the average that
        De et al. 2022, "Unlocking high-accuracy differentially private image classification through
        scale", recommend. None is chosen by what it would do on private trips.
        """
        if self.steps == 0:
            return self.weights.copy()
        return (self.average / np.float32(1 - self.averaging**self.steps)).astype(np.float32)


@dataclass
class Sgd(Optimizer):
    """Gradient descent."""

    def _direction(self, mean: Vector) -> Vector:
        return mean


@dataclass
class Momentum(Optimizer):
    """Gradient descent with momentum 0.9.

    Attributes:
        velocity: Sum of past gradients, each weighted 0.9 times the next.
    """

    velocity: Vector

    def _direction(self, mean: Vector) -> Vector:
        self.velocity *= np.float32(0.9)
        self.velocity += mean
        return self.velocity.copy()


@dataclass
class RmsProp(Optimizer):
    """Gradients divided by the root of the moving mean of their squares, decay 0.9.

    Attributes:
        second: Moving mean of the squared gradients.
    """

    second: Vector

    def _direction(self, mean: Vector) -> Vector:
        _move(self.second, np.square(mean), 0.9)
        mean /= np.sqrt(self.second) + _EPSILON
        return mean


@dataclass
class Adam(Optimizer):
    """Adam with decays 0.9 and 0.999 and bias correction (Kingma and Ba 2015).

    Attributes:
        first: Moving mean of the gradients.
        second: Moving mean of their squares.
    """

    first: Vector
    second: Vector

    def _direction(self, mean: Vector) -> Vector:
        _move(self.first, mean, 0.9)
        np.square(mean, out=mean)
        _move(self.second, mean, 0.999)
        root = np.multiply(self.second, np.float32(1 / (1 - 0.999**self.steps)), out=mean)
        np.sqrt(root, out=root)
        root += _EPSILON
        np.divide(self.first, root, out=root)
        root *= np.float32(1 / (1 - 0.9**self.steps))
        return root


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": Sgd,
    "momentum": Momentum,
    "rmsprop": RmsProp,
    "adam": Adam,
}
"""Every optimizer by the name that settings and checkpoints use."""


def _move(mean: Vector, towards: Vector, decay: float) -> None:
    """One step of a moving mean, in place."""
    change = towards - mean
    change *= np.float32(1 - decay)
    mean += change
