import subprocess
import sys

import numpy as np
import pytest

from tasks.privacy.noise import GaussianNoise, fresh_generator

DRAW = """
from tasks.privacy.noise import GaussianNoise
from tasks.privacy.sampler import PoissonSampler
print(GaussianNoise(1.0).draw(4).tolist(), PoissonSampler(64, 0.5).draw().tolist())
"""


def test_rule_1_two_processes_draw_different_noise_and_masks() -> None:
    draws = [
        subprocess.run([sys.executable, "-c", DRAW], capture_output=True, check=True, text=True)
        for _ in range(2)
    ]
    noise_a, mask_a = draws[0].stdout.split("] [")
    noise_b, mask_b = draws[1].stdout.split("] [")
    assert noise_a != noise_b
    assert mask_a != mask_b


def test_rule_1_two_attempts_in_one_process_share_nothing() -> None:
    assert not np.intersect1d(GaussianNoise(1.0).draw(1000), GaussianNoise(1.0).draw(1000)).size


def test_rule_1_the_global_seed_does_not_touch_the_noise() -> None:
    draws = []
    for _ in range(2):
        np.random.seed(7)
        draws.append(GaussianNoise(1.0).draw(3).tolist())
    assert draws[0] != draws[1]


def test_keys_are_not_shown() -> None:
    noise = GaussianNoise(1.0)
    assert "key" not in repr(noise)
    assert "0x" in repr(fresh_generator())  # numpy shows the object's address only


def test_noise_is_gaussian_with_the_stated_deviation() -> None:
    draw = GaussianNoise(3.0).draw(200_000)
    assert abs(draw.mean()) < 6 * 3 / 200_000**0.5
    assert draw.std() == pytest.approx(3, rel=0.02)
    assert np.mean(np.abs(draw) < 3) == pytest.approx(0.6827, abs=0.008)
    assert np.abs(np.corrcoef(draw[:-1], draw[1:])[0, 1]) < 0.015


@pytest.mark.parametrize("stddev", [0.0, -1.0, float("nan"), float("inf")])
def test_no_noise_is_refused(stddev: float) -> None:
    with pytest.raises(ValueError, match="standard deviation"):
        GaussianNoise(stddev)
