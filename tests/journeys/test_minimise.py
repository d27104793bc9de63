"""What re-identifies a vehicle is planted in every version of the standard, and never stored."""

import datetime as dt
import gzip
import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

from infra.replay import Answer, ReplayServer, city_day
from infra.replay.feeds import VERSIONS
from tasks.files import Layout
from tasks.journal import read_day
from tests.journeys.conftest import DAY, LOUISVILLE, EveryNth

ROOT = Path(__file__).parents[2]
MARK = re.compile(rb"zq[0-9]+planted[a-z]+[0-9]*")
EVERY = 10  # the planted feeds play every tenth poll of the city
SECRETS = ("name", "plate", "android", "ios", "web", "extension", "key", "header", "file", "bad")


class PlantedFeed(EveryNth):
    """A feed that tells more about its vehicles than where they are."""

    def vehicle_status(self, version: str, poll: int) -> bytes:
        document = json.loads(super().vehicle_status(version, poll))
        (name, vehicles), *_ = document["data"].items()
        id_key = "vehicle_id" if name == "vehicles" else "bike_id"
        told = [vehicle | said_of(version, number) for number, vehicle in enumerate(vehicles)]
        bad = [
            {id_key: token(version, "bad", 1), "lat": None, "lon": 1, **said_of(version, 1)},
            {id_key: None, "lat": 38.2, "lon": -85.7, **said_of(version, 2)},
            {id_key: token(version, "bad", 3) + "\ufffd", "lat": 38.2, "lon": -85.7},
            token(version, "bad", 4),
        ]
        document["data"] = {name: told + bad, token(version, "key"): token(version, "file")}
        return json.dumps(document | {token(version, "key"): token(version, "file")}).encode()

    def documents(self, version: str, poll: int) -> dict[str, bytes]:
        files = super().documents(version, poll)
        return {name: _said_in_a_file(body, version) for name, body in files.items()}


def token(version: str, what: str, number: int | None = None) -> str:
    """A text that stands nowhere else, such as `zq23plantedname7`."""
    assert what in SECRETS
    return f"zq{version.replace('.', '')}planted{what}{'' if number is None else number}"


def said_of(version: str, number: int) -> dict[str, Any]:
    """What operators add to a vehicle: deep links, printed names, plates, fields of their own."""
    links = {app: f"https://ride.example/{token(version, app, number)}" for app in SECRETS[2:5]}
    return {
        "name": token(version, "name", number),
        "vehicle_plate": token(version, "plate", number),
        "license_plate": token(version, "plate", number),
        "rental_uris": links,
        "_operator": {"asset": [token(version, "extension", number)]},
        token(version, "key"): True,
        "vehicle_equipment": [token(version, "extension", number)],
    }


def _said_in_a_file(body: bytes, version: str) -> bytes:
    document = json.loads(body)
    document["data"]["operator"] = token(version, "file")
    return json.dumps(document | {"note": token(version, "file")}).encode()


def say_it_in_a_header(path: str, before: int) -> Any:
    def alter(answer: Answer) -> Answer:
        version = path.split("/")[1]
        return answer._replace(headers={**answer.headers, "X-Asset": token(version, "header")})

    return alter


def contents(root: Path) -> Iterator[tuple[Path, bytes]]:
    """Everything below a folder: raw, and again with all compression and encoding undone."""
    for path in sorted(root.rglob("*")):
        if not path.is_file():
            continue
        yield path, str(path).encode()
        yield path, path.read_bytes()
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            yield path, f"{table.schema.metadata} {table.to_pylist()}".encode()
        elif path.suffix == ".gz":
            yield path, gzip.decompress(path.read_bytes())
        elif path.suffix == ".npz":
            with np.load(path) as arrays:
                for name in arrays.files:
                    yield path, name.encode() + arrays[name].tobytes()
        elif path.suffix in (".sqlite", ".db"):
            with closing(sqlite3.connect(path)) as database:
                yield path, "\n".join(database.iterdump()).encode()


