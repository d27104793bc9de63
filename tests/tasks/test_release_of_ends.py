"""From unlinked starts and ends to a published day: every step of it, under each guarantee."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from tasks.check import check_release
from tasks.files import Layout
from tasks.generate import generate
from tasks.ledger import account_of
from tasks.privacy import counts
from tasks.publish import publish
from tasks.region import Region
from tasks.schema import MEASUREMENTS_OF_ENDS, MODELLED_TRIPS, RELEASE_ENDS, RELEASE_STARTS
from tasks.synthesis.errors import DaySizeError
from tasks.synthesis.trip_ends import load_measurements
from tasks.train import train
from tests.coupling import coupled_secrets
from tests.tasks.derived_day import DAY, write_sealed
from tests.tasks.derived_ends import ENDINGS, STARTS, ends_of_day, region_of_ends, write_ends

SCHEMAS = {"starts": RELEASE_STARTS, "ends": RELEASE_ENDS, "modelled_trips": MODELLED_TRIPS}
OFFSET = 45


class StillNoise:
    """The noise of a count, held still."""

    def laplace(self, scale: object, size: int) -> NDArray[np.int64]:
        return np.full(size, OFFSET)


@pytest.fixture
def layout(data_root: Path, tasks_alone: None) -> Layout:
    layout = Layout(data_root)
    write_ends(layout, ends_of_day())
    write_sealed(layout)
    return layout


def release(region: Region) -> Path:
    """Train, forget the private table, and publish."""
    train(region, DAY)
    (Layout.from_environment().ends("demo", DAY) / "ends.parquet").unlink()
    generate(region, DAY)
    check_release(region, DAY)
    return Path(publish(region, DAY)["page"]).parent


def manifest_of(directory: Path) -> dict[str, Any]:
    return dict(json.loads((directory / "manifest.json").read_bytes()))


def test_a_day_of_unlinked_ends_is_published(layout: Layout) -> None:
    region = region_of_ends()
    published = release(region)
    manifest = manifest_of(published)
    rows = {name: pq.read_metadata(published / f"{name}.parquet").num_rows for name in SCHEMAS}
    assert manifest["tables"] == rows
    assert (rows["starts"], rows["ends"]) == (STARTS, ENDINGS)
    assert 0.9 * ENDINGS < rows["modelled_trips"] <= ENDINGS + 1
    for name, schema in SCHEMAS.items():
        assert pq.read_schema(published / f"{name}.parquet").equals(schema.arrow())
        assert (published / f"{name}.csv.gz").exists()
    assert manifest["synthesizer"] == {"name": "trip_ends", "settings": {"steps": 10}}
    assert {table["name"][:4] for table in manifest["mechanism"]["tables"]} == {"star", "end_"}
    assert (manifest["history"]["days"], manifest["history"]["parent"]) == (1, None)
    counts = pq.read_table(published / "measurements.parquet")
    assert counts.schema.equals(MEASUREMENTS_OF_ENDS.arrow())
    stored = load_measurements(layout.model("demo", DAY))
    for kind in ("start", "end"):
        of_kind = counts.filter(pc.field("counted") == f"{kind}_hours")
        values, stddev = stored.estimate(f"{kind}_hours")
        assert of_kind["count"].to_pylist() == values.tolist()
        assert set(of_kind["stddev"].to_pylist()) == {stddev}
    assert {"field.npz", "field.json", "sampler.pyz"} <= set(manifest["files"])
    assert manifest["accountant"]["epsilon_pld"] <= 1.0
    (charge,) = account_of(region)
    assert (charge.state, charge.steps_started, charge.unit) == ("trained", 1, "trip")
    for name in ("README.md", "index.html"):
        text = (published / name).read_text(encoding="utf-8")
        assert "were not observed" in text
        assert "one ride, its start and its end together" in text
        assert "each is the true number of starts, or of ends, plus noise" in text
        assert f"{STARTS:,}" in text


@pytest.mark.slow
def test_how_many_there_were_leaves_as_noisy_counts_only(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(counts, "DiscreteNoise", StillNoise)
    region = region_of_ends(guarantee={"adjacency": "add_remove"})
    with caplog.at_level("INFO"):
        published = release(region)
    manifest = manifest_of(published)
    found = [manifest["tables"][name] for name in ("starts", "ends")]
    assert found == [STARTS + OFFSET, ENDINGS + OFFSET]
    assert manifest["mechanism"]["count"] == {
        "name": "discrete_laplace",
        "sensitivity": 1,
        "numbers": 2,
        "scale": "40",
    }
    (charge,) = account_of(region)
    assert (charge.steps_started, charge.steps_allowed) == (2, 2)
    told = [record.getMessage() for record in caplog.records if record.name.startswith("prefect")]
    texts = [(published / name).read_text("utf-8") for name in ("README.md", "manifest.json")]
    said = re.sub(r"\b[0-9a-f]{32,64}\b", "", " ".join([*told, *texts]).replace(",", ""))
    numbers = re.findall(r"(?<![\d.])\d+(?![\d.])", said)
    assert {str(STARTS + OFFSET), str(ENDINGS + OFFSET)} <= set(numbers)
    assert not {str(STARTS), str(ENDINGS)} & set(numbers)


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"min_per_day": 710, "max_per_day": 10_000}, "720 starts and 705 ends are fewer than"),
        ({"min_per_day": 1, "max_per_day": 710}, "720 starts and 705 ends are more than"),
    ],
)
def test_the_size_of_a_day_is_that_of_what_is_rarer_or_more_frequent(
    layout: Layout, rules: dict[str, int], said: str
) -> None:
    region = region_of_ends(trips=rules)
    with pytest.raises(DaySizeError, match=said):
        train(region, DAY)
    assert account_of(region) == []


def test_rule_14_which_end_belongs_to_which_start_is_nowhere(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same events in another order give the same measurement, byte for byte."""
    stored = []
    for number in range(2):
        root = tmp_path / str(number)
        monkeypatch.setenv("OPENTRIPS_DATA", str(root))
        table = ends_of_day()
        order = np.random.default_rng(number).permutation(len(table))
        write_ends(Layout(root), table.take(pa.array(order)))
        with coupled_secrets(seed=3):
            train(region_of_ends(), DAY)
        stored.append((Layout(root).model("demo", DAY) / "measurements.npz").read_bytes())
    assert stored[0] == stored[1]
