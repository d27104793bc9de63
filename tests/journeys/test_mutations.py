"""Mechanisms broken on purpose, and what catches them: the audit must be able to fail."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from tasks.audit.check import Check
from tasks.audit.dpsgd.one_run import MakeTrainer, power_of_training, train_once
from tasks.audit.dpsgd.pairs import subsampled_gaussian_scores
from tasks.audit.dpsgd.sampling import check_sampling
from tasks.audit.one_run import OneRun
from tasks.audit.pairs import PairBound, distinguish
from tasks.privacy.accountant import epsilon_by_pld
from tasks.privacy.mechanism import SubsampledGaussian, SubsampledGaussianRun
from tasks.region import Box, Guarantee, TripNet
from tasks.synthesis.dpsgd import Adam, DpSgd, Model, clipped_sum
from tasks.synthesis.grid import Grid, Tokens
from tasks.synthesis.trip_net import TripNetwork
from tests.conftest import Show
from tests.coupling import coupled_secrets

CLAIMED = Guarantee(epsilon=4.0, delta=1e-6)
TRAINING = SubsampledGaussian(0.2, 2.131, steps=60, reserve_steps=0, l2_norm_clip=1.0)
PAIR = SubsampledGaussian(0.5, 1.582, steps=4, reserve_steps=0, l2_norm_clip=1.0)
CANARIES, REPLICAS, SAMPLED = 4096, 300_000, 1000

SETTINGS = TripNet(levels=1, hidden_units=8)
BOX = Box(name="town", south=52.3, west=10.6, north=52.5, east=10.9)
NETWORK = TripNetwork(Grid((BOX,), 1), SETTINGS)
TRIPS = NETWORK.sample(NETWORK.start(), 300, np.random.default_rng(0))


class HalfNoise(SubsampledGaussian):
    """Adds half of the noise that it accounts for."""

    def begin(self, records: int, expected_records: int | None = None) -> SubsampledGaussianRun:
        less = self.noise_multiplier / 2
        return SubsampledGaussian(**{**vars(self), "noise_multiplier": less}).begin(
            records, expected_records
        )


class _SilentRun(SubsampledGaussianRun):
    def release(self, clipped_sum: NDArray[np.float64]) -> NDArray[np.float64]:
        released = super().release(clipped_sum)
        layer = slice(-CANARIES // 2, None)
        released[layer] = clipped_sum[layer] / self.expected_batch
        return released


class SilentLayer(SubsampledGaussian):
    """Adds no noise to the last layer's coordinates."""

    def begin(self, records: int, expected_records: int | None = None) -> SubsampledGaussianRun:
        return _SilentRun(self, records, expected_records)


class _UnclippedRun(SubsampledGaussianRun):
    def __init__(
        self, mechanism: SubsampledGaussian, records: int, expected_records: int | None
    ) -> None:
        super().__init__(mechanism, records, expected_records)
        self.mechanism = replace(mechanism, l2_norm_clip=1e9)  # what the trainer clips to


class NoClipping(SubsampledGaussian):
    """Noise for a clip norm of 1, gradients of any norm."""

    def begin(self, records: int, expected_records: int | None = None) -> SubsampledGaussianRun:
        return _UnclippedRun(SubsampledGaussian(**vars(self)), records, expected_records)


class _ShuffledRun(SubsampledGaussianRun):
    def __init__(
        self, mechanism: SubsampledGaussian, records: int, expected_records: int | None
    ) -> None:
        super().__init__(mechanism, records, expected_records)
        self._records, self._left = records, np.zeros(0, np.int64)
        self._public = np.random.default_rng(0)

    def draw(self) -> NDArray[np.int64]:
        super().draw()
        size = round(self.mechanism.sampling_probability * self._records)
        if len(self._left) < size:
            self._left = self._public.permutation(self._records)
        batch, self._left = self._left[:size], self._left[size:]
        return batch


class Shuffling(SubsampledGaussian):
    """Shuffles the day and cuts it into batches, every record once in an epoch."""

    def begin(self, records: int, expected_records: int | None = None) -> SubsampledGaussianRun:
        return _ShuffledRun(self, records, expected_records)


class _FixedSizeRun(SubsampledGaussianRun):
    def __init__(
        self, mechanism: SubsampledGaussian, records: int, expected_records: int | None
    ) -> None:
        super().__init__(mechanism, records, expected_records)
        self._records, self._public = records, np.random.default_rng(0)

    def draw(self) -> NDArray[np.int64]:
        super().draw()
        size = round(self.mechanism.sampling_probability * self._records)
        return self._public.choice(self._records, size, replace=False)


class FixedSize(SubsampledGaussian):
    """Draws batches of one size, without replacement."""

    def begin(self, records: int, expected_records: int | None = None) -> SubsampledGaussianRun:
        return _FixedSizeRun(self, records, expected_records)


