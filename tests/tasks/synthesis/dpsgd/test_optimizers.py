import numpy as np
import pytest
import tensorflow as tf

from tasks.synthesis.dpsgd import OPTIMIZERS, Adam
from tests.tasks.synthesis.dpsgd.perceptron import weights

KERAS = {
    "sgd": lambda: tf.keras.optimizers.legacy.SGD(0.01),
    "momentum": lambda: tf.keras.optimizers.legacy.SGD(0.01, momentum=0.9),
    "rmsprop": lambda: tf.keras.optimizers.legacy.RMSprop(0.01, rho=0.9, epsilon=1e-8),
    "adam": lambda: tf.keras.optimizers.legacy.Adam(0.01, epsilon=1e-8),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_updates_are_those_of_keras(name: str) -> None:
    start = weights(2).astype(np.float32)
    optimizer, keras = OPTIMIZERS[name].start(start, 0.01, 0.9), KERAS[name]()
    variable = tf.Variable(start)
    for seed in range(5):
        gradient = weights(seed, 0.1)
        before = gradient.copy()
        optimizer.update(gradient)
        assert (gradient == before).all()
        keras.apply_gradients([(tf.constant(gradient, tf.float32), variable)])
    assert optimizer.weights == pytest.approx(variable.numpy(), abs=2e-6)
    assert (start == weights(2).astype(np.float32)).all()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_average_is_the_moving_mean_of_the_weights(name: str) -> None:
    optimizer = OPTIMIZERS[name].start(np.ones(3, np.float32), 0.01, 0.5)
    iterates = []
    for seed in range(4):
        optimizer.update(np.random.default_rng(seed).normal(0, 1, 3))
        iterates.append(optimizer.weights.copy())
    shares = 0.5 ** np.arange(3, -1, -1)
    expected = (shares[:, None] * np.array(iterates)).sum(axis=0) / shares.sum()
    assert optimizer.averaged == pytest.approx(expected, rel=1e-5)


def test_the_average_of_constant_weights_is_the_weights() -> None:
    adam = Adam.start(np.ones(3, np.float32), 0.01, 0.98)
    assert adam.averaged.tolist() == [1, 1, 1]
    for _ in range(3):
        adam.update(np.zeros(3))
    assert adam.averaged == pytest.approx(np.ones(3), abs=1e-6)
