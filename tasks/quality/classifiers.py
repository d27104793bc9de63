"""What a learner makes of synthetic rows: can it tell them from real ones, can it learn from them.

scikit-learn is imported inside functions, because it takes over a second.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tasks.quality import rows
from tasks.quality.columns import Floats, Integers
from tasks.quality.errors import QualityError
from tasks.quality.histograms import Cells

TREES, LEAVES, FOLDS = 150, 31, 3
"""Of the two-sample classifier."""
HOUR_BANDS = np.array([6, 10, 16, 20])
"""First hours of morning, day, evening and night; the night ends at 6."""

_FOREST = {"n_estimators": 20, "min_samples_leaf": 10, "max_features": None, "max_samples": 0.5}


def features(trips: pa.Table) -> Floats:
    """What the two-sample classifier sees, shape (n, 8).

    Hour, four coordinates, differences of latitude and longitude, natural logarithm of the length
    in metres.
    """
    places = rows.ends(trips)
    length = np.log(np.maximum(rows.lengths(trips), 1.0))
    return np.column_stack([rows.hours(trips), places, places[:, 2:] - places[:, :2], length])


def classifier_auc(real: pa.Table, synthetic: pa.Table, seed: int = 0) -> float:
    """How well trees tell synthetic trips from real ones by their `features`: see `told_apart`.

    On halves, permuted hours, blurred positions and permuted offsets of a published day of 25,648
    trips it is within 0.004 of what LightGBM's trees with the same settings reach.

    Args:
        real: Trips.
        synthetic: Trips.
        seed: Of the folds and of the rows drawn.

    Raises:
        QualityError: If a table has fewer rows than there are folds.
    """
    return told_apart(features(real), features(synthetic), seed)


def told_apart(real: Floats, synthetic: Floats, seed: int = 0) -> float:
    """How well gradient-boosted trees tell synthetic rows from real ones: area under the ROC.

    0.5 means that they cannot, 1 that they always can (D. Lopez-Paz and M. Oquab, "Revisiting
    Classifier Two-Sample Tests", ICLR 2017). 150 of scikit-learn's histogram trees of 31 leaves,
    the mean over three folds. Of the longer table as many rows are drawn as the shorter one has.
    Rows that both tables share pull the area below 0.5, because a copy in the fold that is tested
    has the other label: two halves of one table score 0.5, a table and a copy of it far less.

    Args:
        real: What the trees see of real rows, shape (n, k).
        synthetic: Likewise of synthetic ones, shape (m, k).
        seed: Of the folds and of the rows drawn.

    Raises:
        QualityError: If a table has fewer rows than there are folds.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold
    from threadpoolctl import threadpool_limits

    size = min(len(real), len(synthetic))
    if size < FOLDS:
        raise QualityError(f"a classifier needs {FOLDS} rows of each table, and one has {size}")
    generator = np.random.default_rng(seed)
    seen = np.concatenate([_some(values, size, generator) for values in (real, synthetic)])
    label = np.repeat([0, 1], size)
    areas = []
    for fit, test in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(seen, label):
        model = HistGradientBoostingClassifier(
            max_iter=TREES, max_leaf_nodes=LEAVES, early_stopping=False, random_state=0
        )
        # threads that wait for each other on a busy machine take many times as long as one
        with threadpool_limits(1, user_api="openmp"):
            score = model.fit(seen[fit], label[fit]).predict_proba(seen[test])[:, 1]
        areas.append(roc_auc_score(label[test], score))
    return float(np.mean(areas))


@dataclass(frozen=True)
class Transfer:
    """Accuracy on real rows held out, 0 to 1, of a forest that learned from synthetic rows.

    Attributes:
        hour_band: Of the band of the hour (`HOUR_BANDS`), told from both ends.
        destination: Of the 5 km cell of the destination, told from hour and origin.
    """

    hour_band: float
    destination: float


def transfer(learned_from: pa.Table, held_out: pa.Table, seed: int = 0) -> Transfer:
    """Train on one table, test on another.

    Learn from synthetic rows, then from the real rows that they were made of: the second is what
    the first can hope for (C. Esteban, S. L. Hyland and G. Rätsch, "Real-valued (Medical) Time
    Series Generation with Recurrent Conditional GANs", 2017, section 4).

    Args:
        learned_from: Synthetic trips, or real ones for comparison.
        held_out: Real trips that neither was made of.
        seed: Of the forests.

    Raises:
        QualityError: If a table is empty.
    """
    if not len(learned_from) or not len(held_out):
        raise QualityError("a table without trips cannot be learned from or tested on")
    return Transfer(
        hour_band=_accuracy(
            (rows.ends(learned_from), _bands(learned_from)),
            (rows.ends(held_out), _bands(held_out)),
            seed,
        ),
        destination=_accuracy(
            (_before_the_trip(learned_from), _destinations(learned_from)),
            (_before_the_trip(held_out), _destinations(held_out)),
            seed,
        ),
    )


def _some(values: Floats, size: int, generator: np.random.Generator) -> Floats:
    if len(values) == size:
        return values
    return np.asarray(values[generator.choice(len(values), size, replace=False)])


def _bands(trips: pa.Table) -> Integers:
    return np.searchsorted(HOUR_BANDS, rows.hours(trips), side="right") % len(HOUR_BANDS)


def _destinations(trips: pa.Table) -> Integers:
    row, column = Cells(0.05, "destinations").keys(trips).T
    return np.asarray(row * 36_000 + column)


def _before_the_trip(trips: pa.Table) -> Floats:
    return np.column_stack([rows.hours(trips), rows.ends(trips)[:, :2]])


def _accuracy(fit: tuple[Floats, Integers], test: tuple[Floats, Integers], seed: int) -> float:
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(random_state=seed, **_FOREST).fit(*fit)
    return float(np.mean(forest.predict(test[0]) == test[1]))
