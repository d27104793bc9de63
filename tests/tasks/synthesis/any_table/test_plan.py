import shutil
from pathlib import Path

import pytest

from tasks.privacy.accountant import epsilons
from tasks.privacy.errors import TargetUnreachableError
from tasks.privacy.fingerprint import code_version
from tasks.synthesis.any_table import TablePlan, make_table_plan, training_key
from tasks.synthesis.any_table.plan import ENGINES
from tasks.tables import TableError
from tests.tasks.quality.test_stays_private import ROOT, way_to
from tests.tasks.synthesis.any_table.conftest import GUARANTEE, ROWS, synthesis

TASKS = ROOT / "tasks"


def test_the_noise_meets_the_guarantee_over_all_steps(private_plan: TablePlan) -> None:
    plan = private_plan
    assert plan.mechanism is not None
    assert (plan.mechanism.steps_allowed, plan.mechanism.sampling_probability) == (6, 1 / 3)
    assert 0.49 < epsilons(plan.mechanism.event(), 1e-5).pld <= 0.5
    assert plan.describe()["guarantee"] == {
        "unit": "row",
        "adjacency": "zero_out",
        "epsilon": 0.5,
        "delta": 1e-5,
    }


def test_without_a_guarantee_there_is_no_mechanism() -> None:
    plan = make_table_plan(synthesis(), ROWS)
    assert plan.mechanism is None
    assert plan.describe()["guarantee"] is None


def test_the_key_is_that_of_what_is_trained_and_not_of_what_is_drawn() -> None:
    plain = synthesis()
    key = training_key(plain, ROWS, "0")

    def changed(**settings: object) -> str:
        synthesizer = plain.synthesizer.model_copy(update=settings)
        other = plain.model_copy(update={"synthesizer": synthesizer, "rows": 7})
        return training_key(other, ROWS, "0")

    assert changed(temperature=0.5, well_formed_only=True) == key
    assert changed(units=9) != key
    assert training_key(synthesis(guarantee=GUARANTEE), ROWS, "0") != key
    assert training_key(plain, ROWS, "1") != key
    assert training_key(plain, ROWS + 1, "0") != key


def test_rule_10_other_code_that_touches_rows_is_another_charge(tmp_path: Path) -> None:
    copy = shutil.copytree(TASKS, tmp_path / "tasks")
    versions = [code_version(copy, engines=ENGINES)]
    assert versions == [code_version(engines=ENGINES)]
    for name in ("tables/read.py", "tables/lines.py", "synthesis/char_lstm/private.py"):
        with (copy / name).open("a") as file:
            file.write("\n# other code\n")
        versions.append(code_version(copy, engines=ENGINES))
    assert len(set(versions)) == 4


def test_rule_10_every_room_that_rows_of_a_table_pass_is_in_the_key() -> None:
    starts = [*TASKS.glob("synthesis/any_table/*.py"), *TASKS.glob("synthesis/char_lstm/*.py")]
    public = {"files", "region"}  # how files are written, and what settings and guarantees are
    for room in {path.parent.name for path in TASKS.glob("*/*.py")} - public - {*ENGINES}:
        assert way_to(f"tasks.{room}", starts, ROOT) == []


@pytest.mark.parametrize(
    ("records", "changes", "error", "said"),
    [
        (2_000, {}, TableError, "delta 1e-05 is over 0.01 / 2,000 rows = 5e-06; lower it"),
        (20, {}, TableError, "a batch of 20 rows of a table of 20"),
        (
            60,
            {"epsilon": 1e-6, "delta": 1e-9},
            TargetUnreachableError,
            "no noise multiplier up to 100000 keeps",
        ),
    ],
)
def test_guarantees_that_do_not_fit_the_table(
    records: int, changes: dict[str, float], error: type[Exception], said: str
) -> None:
    with pytest.raises(error) as caught:
        make_table_plan(synthesis(guarantee={**GUARANTEE, **changes}), records)
    assert said in str(caught.value)
