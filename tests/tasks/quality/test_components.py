import numpy as np
import pyarrow as pa
import pytest
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from tasks.quality.columns import kinds_of
from tasks.quality.components import Components, components
from tasks.quality.references import Compared
from tests.tasks.quality.conftest import people


def found_of(real: pa.Table, synthetic: pa.Table) -> Components:
    found = components(
        Compared.of(real, synthetic, people(len(real), 77), 0), kinds_of(real.schema)
    )
    assert found is not None
    return found


def test_the_components_of_numbers_are_those_of_scikit_learn() -> None:
    names = ["age", "income", "born"]
    real, other = people(500, 1).select(names), people(400, 2).select(names)
    found = components(Compared.of(real, other, other, 0), kinds_of(real.schema))
    assert found is not None
    arrays = [
        np.column_stack([t["age"], t["income"], t["born"].cast(pa.int32())]).astype(float)
        for t in (real, other)
    ]
    scaler = StandardScaler().fit(arrays[0])
    model = PCA(2).fit(scaler.transform(arrays[0]))
    assert found.explained == pytest.approx(model.explained_variance_ratio_)
    for ours, rows in zip((found.training, found.synthetic), arrays, strict=True):
        theirs = model.transform(scaler.transform(rows))
        assert np.abs(ours) == pytest.approx(np.abs(theirs), abs=1e-8)


def test_the_training_rows_alone_choose_the_plane() -> None:
    real = people(400, 1)
    one, other = found_of(real, people(400, 2)), found_of(real, people(400, 3, strength=-5))
    assert np.array_equal(one.training, other.training)
    assert one.explained == other.explained
    assert other.similarity.synthetic < one.similarity.synthetic - 0.1
    assert one.similarity.held_out == other.similarity.held_out > 0.9


def test_a_category_that_no_training_row_has_stands_for_none_of_them() -> None:
    real = people(200, 1)
    other = real.set_column(3, "job", pa.array(["pilot"] * 200))
    assert np.isfinite(found_of(real, other).synthetic).all()


def test_a_plane_needs_two_columns_that_vary() -> None:
    table = people(50, 1).select(["age", "job"])
    flat = table.set_column(1, "job", pa.array(["clerk"] * 50))
    assert components(Compared.of(flat, flat, flat, 0), kinds_of(flat.schema)) is None
    only = table.select(["age"])
    assert components(Compared.of(only, only, only, 0), kinds_of(only.schema)) is None
    texts = components(Compared.of(table, table, table, 0), {"age": "number", "job": "text"})
    assert texts is None
