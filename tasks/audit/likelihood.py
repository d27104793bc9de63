"""What exposure and membership ask of a trained model, whatever it is."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tasks.synthesis.grid import Tokens


class Likelihood(Protocol):
    """A trained model that knows how likely a record is."""

    def log_likelihood(self, records: Tokens) -> NDArray[np.float64]:
        """The logarithm of each record's probability, shape (n,), nats."""
        ...
