from pathlib import Path
from xml.etree import ElementTree

import pytest

from tasks.cities import month
from tests.benchmarks.thirty_days import (
    FIGURES,
    FLOORS,
    RELEASES,
    Day,
    at_fair,
    fair_shown,
    mean_errors,
    plot,
    report,
)

FAIR = month.FAIR_DAY


def one_run(shift: float) -> list[Day]:
    """Carried falls from 0.1 above the floors to 0.01, alone stays; carried shows the fair late."""
    days = []
    for number in range(month.DAYS):
        levels = {"carried": 0.2 if number == 0 else 0.11, "alone": 0.2} | dict.fromkeys(
            FLOORS, 0.1
        )
        errors = {name: dict.fromkeys(FIGURES, level + shift) for name, level in levels.items()}
        real = 0.5 if number == FAIR else 0.1
        late = 0.3 if number == FAIR + 1 else 0.1
        days.append(Day(errors, {"day": real, "carried": late, "alone": real}))
    return days


def test_figures_are_means_over_the_runs_day_by_day() -> None:
    runs = [one_run(0.0), one_run(0.02)]
    means = mean_errors(runs, "carried", next(iter(FIGURES)))
    assert means[:2] == pytest.approx([0.21, 0.12])
    assert len(means) == month.DAYS


def test_what_is_shown_of_the_fair_is_a_share_of_what_was_there() -> None:
    runs = [one_run(0.0)]
    assert fair_shown(runs, "alone") == pytest.approx([0, 1, 0, 0, 0, 0, 0])
    assert fair_shown(runs, "carried") == pytest.approx([0, 0, 0.5, 0, 0, 0, 0])


def test_the_report_tells_the_excess_over_the_floors(capsys: pytest.CaptureFixture[str]) -> None:
    report([one_run(0.0), one_run(0.02)])
    out = capsys.readouterr().out.splitlines()
    assert out[1] == "means of 2 seeds, total variation"
    excess = [line for line in out if line.strip().startswith("origins, 1 km")]
    assert [line.split()[-3:] for line in excess] == [["0.1000", "0.0100", "0.1000"]] * len(FLOORS)
    assert out[-len(RELEASES) :][1].split() == ["alone", "0.00", "1.00", *["0.00"] * 5]


def test_the_plot_has_a_panel_for_each_figure(tmp_path: Path) -> None:
    plot(tmp_path / "days.svg", [one_run(0.0)])
    words = [text.text for text in ElementTree.parse(tmp_path / "days.svg").getroot().iter()]
    assert {*FIGURES, "fair", "each day alone"} <= set(words)


def test_only_the_day_of_the_fair_has_many_ends_at_its_place() -> None:
    before, fair = (at_fair(month.day_of_month(day, 1_000, 1)) for day in (FAIR - 1, FAIR))
    assert before < 0.01
    assert fair > 0.1
