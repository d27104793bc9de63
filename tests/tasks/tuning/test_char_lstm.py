import pyarrow as pa
import pytest

from tasks.files import Layout
from tasks.search import Search, Tabled
from tasks.tables import to_lines
from tasks.tuning.campaign import judged, proposed
from tasks.tuning.day import identity_of, read_day, refuse_private
from tasks.tuning.results import conclude
from tasks.tuning.run import try_out
from tasks.tuning.table_day import LINE, TableDay
from tasks.tuning.trial import Outcome
from tests.tasks.tuning.conftest import TABLE, stage


def lines(*texts: str) -> pa.Table:
    return pa.table({LINE: [*texts]})


@pytest.mark.parametrize("name", ["ratings", "incomes"])
def test_a_table_is_judged_by_its_lines(name: str, layout: Layout) -> None:
    data = Tabled.model_validate({"tables": [name], "rows": 400})
    refuse_private(data, layout)
    day, other = (read_day(data, name, seed, layout) for seed in (1, 2))
    assert isinstance(day, TableDay)
    assert isinstance(other, TableDay)
    assert day.rows == 400
    assert identity_of(data, name) == {"table": name, "rows": 400}
    own = lines(*to_lines(day.real, day.table))
    assert day.figures(own) == pytest.approx(
        {"valid": 1, "columns": 0, "column_pairs": 0}, abs=1e-12
    )
    alike = day.figures(lines(*to_lines(other.real, day.table)))
    assert 0 < alike["columns"] < 0.2
    half = lines(*to_lines(day.real, day.table)[:10], *["no row"] * 10)
    assert day.valid_share(half) == 0.5
    assert day.figures(half)["valid"] == 0.5
    nothing = {"valid": 0.0, "columns": 1.0, "column_pairs": 1.0}
    assert day.figures(lines("", "no row")) == nothing


def test_a_run_without_a_guarantee_learns_and_follows_from_its_seed(layout: Layout) -> None:
    search = Search.model_validate({**TABLE, "stages": [stage("learning_rate", [0.05])]})
    (trial,) = proposed(search, 0, layout)
    assert (trial.epsilon, trial.noise_multiplier) == (None, None)
    done = try_out(search, trial, layout)
    assert (done.steps, done.rejected) == (30, "")
    assert set(done.figures) == {"valid", "columns", "column_pairs"}
    ((score,), chosen) = judged(search, layout)
    assert chosen == score
    assert score.utility == pytest.approx(
        1 - (done.figures["columns"] + done.figures["column_pairs"]) / 2
    )
    found = conclude(search, layout)
    assert found.winner is not None
    assert "# Trained without privacy: it has no guarantee" in found.winner
    assert "guarantee:" not in found.winner
    page = found.page.read_text(encoding="utf-8")
    for said in ("simulated tables of 150 rows (ratings)", "no guarantee", "columns, column pairs"):
        assert said in page, said


def test_a_private_run_is_stopped_early_where_lines_are_not_valid(layout: Layout) -> None:
    stages = [stage("noise_multiplier", [50.0])]
    rejection = {"least_valid": 0.9, "rows": 60, "share_of_steps": 0.1}
    search = Search.model_validate({**TABLE, "stages": stages, "rejection": rejection})
    (trial,) = proposed(search, 0, layout)
    done = try_out(search, trial, layout)
    assert done.rejected.endswith("of rows valid after 3 of 30 steps, under 90.0%")


def only_run(layout: Layout, synthesizer: dict[str, object], **axes: object) -> Outcome:
    stages = [{"axes": [{"setting": name, "values": [value]} for name, value in axes.items()]}]
    wild = {**TABLE["synthesizer"], "units": 4, "optimizer": "sgd", **synthesizer}
    search = Search.model_validate({**TABLE, "synthesizer": wild, "stages": stages})
    (trial,) = proposed(search, 0, layout)
    return try_out(search, trial, layout)


def test_a_run_without_a_valid_row_is_as_far_off_as_can_be(layout: Layout) -> None:
    done = only_run(layout, {}, learning_rate=100)
    assert (done.rejected, done.figures) == ("", {"valid": 0, "columns": 1, "column_pairs": 1})


def test_a_run_that_diverges_is_stopped(layout: Layout) -> None:
    done = only_run(layout, {"l2_norm_clip": 1e14, "learning_rate": 100}, noise_multiplier=100)
    assert done.rejected == "weights over 1e+15 after 1 steps"


def test_the_page_has_a_plot_for_each_optimizer(layout: Layout) -> None:
    axes = [("optimizer", ["adam", "sgd"]), ("learning_rate", [0.002, 0.05]), ("epochs", [1, 2])]
    both = [{"setting": name, "values": values} for name, values in axes]
    synthesizer = {**TABLE["synthesizer"], "units": 2, "embedding": 2, "batch": 150}
    search = Search.model_validate(
        {**TABLE, "stages": [{"axes": both}], "synthesizer": synthesizer}
    )
    for trial in proposed(search, 0, layout):
        try_out(search, trial, layout)
    page = conclude(search, layout).page.read_text(encoding="utf-8")
    assert "Invalid rows by learning rate, adam</figcaption>" in page
    assert "Invalid rows by learning rate, sgd</figcaption>" in page
    assert page.count("by learning rate, sgd 4 candidates") > 0
    assert "Epochs by units</figcaption>" in page
