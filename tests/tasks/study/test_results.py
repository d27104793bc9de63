import base64
import hashlib
import re
from typing import Any

import pyarrow.parquet as pq
import pytest

from tasks.audit.exposure import Exposure
from tasks.comparison import Study, StudyError
from tasks.files import Layout, read_manifest, verify_files
from tasks.study.results import PAGE, RESULTS, SCHEMA, sum_up
from tasks.study.runs import Outcome, Run, runs_of, save_outcome
from tests.tasks.release.test_page import Reader
from tests.tasks.study.conftest import MakeStudy


def outcome_of(run: Run) -> Outcome:
    """Figures that differ from run to run."""
    private = run.guarantee is not None
    if run.part == "repetition":
        secrets = 0.0 if private else float(run.copies)
        figures = {"valid": 0.8, "held_out_loss": 1.5, "held_out_accuracy": 0.4}
        for name in ("none", "similarity", "outliers", "both"):
            figures |= {f"rows_{name}": 40.0, f"secrets_{name}": secrets}
        figures["secrets_expected"] = 1.25
        group = Exposure(f"planted {run.copies} times", private, run.copies, (3.0,), 51, 0.1)
        return Outcome(figures, (group,), 2.0)
    figures = {
        "loss": 0.9 if private else 0.7,
        "held_out_accuracy": (0.5 if private else 0.55) + run.seed / 100,
        "identical_rows": 0.0 if private else 12.0,
        "distance_5": 0.25,
    }
    if private:
        figures |= {"epsilon": 0.998, "noise_multiplier": 3.21}
    exposures = (
        Exposure("never planted", private, 0, (1.0, 2.0), 51, 0.4),
        Exposure("planted once", private, 1, (1.0, 5.0), 51, 0.02),
    )
    return Outcome(figures, exposures, 61.0)


def finish(study: Study, layout: Layout) -> list[Run]:
    runs = runs_of(study)
    for run in runs:
        save_outcome(run.record(layout, study), study, run, outcome_of(run))
    return runs


def test_a_study_leaves_a_table_and_a_page(make_study: MakeStudy, layout: Layout) -> None:
    study = make_study(seeds=[1, 3])
    runs = finish(study, layout)
    found = sum_up(study, runs, layout)
    directory = layout.study("small")
    assert directory.is_relative_to(layout.private)
    manifest = read_manifest(directory)
    assert manifest is not None
    verify_files(directory, manifest)
    assert set(manifest["files"]) == {PAGE, RESULTS}
    assert manifest["kind"] == "study: not to be published"
    assert Study.model_validate(manifest["study"]) == study

    table = pq.read_table(directory / RESULTS)
    assert table.schema.names == SCHEMA.names
    results = table.to_pandas()
    assert {*results["part"]} == {"configuration", "repetition"}
    losses = results[results["figure"] == "loss"].set_index(["name", "seed"])["value"]
    assert losses.to_dict() == {("C1", 1): 0.7, ("C1", 3): 0.7, ("C3", 1): 0.9, ("C3", 3): 0.9}
    lost = results[results["figure"] == "accuracy_lost"]
    assert lost["value"].tolist() == pytest.approx([0.05, 0.05])
    assert {*lost["name"]} == {"C3"}
    published = results[results["published"].notna()]
    assert {*published["figure"]} == {"identical_rows"}
    assert {*published["name"]} == {"C1"}
    secrets = results[(results["figure"] == "secrets") & (results["filter"] == "similarity")]
    assert secrets.groupby(["copies", "is_private"])["value"].sum().to_dict() == {
        (1, False): 2,
        (1, True): 0,
        (30, False): 60,
        (30, True): 0,
    }

    said = {row["figure"]: row for row in found.rows}
    assert said["Generated rows identical to a training row or canary"] == {
        "figure": "Generated rows identical to a training row or canary",
        "C1": "12",
        "C1, published": "0",
        "C3": "0",
    }
    assert said["Characters of held-out rows predicted right"]["C1"] == "57 % (56 % to 58 %)"
    assert said["Accuracy lost, on held-out rows"] == {
        "figure": "Accuracy lost, on held-out rows",
        "C1": "",
        "C1, published": "",
        "C3": "5 %",
    }
    before = {path.name: path.read_bytes() for path in directory.glob("*.*")}
    sum_up(study, runs, layout)
    assert {path.name: path.read_bytes() for path in directory.glob("*.*")} == before


def test_the_page_is_well_formed_offline_and_says_what_it_is(
    make_study: MakeStudy, layout: Layout
) -> None:
    study = make_study()
    page = sum_up(study, finish(study, layout), layout).page.read_text()
    reader = Reader(page)
    assert not {"script", "img", "iframe", "form"} & {tag for tag, _ in reader.tags}
    assert not re.search(r"https?://|//[a-z]|url\(|@import", page)
    assert not any(name == "style" for _, attributes in reader.tags for name in attributes)
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in page
    text = " ".join(reader.text.split())
    assert "Not publishable: contains results on private rows." in text
    assert "C1, published" in text
    assert "C3, published" not in text
    assert "epsilon 0.1, delta" in text
    assert "smaller <b>" in text
    anchors = {attributes["id"] for _, attributes in reader.tags if attributes.get("id")}
    for tag, attributes in reader.tags:
        if tag == "a":
            assert str(attributes["href"]).removeprefix("#") in anchors
    assert len(re.findall(r'<svg class="plot', page)) == 3
    assert "1 without privacy 2.5 %" in page
    assert "30 without privacy 75 %" in page


def test_a_page_of_nobodys_rows_without_a_secret_says_so(
    make_study: MakeStudy, layout: Layout
) -> None:
    data = {"kind": "simulated", "simulator": "ratings", "rows": 1000}
    study = make_study(data=data, repetition=None)
    runs = finish(study, layout)
    text = " ".join(Reader(sum_up(study, runs, layout).page.read_text()).text.split())
    assert "Not publishable: its rows are simulated, so nobody's" in text
    assert "Repetition" not in text


@pytest.mark.parametrize("changes", [{}, {"repetition": None}])
def test_a_missing_record_is_said(
    changes: dict[str, Any], make_study: MakeStudy, layout: Layout
) -> None:
    study = make_study(**changes)
    with pytest.raises(StudyError, match="is missing; start the study again"):
        sum_up(study, runs_of(study), layout)