class BatchMeanClipping(DpSgd):
    """Clips the mean gradient of the batch, as if it were everyone's."""

    def __init__(
        self, model: Model, records: Tokens, run: SubsampledGaussianRun, adam: Adam
    ) -> None:
        super().__init__(model, records, run, adam)
        self._all = (model, records, run, adam)

    @cached_property
    def _total(self) -> tf.types.experimental.GenericFunction:
        model, _, _, adam = self._all
        return tf.function(
            lambda flat, chunk: clipped_sum(model, flat, chunk, 1e9),
            input_signature=[
                tf.TensorSpec(adam.weights.shape, tf.float32),
                tf.TensorSpec([None, TRIPS.shape[1]], tf.int32),
            ],
        )

    def step(self) -> None:
        _, records, run, adam = self._all
        drawn = records[run.draw()]
        mean = self._total(tf.constant(adam.weights), tf.constant(drawn)).numpy() / len(drawn)
        mean *= min(1.0, run.mechanism.l2_norm_clip / np.linalg.norm(mean))
        adam.update(run.release(mean.astype(np.float64) * len(drawn)))


@dataclass(frozen=True)
class Caught:
    """What each detector says of one mechanism."""

    run: OneRun
    hardly_ever: float
    pair: PairBound
    replay: PairBound
    sampling: Check

    @property
    def by(self) -> list[str]:
        """The detectors that refute it."""
        verdicts = {
            "one-run audit": self.run.is_violation,
            "pair": self.pair.is_violation,
            "replayed pair": self.replay.is_violation,
            "sampling": self.sampling.is_violation,
        }
        return [name for name, is_caught in verdicts.items() if is_caught]

    def __str__(self) -> str:
        bounds = (self.run.epsilon_lower, self.pair.epsilon_lower, self.replay.epsilon_lower)
        numbers = "".join(f"{bound:>9.2f}" for bound in bounds)
        return f"{', '.join(self.by) or '-':<40}{numbers}{self.sampling.p_value:>14.1e}"


HEAD = (
    f"{'mutant':<24}{'caught by':<40}{'one run':>9}{'pair':>9}{'replay':>9}{'Poisson p':>14}"
    f"    (lower bounds on epsilon; {CLAIMED.epsilon:g} is claimed)"
)


@pytest.fixture(scope="module")
def hardly_ever() -> float:
    """A one-run bound that what is accounted for exceeds once in a thousand runs."""
    return power_of_training(TRAINING, CLAIMED, CANARIES).hardly_ever


def distinguished(mechanism: SubsampledGaussian, subtract_a_null_day: bool) -> PairBound:
    scores = subsampled_gaussian_scores(mechanism, REPLICAS, subtract_a_null_day)
    return distinguish("Gaussian", *scores, CLAIMED.epsilon, CLAIMED.delta)


def examine(
    kind: type[SubsampledGaussian],
    hardly_ever: float,
    trainer: MakeTrainer = DpSgd,
    has_fixed_seed: bool = False,
) -> Caught:
    """Put a mechanism before every detector."""
    training, pair = kind(**vars(TRAINING)), kind(**vars(PAIR))
    # coupled secrets: the verdicts are those of every run of this test
    with coupled_secrets(seed=1, is_broken=has_fixed_seed):
        run = train_once(
            NETWORK, NETWORK.start(), TRIPS, training, CLAIMED, CANARIES, seed=1, trainer=trainer
        )
        return Caught(
            run,
            hardly_ever,
            distinguished(pair, subtract_a_null_day=False),
            distinguished(pair, subtract_a_null_day=True),
            check_sampling(training, SAMPLED),
        )


def test_what_is_audited_claims_what_it_costs() -> None:
    for mechanism in (TRAINING, PAIR):
        assert 3.99 < epsilon_by_pld(mechanism.event(), CLAIMED.delta) <= 4


def test_rule_13_the_mechanism_as_it_is_passes(show: Show, hardly_ever: float) -> None:
    found = examine(SubsampledGaussian, hardly_ever)
    show(HEAD, [f"{'(none)':<24}{found}"])
    assert found.by == []
    assert 1 < found.run.epsilon_lower < hardly_ever
    assert found.pair.epsilon_lower > 1


@pytest.mark.parametrize(
    ("mutant", "detector"),
    [
        (HalfNoise, "pair"),
        (SilentLayer, "one-run audit"),
        (NoClipping, "one-run audit"),
        (Shuffling, "sampling"),
        (FixedSize, "sampling"),
    ],
)
def test_rule_13_a_broken_mechanism_is_caught(
    mutant: type[SubsampledGaussian], detector: str, show: Show, hardly_ever: float
) -> None:
    found = examine(mutant, hardly_ever)
    show(HEAD, [f"{mutant.__name__:<24}{found}"])
    assert detector in found.by
    if mutant is HalfNoise:
        assert found.run.epsilon_lower > hardly_ever


def test_rule_13_a_loss_that_is_clipped_in_the_mean_is_caught(
    show: Show, hardly_ever: float
) -> None:
    found = examine(SubsampledGaussian, hardly_ever, BatchMeanClipping)
    show(HEAD, [f"{'BatchMeanClipping':<24}{found}"])
    assert "one-run audit" in found.by


def test_rule_13_a_seed_that_is_not_secret_is_caught(show: Show, hardly_ever: float) -> None:
    found = examine(SubsampledGaussian, hardly_ever, has_fixed_seed=True)
    show(HEAD, [f"{'FixedSeed':<24}{found}"])
    assert "replayed pair" in found.by
