"""`opentrips ledger` as a user runs it."""

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

from tasks.files import Layout
from tasks.privacy.ledger import ChargeRequest, Ledger
from tests.conftest import free_port
from tests.flows.conftest import Run

START = dt.datetime(2026, 5, 20, 4, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


def charge(ledger: Ledger, days: int, state: str) -> str:
    request = ChargeRequest(
        sources=("test-source",),
        start=START + days * DAY,
        end=START + (days + 1) * DAY,
        region="test",
        service_day=(START + days * DAY).date(),
        mechanism={"synthesizer": {"name": "trip_net"}, "records": 4711},
        epsilon=1.0,
        delta=1e-6,
        cap_epsilon=1.0,
        cap_delta=1e-6,
        fingerprint=f"day-{days}",
        steps_allowed=330,
    )
    lease = ledger.reserve(request, f"run-{days}")
    ledger.start_steps(lease, 300)
    (ledger.finish if state == "trained" else ledger.burn)(lease)
    return lease.charge_key


def test_the_account_of_a_region_is_shown_and_exported(
    opentrips: Run, write_region: Callable[..., Path], data_root: Path
) -> None:
    region, layout = write_region(), Layout(data_root)
    with Ledger(layout.ledger) as ledger:
        keys = [charge(ledger, 1, "burned"), charge(ledger, 0, "trained")]
    shown = opentrips("ledger", region)
    assert shown.returncode == 0, shown.stderr
    head, *rows = shown.stdout.splitlines()
    assert head.split()[:4] == ["day", "region", "mechanism", "epsilon"]
    assert [row.split()[0] for row in rows] == ["2026-05-20", "2026-05-21"]
    assert ["trained" in rows[0], "burned" in rows[1]] == [True, True]
    assert "300 of 330" in rows[0]

    release = layout.releases("test", dt.date(2026, 5, 22)) / "r1"
    release.mkdir(parents=True)
    manifest = {"region": {"id": "test"}, "service_day": "2026-05-22", "revision": 1}
    named = {"charge": {"key": "f" * 32, "sources": ["test-source"]}, "mechanism": {"steps": 300}}
    (release / "manifest.json").write_text(json.dumps(manifest | named))
    exported = opentrips("ledger", region, "--json")
    lines = [json.loads(line) for line in exported.stdout.splitlines()]
    assert [line["charge_key"] for line in lines] == keys[::-1]
    assert [line["state"] for line in lines] == ["trained", "burned"]
    assert "4711" not in exported.stdout
    assert "run-0" not in exported.stdout
    # what is there is shown; that it is too old is said, and fails the command
    assert exported.returncode == 1
    assert exported.stderr.startswith(f"opentrips: {layout.ledger}: this ledger is older than")
    assert exported.stderr.count("\n") == 1


def test_a_ledger_that_is_down_gets_one_line(
    opentrips: Run, write_region: Callable[..., Path], environment: dict[str, str]
) -> None:
    host = f"127.0.0.1:{free_port()}"
    environment["OPENTRIPS_LEDGER"] = f"postgresql://me:correct-horse@{host}/ledger"
    run = opentrips("ledger", write_region())
    assert run.returncode == 1
    assert run.stderr.startswith(f"opentrips: ledger ledger on {host}: cannot be reached (")
    assert run.stderr.count("\n") == 1
    assert "correct-horse" not in run.stdout + run.stderr
