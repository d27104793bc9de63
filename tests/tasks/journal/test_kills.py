"""kill -9 at random moments of collecting and sealing, on the engine alone.

One program imports everything once and forks a child for each kill. A child collects and seals
one day after the other and says over a pipe what was acknowledged; the parent kills it, looks at
everything that has a manifest, and starts the next one.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Show

PROGRAM = """
import datetime as dt, json, os, random, signal, sys, time, traceback
from pathlib import Path
import pyarrow.parquet as pq
from tasks.files import Layout, read_manifest, verify_files
from tasks.journal import Journal, read_day, seal_day
from tests.tasks.conftest import DAY, START
from tests.tasks.journal.conftest import poll, sightings
from tests.tasks.journal.test_sealing import REGION

POLLS_A_DAY = 12
layout = Layout(Path(sys.argv[1]))
kills, moments = int(sys.argv[2]), random.Random(int(sys.argv[3]))
directory = layout.journal("test", "feed")

def batch_of(number):
    return sightings([f"v{i}" for i in range(number % 40)], number)

def moment(day, number):
    return (day - DAY).days * 1440 + number

def work(say, day):
    while True:
        with Journal(directory, "test", "feed", REGION.zone) as journal:
            last = journal.last_poll(day)
            for number in range(last.bytes + 1 if last else 0, POLLS_A_DAY):
                batch = batch_of(number)
                each = poll(moment(day, number), batch.num_rows, bytes=number)
                journal.append(each, batch)
                say(f"{day} {number}")
        say(f"{day} seals")
        seal_day(REGION, day, layout)
        say(f"{day} sealed")
        day += dt.timedelta(days=1)

def child(day):
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(ours)
        try:
            work(lambda line: os.write(theirs, (line + chr(10)).encode()), day)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(70)  # only a mistake comes here
    os.close(theirs)
    return pid, ours

def check_sealed(day, acknowledged):
    final = layout.sightings("test", day)
    manifest = read_manifest(final)
    verify_files(final, manifest)
    numbers = pq.read_table(final / "feed.polls.parquet")["bytes"].to_pylist()
    assert numbers == list(range(POLLS_A_DAY)), numbers
    rows = pq.read_table(final / "feed.parquet").to_pylist()
    assert len(rows) == manifest["feeds"]["feed"]["rows"]
    expected = sorted(
        (row["vehicle_id"], moment(day, number), row["latitude_e6"])
        for number in numbers for row in batch_of(number).to_pylist())
    minute = lambda row: round((row["fetched_at"] - START).total_seconds() / 60)
    assert [(row["vehicle_id"], minute(row), row["latitude_e6"]) for row in rows] == expected

class Enough(Exception):
    pass

def warm_up():
    # what is loaded on first use is loaded before the first fork
    global layout, directory
    real = layout, directory
    layout = Layout(Path(sys.argv[1]) / "warm")
    directory = layout.journal("test", "feed")
    def say(line):
        if line.endswith("sealed"):
            raise Enough
    try:
        work(say, DAY)
    except Enough:
        layout, directory = real

warm_up()
day, acknowledged, in_seal, sealed = DAY, {}, 0, 0
longest = 0.06  # longer where the machine is too slow to seal a day in that time
for _ in range(kills):
    pid, pipe = child(day)
    time.sleep(moments.uniform(0.002, longest))
    assert os.waitpid(pid, os.WNOHANG) == (0, 0), "the child died of itself"
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    with os.fdopen(pipe) as said:
        lines = [line.split() for line in said.read().splitlines()]
    for when, what in lines:
        if what.isdigit():
            acknowledged.setdefault(when, []).append(int(what))
    in_seal += bool(lines) and lines[-1][1] == "seals"
    longest = max(0.06, longest * (0.5 if layout.sightings("test", day).exists() else 1.3))
    while layout.sightings("test", day).exists():
        check_sealed(day, acknowledged.get(str(day), []))
        sealed += 1
        day += dt.timedelta(days=1)
    # of the open day everything acknowledged is there once, and at most one poll more
    found = read_day(directory, day)
    numbers = [each.bytes for each in found.polls]
    assert found.damaged == ()
    assert numbers == list(range(len(numbers))), numbers
    acked = acknowledged.get(str(day), [])
    assert set(acked) <= set(numbers) and len(acked) == len(set(acked)), (acked, numbers)
    assert all(entry.sightings() == batch_of(n) for n, entry in enumerate(found.entries))
days = [path.name for path in layout.sightings("test", DAY).parent.iterdir()]
assert {name for name in days if not name.startswith(".")} == {
    str(DAY + dt.timedelta(days=n)) for n in range(sealed)}
print(json.dumps({
    "sealed": sealed, "in_seal": in_seal,
    "acknowledged": sum(map(len, acknowledged.values()))}))
"""


def kill(directory: Path, kills: int, seed: int) -> dict[str, int]:
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(directory), str(kills), str(seed)],
        capture_output=True,
        text=True,
    )
    assert (run.returncode, run.stderr) == (0, "")
    report: dict[str, int] = json.loads(run.stdout)
    return report


def test_fifty_kills(tmp_path: Path, show: Show) -> None:
    report = kill(tmp_path, 50, seed=1)
    show("Kills of collecting and sealing", [f"50: {report}"])
    assert report["in_seal"] > 3
    assert report["sealed"] > 3
    assert report["acknowledged"] > 30


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_thousand_kills(tmp_path: Path, show: Show) -> None:
    report = kill(tmp_path, 1000, seed=2)
    show("Kills of collecting and sealing", [f"1,000: {report}"])
    assert report["in_seal"] > 50
    assert report["sealed"] > 50
