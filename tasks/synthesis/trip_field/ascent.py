"""The most probable effects: Adam's steps uphill, a fixed number of them, on one graph."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import tensorflow as tf

from tasks.synthesis.trip_field.lattice import Floats

_LATE = 0.7
"""After this share of the steps they are a quarter as long."""

Effects = dict[str, tf.Tensor]


def rates(steps: int, learning_rate: float) -> list[float]:
    """The lengths of so many steps from far away: long ones, and then short ones.

    Args:
        steps: Number of steps.
        learning_rate: Length of the long ones, in standard deviations of the prior.
    """
    return [
        learning_rate if count <= _LATE * steps else learning_rate / 4
        for count in range(1, steps + 1)
    ]


class Ascent:
    """Climbs to the effects with the largest posterior density.

    Args:
        loss: Negative log-likelihood of effects, nats. What it reads of variables may change
            between two climbs.
        shapes: Shape of every effect, whose prior is standard normal, by name.
    """

    def __init__(
        self, loss: Callable[[Effects], tf.Tensor], shapes: Mapping[str, tuple[int, ...]]
    ) -> None:
        self._loss = loss
        self._effects, self._centre, self._first, self._second = (
            {name: tf.Variable(np.zeros(shape, np.float32)) for name, shape in shapes.items()}
            for _ in range(4)
        )
        self._count = 0

    def climb(
        self,
        rates: Sequence[float],
        start: Mapping[str, Floats] | None = None,
        centre: Mapping[str, Floats] | None = None,
        *,
        is_known: bool = False,
    ) -> Effects:
        """The effects after a fixed number of Adam's steps, one of each length.

        Args:
            rates: Length of each step, in standard deviations of the prior.
            start: First values; zero by default.
            centre: Means of the prior; zero by default.
            is_known: Whether the climb before it was such a one too. How steep that was tells how
                far to step in each direction, so that a few steps lead to another peak nearby.
        """
        if not is_known:
            self._count = 0
        for name, effect in self._effects.items():
            nothing = np.zeros(effect.shape, np.float32)
            effect.assign(nothing if start is None else start[name])
            self._centre[name].assign(nothing if centre is None else centre[name])
            self._first[name].assign(nothing)
            if not is_known:
                self._second[name].assign(nothing)
        for step, rate in enumerate(rates, 1):
            self._count += 1
            numbers = (step, self._count, rate)
            self._step(*(tf.constant(number, tf.float32) for number in numbers))
        return {name: tf.identity(effect) for name, effect in self._effects.items()}

    @tf.function(jit_compile=False)
    def _step(self, step: tf.Tensor, count: tf.Tensor, rate: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            prior = tf.add_n(
                [
                    tf.nn.l2_loss(effect - self._centre[name])
                    for name, effect in self._effects.items()
                ]
            )
            total = self._loss(self._effects) + prior
        gradients = tape.gradient(
            total, self._effects, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        for name, gradient in gradients.items():
            gradient = tf.convert_to_tensor(gradient)
            first = self._first[name].assign(0.9 * self._first[name] + 0.1 * gradient)
            second = self._second[name].assign(0.999 * self._second[name] + 0.001 * gradient**2)
            mean, square = first / (1 - 0.9**step), second / (1 - 0.999**count)
            self._effects[name].assign_sub(rate * mean / (tf.sqrt(square) + 1e-7))
