"""kill -9 anywhere: the same command completes the day, and nothing is done or spent twice."""

import datetime as dt
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from infra.replay import ReplayServer, city_day
from tests.flows.conftest import DAY, ROOT, command
from tests.flows.test_main_job import manifest_of

SYNTHESIZER = {"name": "trip_net", "steps": 1500, "reserve_steps": 400, "hidden_units": 16}


def run_until(
    happened: Callable[[], bool], region: Path, environment: dict[str, str]
) -> tuple[bool, str]:
    """Run the main job; kill it with its children as soon as something has happened.

    Returns:
        Whether it was killed, and what it said.
    """
    source = city_day(dt.date.fromisoformat(DAY), vehicles=90, trips=900)
    with ReplayServer(source) as feed:
        job = subprocess.Popen(
            command("run", region, "--day", DAY),
            cwd=ROOT,
            env={**environment, "OPENTRIPS_REPLAY": feed.url},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        while job.poll() is None:
            if happened():
                os.killpg(job.pid, signal.SIGKILL)
                return True, job.communicate()[0]
            time.sleep(0.005)
        return False, job.communicate()[0]


@pytest.mark.slow
def test_three_kills_and_a_completed_day(
    write_region: Callable[..., Path], environment: dict[str, str], data_root: Path
) -> None:
    region = write_region(synthesizer=SYNTHESIZER)
    private, public = data_root / "private" / "test", data_root / "releases" / "test" / DAY

    def half_collected() -> bool:
        segments = (private / "journal" / "feed" / DAY).glob("*.segment")
        return sum(path.stat().st_size for path in segments) > 400_000

    assert run_until(half_collected, region, environment)[0]
    acknowledged = acknowledged_polls(private)
    assert 20 < len(acknowledged) < 1440

    assert run_until((private / "model" / DAY / "checkpoint.npz").exists, region, environment)[0]
    assert run_until((private / "synthetic" / DAY / "check.json").exists, region, environment)[0]
    assert not list(public.glob("r*"))

    killed, said = run_until(lambda: False, region, environment)
    assert not killed
    assert [path.name for path in public.iterdir()] == ["r1"], said
    assert manifest_of(public / "r1")["rows"] == manifest_of(private / "trips" / DAY)["trips"]

    polls = pq.read_table(private / "sightings" / DAY / "feed.polls.parquet").to_pandas()
    answered = polls.loc[polls["outcome"] == "ok", "fetched_at"]
    assert answered.is_unique
    assert acknowledged <= set(answered)
    assert len(answered) >= 1439  # the poll in flight when the collector died may be missing

    with sqlite3.connect(data_root / "private" / "ledger.sqlite") as ledger:
        charges = ledger.execute("SELECT state, steps_started, steps_allowed FROM charges")
        ((state, started, allowed),) = charges.fetchall()
    assert state == "trained"
    assert SYNTHESIZER["steps"] <= started <= allowed


def acknowledged_polls(private: Path) -> set[dt.datetime]:
    """The answered polls that a journal holds, read as the sealing would."""
    from tasks.journal.day import read_day

    day = read_day(private / "journal" / "feed", dt.date.fromisoformat(DAY))
    return {entry.poll.fetched_at for entry in day.entries if entry.poll.is_answered}
