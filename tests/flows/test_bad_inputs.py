"""Bad input gives one clear line, and nothing already collected is lost."""

import datetime as dt
import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.replay import Answer, Faults, ReplayServer, city_day
from tasks.journal import read_day
from tests.flows.conftest import DAY, REGION, Run

GZIP = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
JSON = {"Content-Type": "application/json"}
EMPTY = b'{"last_updated": 1779253200, "ttl": 60, "version": "2.3", "data": {"bikes": []}}'

BROKEN: dict[str, tuple[Answer, str]] = {
    "unreachable": (Answer(0), "unreachable"),
    "404": (Answer(404), "404"),
    "html": (Answer(200, {"Content-Type": "text/html"}, b"<html>down</html>"), "not JSON"),
    "truncated gzip": (Answer(200, GZIP, gzip.compress(EMPTY * 90)[:-20]), "gzip"),
    "wrong shape": (Answer(200, JSON, b'{"data": {"stations": []}}'), "shape"),
}
"""What the feed answers, and what the line must say."""


def city(faults: Faults | None = None) -> ReplayServer:
    source = city_day(dt.date.fromisoformat(DAY), vehicles=60, trips=600)
    return ReplayServer(source, faults=faults)


def one_line(run: Any) -> str:
    """The command's last word: one line, and no traceback before it."""
    assert run.returncode != 0
    assert "Traceback" not in run.stderr
    said = [line for line in run.stderr.splitlines() if line.startswith("opentrips: ")]
    assert len(said) == 1, run.stderr
    assert run.stderr.rstrip().endswith(said[0])
    return str(said[0])


@pytest.mark.parametrize("fault", BROKEN)
def test_a_feed_that_breaks_costs_nothing_collected(
    fault: str, opentrips: Run, write_region: Callable[..., Path], data_root: Path
) -> None:
    answer, said = BROKEN[fault]
    region, good_polls = write_region(), 90

    def breaks(path: str, before: int) -> Answer | None:
        return answer if "free_bike_status" in path and before >= good_polls else None

    with city(breaks) as feed:
        line = one_line(opentrips("collect", region, "--day", DAY, replay=feed.url))
    assert said.lower() in line.lower()
    assert "${OPENTRIPS_REPLAY}" in line
    assert len(answered(data_root)) == good_polls


@pytest.mark.slow
def test_a_feed_that_comes_back_completes_its_day(
    opentrips: Run, write_region: Callable[..., Path], data_root: Path
) -> None:
    def breaks(path: str, before: int) -> Answer | None:
        return Answer(500) if "free_bike_status" in path and before >= 700 else None

    region = write_region()
    with city(breaks) as feed:
        assert "500" in one_line(opentrips("collect", region, "--day", DAY, replay=feed.url))
    with city() as feed:
        assert opentrips("collect", region, "--day", DAY, replay=feed.url).returncode == 0
    assert len(answered(data_root)) == len(set(answered(data_root))) == 1440


def answered(data_root: Path) -> list[dt.datetime]:
    """When the answered polls that the journal holds were fetched."""
    journal = data_root / "private" / "test" / "journal" / "feed"
    polls = read_day(journal, dt.date.fromisoformat(DAY)).polls
    return [poll.fetched_at for poll in polls if poll.is_answered]


@pytest.mark.slow
def test_an_empty_vehicle_list_is_no_error_but_no_day_either(
    opentrips: Run, write_region: Callable[..., Path]
) -> None:
    def empty(path: str, before: int) -> Answer | None:
        return Answer(200, JSON, EMPTY) if "free_bike_status" in path else None

    with city(empty) as feed:
        run = opentrips("run", write_region(), "--day", DAY, replay=feed.url)
    assert "no vehicle" in run.stderr.lower()
    one_line(run)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"colour": "red"}, "unknown key 'colour'"),
        ({"time_zone": "Mars/Olympus"}, "unknown time zone 'Mars/Olympus'"),
        ({"guarantee": {"epsilon": 0}}, "guarantee.epsilon"),
    ],
)
def test_a_wrong_region_file_gives_one_line(
    changes: dict[str, Any], said: str, opentrips: Run, write_region: Callable[..., Path]
) -> None:
    run = opentrips("run", write_region(**changes), "--day", DAY)
    assert said in one_line(run)
    assert run.stderr.count("\n") == 1


def test_a_journal_of_another_region_is_left_alone(
    opentrips: Run, write_region: Callable[..., Path], data_root: Path
) -> None:
    with city(lambda path, before: Answer(500) if before >= 9 else None) as feed:
        opentrips("collect", write_region(id="theirs"), "--day", DAY, replay=feed.url)
    theirs = data_root / "private" / "theirs"
    before = {path: path.read_bytes() for path in theirs.rglob("*") if path.suffix}
    assert before
    theirs.rename(data_root / "private" / "ours")
    with city() as feed:
        run = opentrips("run", write_region(id="ours"), "--day", DAY, replay=feed.url)
    assert "theirs" in one_line(run)
    for path, content in before.items():
        assert (data_root / "private" / "ours" / path.relative_to(theirs)).read_bytes() == content


def test_an_unset_variable_of_a_url_is_named(
    opentrips: Run, write_region: Callable[..., Path]
) -> None:
    feed = {**REGION["feeds"][0], "url": "${NOBODY_SET_THIS}/gbfs.json"}
    line = one_line(opentrips("run", write_region(feeds=[feed]), "--day", DAY))
    assert "NOBODY_SET_THIS" in line


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run",), "REGION.yaml"),
        (("run", "region.yaml", "--day", "yesterday"), "'yesterday' is no date"),
        (("fly", "region.yaml"), "invalid choice: 'fly'"),
        (("run", "absent.yaml"), "absent.yaml: cannot read the region file"),
    ],
)
def test_a_wrong_command_gives_one_line(
    arguments: tuple[str, ...], said: str, opentrips: Run
) -> None:
    run = opentrips(*arguments)
    assert said in one_line(run)
    assert run.stderr.count("\n") == 1
