"""Singling out, linkability and inference: the risks of data protection law, measured on a release.

The attacks are those of anonymeter (Giomi et al. 2023, "A unified framework for quantifying
privacy risk in synthetic data"). Each is tried on the trips that the release was made from, on
trips that it was not made from (control) and with guesses that ignore it (baseline). The risk is
what the attack gains over the control: what holds for strangers too is not the release's doing.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from tasks.audit.statistics import CONFIDENCE, Estimate
from tasks.region.model import Box

if TYPE_CHECKING:
    import pandas as pd

_CELLS = 8
"""Destinations are guessed on a grid of so many by so many cells over their area."""
_ORIGIN = ["hour", "origin_latitude", "origin_longitude"]
_DESTINATION = ["destination_latitude", "destination_longitude"]
_NEIGHBOURS = 5


@dataclass(frozen=True)
class Risk:
    """How an attack went.

    Attributes:
        attack: What is attempted, in words.
        release: What it is tried on, in words.
        attacks: Number of attempts.
        success: Success rate on the trips that the release was made from.
        control: Success rate on trips that it was not made from.
        baseline: Success rate of guesses that ignore the release.
        risk: What is gained over the control, as a share of what could be gained.
    """

    attack: str
    release: str
    attacks: int
    success: Estimate
    control: Estimate
    baseline: Estimate
    risk: Estimate

    @property
    def is_conclusive(self) -> bool:
        """Whether the attack did better than guesses; a weak attack proves nothing."""
        return self.success.value > self.baseline.value


def measure_risks(
    made_from: pa.Table,
    control: pa.Table,
    release: pa.Table,
    boxes: tuple[Box, ...],
    attacks: int,
    seed: int,
    what: str,
) -> tuple[Risk, ...]:
    """Try all attacks on one release.

    Args:
        made_from: The trips that it was made from, columns as `tasks.schema.RELEASE`.
        control: As many trips that it was not made from.
        release: The rows.
        boxes: The service area.
        attacks: Number of attempts of each attack.
        seed: Seeds those that can be seeded.
        what: What the release is, in words.
    """
    from anonymeter.evaluators import (
        InferenceEvaluator,
        LinkabilityEvaluator,
        SinglingOutEvaluator,
    )

    tables = {
        name: _frame(table, boxes)
        for name, table in (("ori", made_from), ("syn", release), ("control", control))
    }
    trips = {name: frame.drop(columns="destination_cell") for name, frame in tables.items()}
    secret = {name: frame.drop(columns=_DESTINATION) for name, frame in tables.items()}
    attempts = min(attacks, made_from.num_rows, control.num_rows)

    def single_out(mode: str) -> Any:
        columns = {} if mode == "univariate" else {"n_cols": 4}
        evaluator = SinglingOutEvaluator(**trips, n_attacks=attempts, seed=seed, **columns)
        return evaluator.evaluate(mode=mode)

    def link() -> Any:
        return LinkabilityEvaluator(
            **trips,
            n_attacks=attempts,
            aux_cols=(_ORIGIN, _DESTINATION),
            n_neighbors=_NEIGHBOURS,
        ).evaluate(n_jobs=1)

    def infer() -> Any:
        return InferenceEvaluator(
            **secret,
            aux_cols=_ORIGIN,
            secret="destination_cell",
            regression=False,
            n_attacks=attempts,
        ).evaluate(n_jobs=1)

    named: tuple[tuple[str, Callable[[], Any]], ...] = (
        ("single out a trip by one column", lambda: single_out("univariate")),
        ("single out a trip by four columns", lambda: single_out("multivariate")),
        ("link a trip's start to its end", link),
        ("infer the destination's cell from the start", infer),
    )
    return tuple(_risk(name, what, attempts, attack) for name, attack in named)


def _risk(name: str, what: str, attempts: int, attack: Callable[[], Any]) -> Risk:
    with warnings.catch_warnings():
        # it warns of attacks that fail and of queries it finds none of; the rates say as much
        warnings.simplefilter("ignore")
        evaluator = attack()
        rates = evaluator.results(confidence_level=CONFIDENCE)
        gained = evaluator.risk(confidence_level=CONFIDENCE)
    return Risk(
        attack=name,
        release=what,
        attacks=attempts,
        success=_success(rates.attack_rate),
        control=_success(rates.control_rate),
        baseline=_success(rates.baseline_rate),
        risk=Estimate(float(gained.value), float(gained.ci[0]), float(gained.ci[1])),
    )


def _success(success: Any) -> Estimate:
    value, error = float(success.value), float(success.error)
    return Estimate(value, max(value - error, 0.0), min(value + error, 1.0))


def _frame(table: pa.Table, boxes: tuple[Box, ...]) -> "pd.DataFrame":
    """The rows as anonymeter wants them, with the destination's cell beside them."""
    frame = table.to_pandas()
    corners = {box.name: (box.south, box.west, box.north, box.east) for box in boxes}
    south, west, north, east = np.array([corners[name] for name in frame["area"]]).T
    row, column = (
        np.clip((value - low) / (high - low) * _CELLS, 0, _CELLS - 1).astype(int)
        for value, low, high in (
            (frame["destination_latitude"].to_numpy(), south, north),
            (frame["destination_longitude"].to_numpy(), west, east),
        )
    )
    frame["destination_cell"] = [
        f"{area} {cell}" for area, cell in zip(frame["area"], row * _CELLS + column, strict=True)
    ]
    return frame.drop(columns=["distance_m"] if len(boxes) > 1 else ["distance_m", "area"])
