import math

import pytest

from tasks.quality.columns import Kind
from tasks.quality.fields import Field
from tasks.quality.references import Beside
from tasks.quality.score import GRADES, Score, Scores
from tasks.quality.trends import Trend


def field_of(kind: Kind, *similarity: float) -> Field:
    return Field("x", kind, Beside(*similarity), ("a",), (), (1.0,), (1.0,))


def test_scores_are_means_without_texts_and_without_what_is_unknown() -> None:
    fields = [
        field_of("number", 0.8, 0.9, 1.0),
        field_of("category", 0.6, 0.9, 1.0),
        field_of("text", 0.0, 0.0, 0.0),
    ]
    unknown = Trend(("x", "y"), Beside(math.nan, math.nan, math.nan), None)
    trends = [Trend(("x", "z"), Beside(0.5, 0.7, 0.9), None), unknown]
    scores = Scores.of(fields, trends)
    assert scores.synthetic.overall == pytest.approx(60)
    assert scores.held_out.overall == pytest.approx(80)
    assert scores.bootstrap.overall == pytest.approx(95)
    assert Scores.of(fields, [unknown]).synthetic.overall == pytest.approx(70)


def test_grades_are_fifths() -> None:
    found = [Score(share, share).grade for share in (0.0, 0.19, 0.2, 0.5, 0.6, 0.79, 0.8, 1.0)]
    assert found == [GRADES[place] for place in (0, 0, 1, 2, 3, 3, 4, 4)]
