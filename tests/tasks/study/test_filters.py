import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike

from tasks.comparison import Filters, MixedDistance
from tasks.study.filters import passing


def numbers(values: ArrayLike) -> pa.Table:
    return pa.table({"x": np.asarray(values, float)})


def test_copies_and_rare_rows_are_held_up_but_a_rare_row_that_was_planted_often_is_not_rare() -> (
    None
):
    generator = np.random.default_rng(1)
    training, held_out = generator.normal(size=(2, 500))
    once, often = 8.0, -8.0
    shown = numbers([*training, once, *[often] * 20])
    rows = numbers([training[0], once, often, -4.5])
    passed = passing(rows, shown, numbers(held_out), MixedDistance(), Filters())
    assert passed.similarity.tolist() == [False, False, False, True]
    assert passed.outliers.tolist() == [True, False, True, False]
    assert not passed.both.any()


def test_shares_of_held_out_rows_are_what_the_filters_are_set_by() -> None:
    generator = np.random.default_rng(2)
    training, held_out = generator.normal(size=(2, 400))
    filters = Filters(similar_share=0.2, outlying_share=0.1)
    passed = passing(
        numbers(held_out), numbers(training), numbers(held_out), MixedDistance(), filters
    )
    assert 0.75 <= passed.similarity.mean() <= 0.85
    assert 0.88 <= passed.outliers.mean() <= 0.92
