import ast
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tasks.privacy.noise import GaussianNoise, fresh_generator

DRAW = """
from fractions import Fraction
from tasks.privacy.noise import GaussianNoise
from tasks.privacy.sampler import PoissonSampler
from tasks.privacy.discrete_noise import DiscreteNoise
from tasks.privacy.keyed_hash import KeyedHash
print(GaussianNoise(1.0).draw(4).tolist())
print(PoissonSampler(64, 0.5).draw().tolist())
print(DiscreteNoise().laplace(Fraction(1000), 8).tolist())
print(DiscreteNoise().gaussian(Fraction(1000), 8).tolist())
print(KeyedHash().of([b"a trip"]))
"""
TASKS = Path(__file__).parents[3] / "tasks"


def test_rule_1_two_processes_draw_different_noise_masks_and_choices() -> None:
    draws = [
        subprocess.run([sys.executable, "-c", DRAW], capture_output=True, check=True, text=True)
        for _ in range(2)
    ]
    pairs = list(zip(*(draw.stdout.splitlines() for draw in draws), strict=True))
    assert len(pairs) == 5
    assert all(first != second for first, second in pairs)


def named(path: Path) -> set[str]:
    """Every dotted name and every keyword argument with its constant in a file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            found.add(ast.unparse(node))
        elif isinstance(node, ast.keyword) and isinstance(node.value, ast.Constant):
            found.add(f"{node.arg}={node.value.value!r}")
    return found


def test_rule_1_noise_is_drawn_outside_of_tensorflow_and_nothing_is_compiled_by_xla() -> None:
    # under XLA its random ops repeat in every process; `stateless_` ops take their seed from us
    for path in TASKS.rglob("*.py"):
        names = named(path)
        assert "jit_compile=True" not in names, path
        assert not [
            name
            for name in names
            if name.startswith(("tf.random.", "tf.keras.utils.set_random_seed", "np.random.seed"))
            and not name.startswith("tf.random.stateless_")
        ], path


def test_rule_1_the_privacy_core_seeds_only_from_the_operating_system() -> None:
    for path in (TASKS / "privacy").glob("*.py"):
        seeds = {name for name in named(path) if "default_rng" in name or "random.Random" in name}
        assert not seeds, path
    assert named(TASKS / "privacy" / "noise.py") >= {"secrets.token_bytes", "np.random.Philox"}
    assert "secrets.token_bytes" in named(TASKS / "privacy" / "discrete_noise.py")


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
