from pathlib import Path

import pytest

from tasks.synthesis.any_table import Drawn, TablePlan, card_of, draw_rows
from tasks.synthesis.char_lstm import CharNetwork, TrainedCharNetwork, save_char_network
from tasks.tables import NOT_PRIVATE, CharLstm, Synthesis, TableError, from_lines, to_lines
from tests.tasks.synthesis.any_table.conftest import GUARANTEE, ROWS, synthesis

HOURS = {
    "name": "hours",
    "columns": [{"kind": "integer", "name": "hour", "minimum": 0, "maximum": 23}],
}


def stored(synthesis: Synthesis, directory: Path) -> Path:
    """A network that was never trained."""
    network = CharNetwork(synthesis.table, synthesis.synthesizer)
    save_char_network(directory, TrainedCharNetwork(network, network.start()))
    return directory


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stored(synthesis(), tmp_path_factory.mktemp("model"))


def test_rows_are_valid_and_as_many_as_asked(trained: Path) -> None:
    table = synthesis().table
    drawn = draw_rows(trained, CharLstm(well_formed_only=True), 37)
    assert (drawn.rows.num_rows, drawn.lines, drawn.valid) == (37, 37, 37)
    assert drawn.validity == 1
    assert from_lines(to_lines(drawn.rows, table), table).equals(drawn.rows)
    again = draw_rows(trained, CharLstm(well_formed_only=True), 37)
    assert not again.rows.equals(drawn.rows)


def test_a_model_that_writes_no_rows_is_named(trained: Path) -> None:
    with pytest.raises(TableError, match="are rows of table incomes; train longer, lower the"):
        draw_rows(trained, CharLstm(temperature=10), 3_000)


def test_invalid_lines_are_left_out_and_counted(tmp_path: Path) -> None:
    drawn = draw_rows(stored(synthesis(table=HOURS), tmp_path), CharLstm(), 200)
    assert drawn.rows.num_rows == 200
    assert 200 <= drawn.valid < drawn.lines
    assert drawn.validity == drawn.valid / drawn.lines
    assert set(drawn.rows["hour"].to_pylist()) <= set(range(24))


def carded(synthesis: Synthesis, trained: Path, privacy: object) -> str:
    rows = draw_rows(trained, CharLstm(well_formed_only=True), 5).rows
    return card_of(synthesis, Drawn(rows, 8, 6), {"privacy": privacy, "records": ROWS})


def test_the_card_without_a_guarantee_says_so_first(trained: Path) -> None:
    card = carded(synthesis(), trained, NOT_PRIVATE)
    assert card.splitlines()[0] == "# small: 5 synthetic rows"
    assert card.splitlines()[2].startswith("**not private: do not publish.** The model was")
    assert "Of 8 drawn lines 75.0 % are rows of the schema; the others were left out." in card
    assert "| `sex` | one of female, male |  |" in card
    assert "Guarantee" not in card


def test_the_card_with_one_says_what_it_is(private_plan: TablePlan, trained: Path) -> None:
    plan = private_plan
    assert plan.mechanism is not None
    privacy = {
        **plan.describe()["guarantee"],
        "mechanism": plan.mechanism.describe(),
        "epsilon_pld": 0.499,
        "epsilon_rdp": 0.6,
        "charge": {"key": "0" * 32},
    }
    card = " ".join(carded(synthesis(guarantee=GUARANTEE), trained, privacy).split())
    assert "(ε = 0.5, δ = 1e-05)-differential privacy for one row." in card
    assert "The number of rows, 60, is public" in card
    assert "DP-SGD: 6 steps on Poisson samples with probability 0.333333" in card
    assert "It spends ε = 0.4990" in card
    assert "not private" not in card
