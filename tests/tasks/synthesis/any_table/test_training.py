from pathlib import Path

import pytest

from tasks.files import read_manifest, verify_files
from tasks.privacy.errors import AccountingError, CapExceededError, StepsSpentError
from tasks.privacy.ledger import Ledger
from tasks.synthesis.any_table import TablePlan, make_table_plan
from tasks.tables import NOT_PRIVATE
from tests.tasks.synthesis.any_table.conftest import ROWS, synthesis, train


class StopError(Exception):
    """Ends a training from inside, as a crash would."""


def test_a_private_model_names_what_was_spent_and_is_not_trained_again(
    private_plan: TablePlan, lines: list[str], tmp_path: Path
) -> None:
    plan, seen = private_plan, []
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        made = train(
            plan, lines, tmp_path / "model", ledger, progress=lambda done, of: seen.append(done)
        )
        (charge,) = ledger.charges()
        with pytest.raises(StepsSpentError, match="restore the model from a backup"):
            train(plan, lines, tmp_path / "elsewhere", ledger)
        assert ledger.charges()[0].state == "trained"
    assert seen == [1, 2, 3, 4, 5, 6]
    assert (charge.state, charge.steps_started, charge.steps_allowed) == ("trained", 6, 6)
    assert (charge.region, charge.sources) == ("table:small", ("people",))
    assert (charge.start, charge.end) == ("2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z")
    assert charge.public()["mechanism"]["guarantee"] == plan.describe()["guarantee"]
    privacy = made["privacy"]
    assert (privacy["unit"], privacy["adjacency"]) == ("row", "zero_out")
    assert privacy["steps_executed"] == 6
    assert privacy["epsilon_pld"] <= privacy["epsilon"] == 0.5
    assert privacy["charge"] == {"key": charge.charge_key, "sources": ["people"]}
    assert plan.mechanism is not None
    assert privacy["mechanism"]["noise_multiplier"] == plan.mechanism.noise_multiplier
    verify_files(tmp_path / "model", made)


def test_a_training_that_dies_has_spent_its_budget(
    private_plan: TablePlan, lines: list[str], tmp_path: Path
) -> None:
    def dies(done: int, planned: int) -> None:
        raise StopError

    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        with pytest.raises(StopError):
            train(private_plan, lines, tmp_path / "model", ledger, progress=dies)
        (charge,) = ledger.charges()
        assert (charge.state, charge.steps_started) == ("running", 6)
        with pytest.raises(StepsSpentError, match="its training ended before the model was stored"):
            train(private_plan, lines, tmp_path / "model", ledger)
        (charge,) = ledger.charges()
        assert charge.state == "burned"
        assert read_manifest(tmp_path / "model") is None
        # other rows of the same source and period are another charge, over the cap
        with pytest.raises(CapExceededError, match="already charged: charge 1"):
            train(private_plan, lines[::-1], tmp_path / "other", ledger)


def test_without_a_guarantee_the_model_says_so(lines: list[str], tmp_path: Path) -> None:
    seen = []
    made = train(
        make_table_plan(synthesis(), ROWS),
        lines,
        tmp_path,
        None,
        progress=lambda done, of: seen.append((done, of)),
    )
    assert made["privacy"] == NOT_PRIVATE
    assert seen == [(1, 2), (2, 2)]


def test_a_guarantee_is_never_trained_uncharged(
    private_plan: TablePlan, lines: list[str], tmp_path: Path
) -> None:
    with pytest.raises(AccountingError, match="charged if it has a guarantee, and only then"):
        train(private_plan, lines, tmp_path, None)
