from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray
from scipy import stats

from tasks.synthesis.char_lstm.drawing import LARGEST, draw

LOGITS = np.array([1.0, -2.0, 0.5, 3.0, -1.0, 2.0], np.float32)
ROWS = 40_000


def drawn(
    logits: NDArray[Any], allowed: NDArray[Any], temperature: float, uniform: NDArray[Any]
) -> NDArray[Any]:
    tensors = (tf.constant(allowed), tf.constant(temperature), tf.constant(uniform))
    return np.asarray(draw(tf.constant(logits), *tensors).numpy())


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
@pytest.mark.parametrize("masked", [False, True])
def test_symbols_are_drawn_from_the_softmax_at_a_temperature(
    temperature: float, masked: bool
) -> None:
    allowed = np.array([True, True, not masked, not masked, True, True])
    uniform = np.random.default_rng(5).random(ROWS, np.float32)
    found = drawn(np.tile(LOGITS, (ROWS, 1)), np.tile(allowed, (ROWS, 1)), temperature, uniform)
    shares = np.exp(LOGITS.astype(float) / temperature) * allowed
    expected = ROWS * shares / shares.sum()
    counts = np.bincount(found, minlength=6)
    assert not counts[~allowed].any()
    assert stats.chisquare(counts[allowed], expected[allowed]).pvalue > 1e-3
    # the test can fail: another temperature is told apart
    others = np.exp(LOGITS.astype(float) / (temperature * 1.1)) * allowed
    wrong = ROWS * others / others.sum()
    assert stats.chisquare(counts[allowed], wrong[allowed]).pvalue < 1e-3


def test_the_ends_of_the_uniform_numbers_draw_the_ends_of_what_is_allowed() -> None:
    allowed = np.array([[False, True, True, False, True, False]] * 2)
    uniform = np.array([0, LARGEST], np.float32)
    assert drawn(np.tile(LOGITS, (2, 1)), allowed, 1.0, uniform).tolist() == [1, 4]
    # what is allowed is drawn even where it is all but impossible
    logits = np.array([[500.0, -500.0, -501.0]], np.float32)
    only = np.array([[False, False, True]])
    assert drawn(logits, only, 0.1, np.array([0.5], np.float32)).tolist() == [2]


def test_what_is_no_number_draws_something_allowed() -> None:
    logits = np.full((1, 6), np.nan, np.float32)
    allowed = np.array([[False, True, True, True, False, False]])
    assert drawn(logits, allowed, 1.0, np.array([0.5], np.float32)).tolist() == [3]
