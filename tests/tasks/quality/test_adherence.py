import pyarrow as pa
import pytest

from tasks.quality.adherence import adherence
from tasks.quality.columns import kinds_of
from tasks.quality.errors import QualityError


def test_adherence_asks_for_every_value_of_a_row() -> None:
    real = pa.table({"x": [1, 5], "c": ["a", "b"]})
    other = pa.table({"x": [1, 6, 3, 0], "c": ["a", "b", "z", "z"]})
    assert adherence(real, other, kinds_of(real.schema)) == 0.25
    with pytest.raises(QualityError, match="without rows"):
        adherence(real, other.slice(4), kinds_of(real.schema))