def journals(layout: Layout, region: dict[str, Any], day: dt.date) -> bytes:
    """Every poll and sighting of a region's journals, decoded."""
    told = []
    for feed in region["feeds"]:
        for entry in read_day(layout.journal(region["id"], feed["id"]), day).entries:
            told.append(f"{entry.poll} {entry.sightings().to_pylist()}")
    return "\n".join(told).encode()


@pytest.mark.slow
def test_nothing_that_names_a_vehicle_is_ever_written(
    data_root: Path, prefect_server: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    region = {
        "id": "test",
        "name": "Test city",
        "time_zone": "America/Kentucky/Louisville",
        "service_area": [LOUISVILLE],
        "feeds": [
            {
                "id": f"v{version.replace('.', '-')}",
                "url": f"${{OPENTRIPS_REPLAY}}/{version}/gbfs.json",
                "poll_seconds": 60 * EVERY,
                "clock": "feed",
            }
            for version in VERSIONS
        ],
        "trips": {"min_per_day": 50},
        "synthesizer": {"steps": 10, "name": "trip_field"},
    }
    file = tmp_path / "region.yaml"
    file.write_text(yaml.safe_dump(region), encoding="utf-8")
    city = city_day(DAY, vehicles=40, trips=300)
    with ReplayServer(PlantedFeed(city, EVERY), faults=say_it_in_a_header) as server:
        run = subprocess.run(
            [sys.executable, "-m", "flows.cli", "run", str(file), "--day", DAY.isoformat()],
            cwd=ROOT,
            env={
                **os.environ,
                "OPENTRIPS_DATA": str(data_root),
                "OPENTRIPS_REPLAY": server.url,
                "PREFECT_API_URL": prefect_server,
            },
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
    assert run.returncode == 0, run.stderr
    assert not MARK.search(f"{run.stdout}{run.stderr}".encode())

    written = list(contents(data_root))
    found = {(path, token) for path, told in written for token in MARK.findall(told)}
    assert not found
    decoded = journals(Layout(data_root), region, DAY)
    assert not MARK.search(decoded)
    for home in tmp_path_factory.getbasetemp().glob("prefect*"):
        files = (path for path in home.rglob("*") if path.is_file())
        assert not any(MARK.search(path.read_bytes()) for path in files)

    # What is searched does hold what is kept, and what was planted did arrive.
    vehicle = city.timeline.ids[0].encode()
    assert vehicle in decoded
    kinds = {path.relative_to(data_root).parts[2] for path, told in written if vehicle in told}
    assert kinds == {"sightings", "trips"}  # and the journal, whose segments are compressed
    manifest = Layout(data_root).sightings("test", DAY) / "manifest.json"
    for facts in json.loads(manifest.read_bytes())["feeds"].values():
        polls = city.polls // EVERY
        assert facts["outcomes"] == {"ok": polls, "ended": 1}
        assert sum(facts["quarantined"].values()) == 4 * polls
    public = [(path, told) for path, told in written if path.is_relative_to(data_root / "releases")]
    assert len({path for path, _ in public}) >= 5
    ids = [name.encode() for name in city.timeline.ids]
    assert not any(name in told for _, told in public for name in ids)


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    import pyarrow as pa

    secret = token("2.3", "name", 7)
    pq.write_table(pa.table({"a": [secret] * 3}), tmp_path / "a.parquet", compression="zstd")
    (tmp_path / "b.gz").write_bytes(gzip.compress(secret.encode()))
    (tmp_path / secret).touch()
    with closing(sqlite3.connect(tmp_path / "c.sqlite")) as database:
        database.execute(f"create table t as select '{secret}'")
        database.commit()
    found = {path.name for path, told in contents(tmp_path) if MARK.search(told)}
    assert found == {"a.parquet", "b.gz", secret, "c.sqlite"}
