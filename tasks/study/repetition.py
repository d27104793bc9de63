"""A secret that is planted again and again: when does a network repeat it, and what stops that?"""

from collections.abc import Sequence

import numpy as np

from tasks.audit.exposure import Exposure, exposure
from tasks.comparison import Repetition, Study
from tasks.study.filters import passing
from tasks.study.material import Material
from tasks.study.trained import Trained
from tasks.tables.lines import from_lines, read_line


def repeat(
    study: Study,
    repetition: Repetition,
    material: Material,
    trained: Trained,
    copies: int,
    lines: Sequence[str],
) -> tuple[dict[str, float], tuple[Exposure, ...]]:
    """How often the secret comes up, through filters and without.

    Args:
        study: The study.
        repetition: Its part about the secret.
        material: What was trained on.
        trained: The trained network.
        copies: How often the secret was planted.
        lines: What was generated, valid or not.

    Returns:
        For each of `tasks.study.figures.FILTERS` the valid rows that are left and how many of
        them are the secret, `rows_FILTER` and `secrets_FILTER`; the share of valid rows; how many
        secrets are due by the network's own chance; loss and accuracy. And the secret's exposure.
    """
    valid = [line for line in lines if read_line(line, study.table) is not None]
    passed = passing(
        from_lines(valid, study.table),
        from_lines(material.with_secret(copies), study.table),
        from_lines(material.held_out, study.table),
        study.distance,
        repetition.filters,
    )
    is_secret = np.array([line == material.secret for line in valid], bool)
    figures = {
        "valid": len(valid) / len(lines),
        "held_out_loss": trained.loss(material.held_out),
        "held_out_accuracy": trained.accuracy(material.held_out),
    }
    masks = {
        "none": np.ones(len(valid), bool),
        "similarity": passed.similarity,
        "outliers": passed.outliers,
        "both": passed.both,
    }
    for name, mask in masks.items():
        figures[f"rows_{name}"] = float(mask.sum())
        figures[f"secrets_{name}"] = float((mask & is_secret).sum())
    likelihood = trained.log_likelihood([material.secret])
    if trained.network.settings.temperature == 1 and not trained.network.settings.well_formed_only:
        figures["secrets_expected"] = float(len(lines) * np.exp(likelihood[0]))
    ranked_among = np.sort(trained.log_likelihood(material.candidates))
    words = f"planted {copies} times" if copies > 1 else "planted once"
    is_private = trained.epsilon is not None
    return figures, (exposure(likelihood, ranked_among, words, is_private, copies),)
