import math

import pyarrow as pa
import pytest

from tasks.quality.errors import QualityError
from tasks.quality.references import Beside, Compared


def table(first: int, rows: int) -> pa.Table:
    return pa.table({"id": list(range(first, first + rows))})


def test_all_tables_that_are_compared_have_one_size() -> None:
    compared = Compared.of(table(0, 500), table(1000, 90), table(2000, 200), seed=1)
    assert len(compared.training) == 500
    drawn = (compared.synthetic, compared.held_out, compared.bootstrap)
    assert [len(each) for each in drawn] == [90] * 3
    synthetic, held_out, bootstrap = (each["id"].to_pylist() for each in drawn)
    assert synthetic == list(range(1000, 1090))  # as they are
    assert len(set(held_out)) == 90  # without replacement
    assert set(held_out) <= set(range(2000, 2200))
    assert set(bootstrap) <= set(range(500))


def test_a_bootstrap_repeats_rows_and_a_seed_repeats_it() -> None:
    one, again, other = (
        Compared.of(table(0, 200), table(0, 200), table(0, 200), seed) for seed in (1, 1, 2)
    )
    rows = one.bootstrap["id"].to_pylist()
    assert len(set(rows)) == pytest.approx(200 * (1 - math.exp(-1)), abs=12)
    assert rows == again.bootstrap["id"].to_pylist()
    assert rows != other.bootstrap["id"].to_pylist()


def test_a_figure_is_taken_of_each_and_copies_are_left_out_where_they_mean_nothing() -> None:
    compared = Compared.of(table(0, 9), table(100, 9), table(1000, 9), seed=0)

    def least(real: pa.Table, other: pa.Table) -> float:
        assert real is compared.training
        return float(min(other["id"].to_pylist()))

    found = compared.each(least)
    assert (found.synthetic, found.held_out) == (100, 1000)
    assert found.bootstrap is not None
    assert found.bootstrap < 9
    assert compared.each(least, copies=False).bootstrap is None


def test_a_mean_leaves_out_what_is_not_known() -> None:
    unknown = math.nan
    found = Beside.mean([Beside(1.0, unknown, 0.5), Beside(0.0, unknown, unknown)])
    assert (found.synthetic, found.bootstrap) == (0.5, 0.5)
    assert math.isnan(found.held_out)
    assert math.isnan(Beside.mean([]).synthetic)


@pytest.mark.parametrize(("place", "name"), [(0, "training"), (1, "synthetic"), (2, "held-out")])
def test_empty_tables_are_named(place: int, name: str) -> None:
    tables = [table(0, 3), table(0, 3), table(0, 3)]
    tables[place] = table(0, 0)
    with pytest.raises(QualityError, match=f"no {name} rows"):
        Compared.of(tables[0], tables[1], tables[2], seed=0)
