"""A configuration of a study: what it learnt, what it repeats, how near its rows come."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.audit.exposure import Exposure, exposure
from tasks.comparison import Study
from tasks.study.material import Material
from tasks.study.nearest import nearest
from tasks.study.replays import replays
from tasks.study.trained import Trained
from tasks.tables.lines import from_lines

PERCENTILES = (1, 5, 50)
"""Of the distances to the closest training row."""


def compare(
    study: Study, material: Material, trained: Trained, lines: Sequence[str]
) -> tuple[dict[str, float], tuple[Exposure, ...]]:
    """The figures of a configuration.

    Args:
        study: The study.
        material: What it was trained on, and what it was not.
        trained: The trained network.
        lines: What it generated, valid or not.

    Returns:
        Figures by name, without those that there are none of; and the exposure of its canaries
        and of others that were never planted.
    """
    rows = material.with_canaries[: -len(material.canaries)]
    of_rows, of_canaries = replays(lines, rows), replays(lines, material.canaries)
    generated = from_lines(lines, study.table)
    training = from_lines(material.with_canaries, study.table)
    held_out = from_lines(material.held_out, study.table)
    exposures = exposures_of(trained, material)
    unseen, planted = exposures
    figures = {
        "loss": trained.loss(rows),
        "held_out_loss": trained.loss(material.held_out),
        "accuracy": trained.accuracy(rows),
        "held_out_accuracy": trained.accuracy(material.held_out),
        "valid": generated.num_rows / len(lines),
        "identical_rows": float(of_rows.generated + of_canaries.generated),
        "replays_of_training_rows": float(of_rows.generated),
        "replays_of_canaries": float(of_canaries.generated),
        "canaries_replayed": float(of_canaries.distinct),
        "replays_of_held_out_rows": float(replays(lines, material.held_out).generated),
        "exposure": planted.mean,
        "unseen_exposure": unseen.mean,
        "exposure_p_value": planted.p_value,
        **_percentiles("distance", nearest(generated, training, study.distance)),
        **_percentiles("held_out_distance", nearest(held_out, training, study.distance)),
    }
    return figures, exposures


def exposures_of(trained: Trained, material: Material) -> tuple[Exposure, Exposure]:
    """Of canaries that were never planted, and of those that were.

    A canary's rank is that of its log-likelihood among those of the candidates (Carlini et al.
    2019): all come of one law, so one that the network never saw has any rank with the same
    chance.
    """
    ranked_among = np.sort(trained.log_likelihood(material.candidates))
    is_private = trained.epsilon is not None

    def group(lines: Sequence[str], words: str, copies: int) -> Exposure:
        return exposure(trained.log_likelihood(lines), ranked_among, words, is_private, copies)

    return group(material.unseen, "never planted", 0), group(material.canaries, "planted once", 1)


def _percentiles(name: str, distances: NDArray[np.float64]) -> dict[str, float]:
    if not len(distances):
        return {}
    found = np.percentile(distances, PERCENTILES)
    return {f"{name}_{p}": float(d) for p, d in zip(PERCENTILES, found, strict=True)}
