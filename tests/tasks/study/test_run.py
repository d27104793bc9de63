from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tasks.comparison import Study, StudyError
from tasks.files import Layout, read_manifest, verify_files
from tasks.privacy.errors import TargetUnreachableError
from tasks.study.campaign import outcomes, planned
from tasks.study.figures import FIGURES
from tasks.study.run import GENERATED, make
from tasks.study.runs import load_outcome, runs_of
from tests.tasks.study.conftest import NETWORK, PRIVATE, MakeStudy


def test_a_configuration_that_overfits_repeats_its_rows_and_canaries(
    make_study: MakeStudy, layout: Layout
) -> None:
    network = {**NETWORK, "units": 64, "epochs": 300, "batch": 30, "learning_rate": 0.02}
    study = make_study(
        training_rows=30,
        generated_rows=200,
        configurations=[{"name": "C2", "synthesizer": network}],
        repetition=None,
    )
    (run,) = planned(study)
    found = make(study, run, layout)
    figures = found.figures
    assert set(figures) <= set(FIGURES)
    assert figures["valid"] > 0.9
    assert figures["loss"] < figures["held_out_loss"] / 2
    assert figures["accuracy"] > figures["held_out_accuracy"]
    assert figures["replays_of_training_rows"] > 100
    assert figures["canaries_replayed"] >= 3
    assert figures["identical_rows"] == (
        figures["replays_of_training_rows"] + figures["replays_of_canaries"]
    )
    unseen, planted = found.exposures
    assert (unseen.copies, planted.copies) == (0, 1)
    assert planted.mean > 4 > unseen.mean
    assert planted.is_noticed
    assert figures["distance_50"] == 0 < figures["held_out_distance_50"]
    assert "epsilon" not in figures

    directory = run.record(layout, study)
    manifest = read_manifest(directory)
    assert manifest is not None
    verify_files(directory, manifest)
    generated = pq.read_table(directory / GENERATED).to_pandas()
    assert len(generated) == 200
    counts = generated["replays"].value_counts()
    assert counts["canary"] == figures["replays_of_canaries"]
    assert counts["training row"] == figures["replays_of_training_rows"]
    assert directory.is_relative_to(layout.private)


def test_private_runs_say_what_they_cost_and_a_secret_is_looked_for(
    make_study: MakeStudy, layout: Layout
) -> None:
    study = make_study()
    runs = planned(study)
    said = [(run.part, run.name, run.copies) for run in runs]
    assert said == [
        ("configuration", "C1", 1),
        ("configuration", "C3", 1),
        *(("repetition", name, copies) for copies in (1, 30) for name in ("ordinary", "private")),
    ]
    private = make(study, runs[1], layout)
    assert 0.095 < private.figures["epsilon"] <= 0.1
    assert private.figures["noise_multiplier"] > 1
    assert [each.is_private for each in private.exposures] == [True, True]
    planted = make(study, runs[4], layout)
    assert planted.figures["rows_both"] <= planted.figures["rows_none"] <= 50
    assert planted.figures["secrets_expected"] >= 0
    assert planted.exposures[0].group == "planted 30 times"
    with pytest.raises(StudyError, match="is missing; start the study again"):
        outcomes(study, runs, layout)


def test_a_finished_run_is_not_made_again(make_study: MakeStudy, layout: Layout) -> None:
    study = make_study()
    run = planned(study)[0]
    assert not run.is_finished(layout, study)
    found = make(study, run, layout)
    record = run.record(layout, study) / "manifest.json"
    before = record.stat().st_mtime_ns
    assert run.is_finished(layout, study)
    assert make(study, run, layout) == found == load_outcome(record.parent)
    assert record.stat().st_mtime_ns == before


def test_another_run_has_another_record(make_study: MakeStudy, tmp_path: Path) -> None:
    def keys(study: Study) -> set[str]:
        return {run.key for run in runs_of(study)}

    same = keys(make_study(name="other"))
    assert keys(make_study()) == same
    assert len(same) == 6
    assert len(keys(make_study(seeds=[1, 2])) - same) == 6
    canaries = tmp_path / "canaries.csv"
    canaries.write_text("north, 3, 7\n" * 5)
    for changes in (
        {"training_rows": 61},
        {"held_out_rows": 41},
        {"canaries": {"number": 5, "candidates": 51}},
        {"canaries": {"number": 5, "candidates": 50, "file": str(canaries)}},
    ):
        assert not same & keys(make_study(**changes)), changes
    assert len(same & keys(make_study(generated_rows=51))) == 4
    (tmp_path / "rows.csv").write_text("north, 3, 7\n" * 120)
    assert not same & keys(make_study())


def test_what_cannot_be_made_is_refused_before_anything_is_trained(
    make_study: MakeStudy,
) -> None:
    guarantee = {"epsilon": 1e-6, "delta": 1e-9}
    configurations = [{"name": "C3", "synthesizer": NETWORK, "guarantee": guarantee}]
    with pytest.raises(TargetUnreachableError, match="no noise multiplier up to"):
        planned(make_study(configurations=configurations))
    with pytest.raises(StudyError, match="the table has 120 rows and the study needs"):
        planned(make_study(training_rows=100))


def test_a_training_that_diverges_is_said(make_study: MakeStudy, layout: Layout) -> None:
    wild = {**NETWORK, "optimizer": "sgd", "learning_rate": 100, "l2_norm_clip": 1e38}
    study = make_study(configurations=[{**PRIVATE, "synthesizer": wild}])
    run = runs_of(study)[0]
    with pytest.raises(StudyError, match=r"C3: its training diverged; lower synthesizer\."):
        make(study, run, layout)
    assert not run.is_finished(layout, study)
