import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.files import Layout
from tasks.search import Search
from tasks.tuning.campaign import judged, proposed
from tasks.tuning.run import try_out
from tasks.tuning.trial import load_outcome
from tests.tasks.tuning.conftest import MakeSearch, stage

ROOT = Path(__file__).parents[3]


def test_a_run_is_judged_after_a_first_part_then_at_its_end(
    make_search: MakeSearch, layout: Layout
) -> None:
    stages = [stage("noise_multiplier", [1.0]), stage("learning_rate", [0.5])]
    search = make_search(
        stages=stages, least_valid=0.2, rejection={"least_valid": 0.2, "share_of_steps": 0.3}
    )
    (trial,) = proposed(search, 0, layout)
    done = try_out(search, trial, layout)
    assert (done.steps, done.rejected) == (10, "")
    assert done.valid == done.figures["valid"] >= 0.2
    assert set(search.figures) < set(done.figures)
    record = trial.record(layout, search) / "manifest.json"
    before = record.read_bytes()
    assert try_out(search, trial, layout) == done == load_outcome(record.parent)
    assert record.read_bytes() == before
    # what the first stage chose is what the second begins with
    (following,) = proposed(search, 1, layout)
    assert following.noise_multiplier == 1.0
    assert following.settings.model_dump()["learning_rate"] == 0.5


def test_a_run_whose_rows_are_no_trips_is_stopped(make_search: MakeSearch, layout: Layout) -> None:
    search = make_search(rejection={"least_valid": 1.0, "rows": 200})
    trial = proposed(search, 0, layout)[0]
    done = try_out(search, trial, layout)
    assert (done.steps, done.figures) == (2, {})
    assert done.valid < 1
    assert done.rejected.endswith("of rows valid after 2 of 10 steps, under 100.0%")


def test_a_run_that_diverges_is_stopped(make_search: MakeSearch, layout: Layout) -> None:
    settings = {"name": "trip_net", "levels": 1, "steps": 2, "optimizer": "sgd"}
    axes = [("learning_rate", 3e38), ("noise_multiplier", 4.0)]
    both = {"axes": [{"setting": name, "values": [value]} for name, value in axes]}
    search = make_search(synthesizer=settings, stages=[both])
    (trial,) = proposed(search, 0, layout)
    done = try_out(search, trial, layout)
    assert done.rejected == "weights over 1e+15 after 1 steps"
    assert (done.valid, done.figures) == (0.0, {})
    scores, chosen = judged(search, layout)
    assert chosen is None
    assert scores[0].rejections == [f"transit, seed 1: {done.rejected}"]


def test_another_run_has_another_record(make_search: MakeSearch, layout: Layout) -> None:
    def keys(**changes: object) -> set[str]:
        return {trial.key for trial in proposed(make_search(**changes), 0, layout)}

    data = {"kind": "simulated", "cities": ["transit", "river"], "trips": 300}
    same = keys(name="other", parallel=7, runner="threads", figures=["pairs_5km"])
    assert keys() == same
    assert len(keys()) == 2
    assert len(keys(seeds=[1, 2], data=data)) == 8
    assert keys() < keys(seeds=[1, 2], data=data)
    for changes in (
        {"delta": 1e-7},
        {"data": {**data, "cities": ["transit"], "trips": 301}},
        {"rejection": {"least_valid": 0.4}},
    ):
        assert not keys() & keys(**changes), changes


@pytest.mark.slow
def test_a_search_that_was_killed_goes_on_without_repeating_a_run(
    make_search: MakeSearch, layout: Layout
) -> None:
    stages = [
        stage("noise_multiplier", [4.0]),
        stage("learning_rate", [0.05, 0.1, 0.5]),
        stage("l2_norm_clip", [1.0, 0.5]),
    ]
    search = make_search(stages=stages)
    process = started(search, layout)
    assert process.stdout is not None
    first = process.stdout.readline().decode().strip()
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    before = records(search, layout)
    assert first in before
    assert len(before) < 4
    again = started(search, layout)
    keys, _ = again.communicate(timeout=200)
    assert again.returncode == 0
    after = records(search, layout)
    # the chosen learning rate, and what the first stage chose, are tried once: four runs, six asked
    assert len(keys.split()) == 6
    assert len(after) == 4
    for key, facts in before.items():
        assert after[key] == facts, "a finished run was repeated"
    scores, chosen = judged(search, layout)
    assert [each.stage for each in scores] == [1, 2, 2, 2, 3, 3]
    assert chosen in scores[4:]


def started(search: Search, layout: Layout) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "tests.tasks.tuning.searching"]
    return subprocess.Popen(
        [*command, search.model_dump_json(), str(layout.root)], cwd=ROOT, stdout=subprocess.PIPE
    )


def records(search: Search, layout: Layout) -> dict[str, tuple[int, bytes]]:
    """When each record was written, and what it says."""
    found = layout.search(search.name).glob("runs/*/manifest.json")
    return {path.parent.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in found}
