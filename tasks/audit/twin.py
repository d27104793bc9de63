"""The simulated twin of a day, which attacks are tried on.

The twin's trips are the rows of a release that is public already. What is done with them is
post-processing: nothing private is read, so nothing is charged to the ledger and attacks may be
repeated at will. Models are made of halves of the twin under the region's guarantee, by a
mechanism of its own with fresh noise; the other half was never seen, and is what a successful
attack must be told apart from.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.audit.errors import AuditError
from tasks.mobility.areas import held
from tasks.region.guarantee import Guarantee
from tasks.region.model import Region

LEAST_ROWS = 200
"""A release with fewer rows leaves attacks too little to tell apart."""
INFLATED_EPSILON = 4.0
"""What audited mechanisms promise: at the epsilon of a release no lower bound says anything."""


@dataclass(frozen=True)
class Twin:
    """A simulated twin of a day.

    Attributes:
        region: The region; its synthesizer, its guarantee.
        trips: The twin's trips, columns as `tasks.schema.RELEASE`.
    """

    region: Region
    trips: pa.Table

    def __post_init__(self) -> None:
        if self.trips.num_rows < LEAST_ROWS:
            raise AuditError(
                f"region {self.region.id}: a release of {self.trips.num_rows} rows is too small to "
                f"audit; at least {LEAST_ROWS} are needed"
            )
        if not self._lies_in_its_areas():
            raise AuditError(
                f"region {self.region.id}: the service area is not that of the release; audit it "
                "with the region's file as it was"
            )

    def _lies_in_its_areas(self) -> bool:
        boxes = self.region.service_area
        index = {box.name: number for number, box in enumerate(boxes)}
        area = np.array([index.get(name, -1) for name in self.trips["area"].to_pylist()])
        origin, destination = (
            (self.trips[f"{end}_latitude"].to_numpy(), self.trips[f"{end}_longitude"].to_numpy())
            for end in ("origin", "destination")
        )
        return bool(held(boxes, area, origin, destination).all())

    @property
    def claimed(self) -> Guarantee:
        """What the mechanisms promise whose loss is bounded from below."""
        return self.region.guarantee.model_copy(update={"epsilon": INFLATED_EPSILON})

    def halves(self, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Indices of two random halves; they differ by one where n is odd."""
        order = np.random.default_rng(seed).permutation(self.trips.num_rows)
        return np.sort(order[: len(order) // 2]), np.sort(order[len(order) // 2 :])
