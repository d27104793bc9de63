"""The overall score of a report, and its grade."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from tasks.quality.fields import Field
from tasks.quality.references import Beside
from tasks.quality.trends import Trend

GRADES = ("very poor", "poor", "moderate", "good", "excellent")
"""Of fifths of the score, as in the reports of Gretel, whose code lives on in NVIDIA's Safe
Synthesizer (`EvaluationScore.score_to_grade`)."""


@dataclass(frozen=True)
class Score:
    """How much like the training rows a table is, column by column and pair by pair.

    It is SDMetrics' quality report (https://docs.sdv.dev/sdmetrics/reports/quality-report) with
    all pairs counted, however weakly they are connected, and numbers that are paired with
    categories cut by the same edges in both tables.

    Attributes:
        shapes: Mean similarity of the columns, texts left out, 0 to 1.
        trends: Mean similarity of the pairs of columns, 0 to 1; NaN where there is none.
    """

    shapes: float
    trends: float

    @property
    def overall(self) -> float:
        """The mean of both, 0 to 100.

        Examples:
            >>> Score(0.9, 0.7).overall, Score(0.9, math.nan).overall
            (80.0, 90.0)
        """
        if math.isnan(self.trends):
            return 100 * self.shapes
        return 50 * (self.shapes + self.trends)

    @property
    def grade(self) -> str:
        """The score in words.

        Examples:
            >>> Score(1.0, 1.0).grade, Score(0.9, 0.6).grade, Score(0.1, 0.2).grade
            ('excellent', 'good', 'very poor')
        """
        return GRADES[min(int(self.overall // 20), len(GRADES) - 1)]


@dataclass(frozen=True)
class Scores:
    """The score of the synthetic rows, and those of the references."""

    synthetic: Score
    held_out: Score
    bootstrap: Score

    @classmethod
    def of(cls, fields: Iterable[Field], trends: Iterable[Trend]) -> "Scores":
        """Score three tables by their columns and pairs of columns."""
        shapes = Beside.mean(field.similarity for field in fields if field.kind != "text")
        pairs = Beside.mean(trend.similarity for trend in trends)
        return cls(
            Score(shapes.synthetic, pairs.synthetic),
            Score(shapes.held_out, pairs.held_out),
            Score(shapes.bootstrap or 0.0, pairs.bootstrap or 0.0),
        )
