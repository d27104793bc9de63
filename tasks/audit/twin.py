"""The simulated twin of a day, and the models that attacks are tried on.

The twin's trips are the rows of a release that is public already. What is done with them is
post-processing: nothing private is read, so nothing is charged to the ledger and attacks may be
repeated at will. The region's synthesizer is trained on halves of the twin under the region's
guarantee, by a mechanism of its own with fresh keys; the other half was never seen, and is what a
successful attack must be told apart from.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.audit.errors import AuditError
from tasks.privacy.accountant import solve_noise_multiplier
from tasks.privacy.mechanism import SubsampledGaussian
from tasks.region.model import Region, TripNet
from tasks.synthesis.grid import Grid, Tokens

if TYPE_CHECKING:
    from tasks.synthesis.dpsgd import Optimizer
    from tasks.synthesis.network_file import TrainedNetwork
    from tasks.synthesis.trip_net import TripNetwork

LEAST_ROWS = 200
"""A release with fewer rows leaves attacks too little to tell apart."""
_NO_CLIP = 1e9


@dataclass(frozen=True)
class Twin:
    """A simulated twin of a day, and how its region trains on it.

    Attributes:
        region: The region; its synthesizer, its guarantee.
        rows: The twin's trips, columns as `tasks.schema.RELEASE`.
    """

    region: Region
    rows: pa.Table

    def __post_init__(self) -> None:
        if self.rows.num_rows < LEAST_ROWS:
            raise AuditError(
                f"region {self.region.id}: a release of {self.rows.num_rows} rows is too small to "
                f"audit; at least {LEAST_ROWS} are needed"
            )

    @property
    def settings(self) -> TripNet:
        """The region's settings."""
        settings = self.region.synthesizer
        if not isinstance(settings, TripNet):
            raise AuditError(f"region {self.region.id}: only trip_net can be audited")
        return settings

    @cached_property
    def network(self) -> "TripNetwork":
        """The region's network."""
        from tasks.synthesis.trip_net import TripNetwork

        grid = Grid(self.region.service_area, self.settings.levels)
        return TripNetwork(grid, self.settings)

    @cached_property
    def records(self) -> Tokens:
        """The twin's trips as tokens, shape (n, tokens)."""
        return self.network.grid.encode(self.rows)

    def halves(self, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Indices of two random halves; they differ by one where n is odd."""
        order = np.random.default_rng(seed).permutation(self.rows.num_rows)
        return np.sort(order[: len(order) // 2]), np.sort(order[len(order) // 2 :])

    def mechanism(self, epsilon: float | None = None) -> SubsampledGaussian:
        """The region's mechanism, its noise solved for its guarantee or for another epsilon."""
        settings, guarantee = self.settings, self.region.guarantee
        if epsilon is not None:
            guarantee = guarantee.model_copy(update={"epsilon": epsilon})
        return solve_noise_multiplier(
            guarantee,
            settings.sampling_probability,
            settings.steps,
            settings.reserve_steps,
            settings.l2_norm_clip,
        )

    def train(self, records: Tokens, mechanism: SubsampledGaussian) -> "TrainedNetwork":
        """Train as the region's nights do, under `mechanism`."""
        from tasks.synthesis.dpsgd import DpSgd
        from tasks.synthesis.network_file import TrainedNetwork

        optimizer = self._optimizer()
        engine = DpSgd(self.network, records, mechanism.begin(len(records)), optimizer)
        for _ in range(mechanism.steps):
            engine.step()
        return TrainedNetwork(self.network, optimizer.averaged)

    def train_openly(self, records: Tokens) -> "TrainedNetwork":
        """Train the same network for as many steps without clipping and without noise.

        The control of every attack: one that finds nothing here can find nothing at all.
        """
        from tasks.synthesis.dpsgd import compiled_clipped_sum
        from tasks.synthesis.network_file import TrainedNetwork

        settings = self.settings
        optimizer = self._optimizer()
        gradient = compiled_clipped_sum(self.network, records, _NO_CLIP)
        generator = np.random.default_rng(0)
        for _ in range(settings.steps):
            drawn = records[generator.random(len(records)) < settings.sampling_probability]
            total = gradient(optimizer.weights, drawn, np.zeros(2, np.int32)).numpy()
            optimizer.update(total.astype(np.float64) / max(len(drawn), 1))
        return TrainedNetwork(self.network, optimizer.averaged)

    def _optimizer(self) -> "Optimizer":
        """The region's optimizer before its first step."""
        from tasks.synthesis.dpsgd import OPTIMIZERS

        settings = self.settings
        return OPTIMIZERS[settings.optimizer].start(
            self.network.start(), settings.learning_rate, settings.weight_averaging
        )

    def release(self, trained: "TrainedNetwork", rows: int) -> pa.Table:
        """Draw a release from a trained network, columns as `tasks.schema.RELEASE`."""
        from tasks.synthesis.draw import draw_from_network

        return draw_from_network(trained, rows)

    def shortened(self, steps: int) -> "Twin":
        """The same twin with a quicker training, for those who only want to see an audit run."""
        synthesizer = self.region.synthesizer.model_copy(
            update={"steps": steps, "reserve_steps": 0}
        )
        return replace(self, region=self.region.model_copy(update={"synthesizer": synthesizer}))
