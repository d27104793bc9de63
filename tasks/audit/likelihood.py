"""What exposure, membership and attacks on rows ask of a model, whatever it is."""

from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


class Likelihood(Protocol):
    """A model that knows how likely a trip is."""

    def log_likelihood(self, trips: pa.Table) -> NDArray[np.float64]:
        """The logarithm of each trip's probability or density, shape (n,), nats.

        Args:
            trips: Columns as `tasks.schema.RELEASE`.
        """
        ...


class Model(Likelihood, Protocol):
    """A model that releases are drawn from."""

    def draw(self, rows: int) -> pa.Table:
        """Draw a release, columns as `tasks.schema.RELEASE`."""
        ...
