import itertools
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.benchmarks.svg_file import write_alone
from tests.benchmarks.trip_field_cost import CURVES, Case, Cost, at_depth, drawn, measure_cost

SVG = "{http://www.w3.org/2000/svg}"


def test_a_curve_goes_up_with_the_time_and_names_its_cases(tmp_path: Path) -> None:
    costs = [Cost(100, 9, 7.0, 10.0**power, 1024 * (power + 1), 1.0) for power in range(4)]
    write_alone(
        tmp_path / "cost.svg", drawn({name: (cases, costs) for name, cases in CURVES.items()})
    )
    root = ElementTree.parse(tmp_path / "cost.svg").getroot()
    lines = [line.attrib["points"].split() for line in root.iter(f"{SVG}polyline")]
    assert [len(points) for points in lines] == [len(cases) for cases in CURVES.values()]
    for points in lines:
        x, y = ([float(point.split(",")[part]) for point in points] for part in (0, 1))
        assert x == sorted(x)
        steps = [low - high for low, high in itertools.pairwise(y)]
        assert steps == pytest.approx([45, 45, 45])  # a power of ten each
    words = [text.text for text in root.iter(f"{SVG}text")]
    assert {"1,000 s", "1.0 GB", "4.0 GB", "27", "0.8", "800"} <= set(words)


@pytest.mark.slow
def test_a_case_costs_what_it_says_at_the_depth_that_it_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tests.benchmarks.trip_field_cost.DRAWN", 1_000)
    cost = measure_cost(Case(500, 0.02, 200))
    assert cost.cells_per_degree == 200
    assert cost.fit_s > 0
    assert cost.processor_s > 0
    assert cost.peak_mb > 100
    assert cost.rows_per_s > 0


def test_depth_by_hand_keeps_the_noise() -> None:
    from tasks.cities import metropolis
    from tasks.synthesis.trip_field import FieldSettings, make_plan
    from tests.benchmarks.trip_field_cost import GUARANTEE

    plan = make_plan((metropolis.box(0.05),), 2_000, GUARANTEE, FieldSettings())
    deep = at_depth(plan, 400)
    assert deep.lattice.cells_per_degree == 400
    noise = [each.mechanism.event().noise_multiplier for each in (plan, deep)]
    assert noise[1] == pytest.approx(noise[0], rel=1e-3)  # weights are whole numbers
