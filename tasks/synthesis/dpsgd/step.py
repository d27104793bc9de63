"""The step itself: draw, clip, sum, noise once, update."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tasks.privacy.mechanism import SubsampledGaussianRun
from tasks.privacy.noise import fresh_generator
from tasks.synthesis.dpsgd.clipping import FULL, ClippedSum, Precision, compiled_clipped_sum
from tasks.synthesis.dpsgd.layers import Model
from tasks.synthesis.dpsgd.optimizers import Optimizer


class DpSgd:
    """Runs DP-SGD steps of one attempt.

    Args:
        model: The model to train.
        records: Encoded records of the day, null records included: shape (n, tokens), one trip
            each, or with `per_vehicle` (n, K, tokens), the trips of one vehicle each.
        run: The mechanism's attempt, with its own secret keys.
        optimizer: Its state is changed in place.
        physical_batch: Most records that are differentiated at once; affects only memory.
        per_vehicle: Whether the clipped gradient is that of a vehicle's trips together.
        precision: Type in which the model is computed.
        devices: Names of devices among which the records of a step are divided, each computing
            the clipped sum of its share; by default TensorFlow's choice of one. Noise is added
            to the sum of the shares, once.
    """

    def __init__(
        self,
        model: Model,
        records: NDArray[np.generic],
        run: SubsampledGaussianRun,
        optimizer: Optimizer,
        physical_batch: int = 2048,
        *,
        per_vehicle: bool = False,
        precision: Precision = FULL,
        devices: Sequence[str] = (),
    ) -> None:
        self._records = records
        self._run = run
        self._optimizer = optimizer
        self._physical_batch = physical_batch
        compiled = partial(
            compiled_clipped_sum,
            model,
            records,
            run.mechanism.l2_norm_clip,
            per_vehicle=per_vehicle,
            precision=precision,
        )
        self._clipped_sums = [compiled(device=device) for device in devices or (None,)]
        self._dropout = fresh_generator()

    @property
    def steps(self) -> int:
        """Updates applied to the weights, earlier attempts' included."""
        return self._optimizer.steps

    def step(self) -> None:
        """One logical step: mask, clip, sum, noise once, divide by q * n, update."""
        drawn = self._records[self._run.draw()]
        shares = np.array_split(drawn, len(self._clipped_sums))
        if len(shares) == 1:
            total = self._share(self._clipped_sums[0], drawn)
        else:
            with ThreadPoolExecutor(len(shares)) as pool:
                total = np.sum(list(pool.map(self._share, self._clipped_sums, shares)), axis=0)
        self._optimizer.update(self._run.release(total))

    def _share(self, clipped_sum: ClippedSum, drawn: NDArray[np.generic]) -> NDArray[np.float64]:
        """One device's clipped sum, chunk by chunk."""
        weights = tf.constant(self._optimizer.weights)
        total = np.zeros(len(self._optimizer.weights), np.float64)
        # of equal size: a small remainder would cost nearly as much as a full chunk
        chunks = -(-len(drawn) // self._physical_batch)
        for chunk in np.array_split(drawn, chunks) if chunks else ():
            seed = tf.constant(self._dropout.integers(2**31, size=2, dtype=np.int32))
            total += clipped_sum(weights, tf.constant(chunk), seed).numpy()
        return total
