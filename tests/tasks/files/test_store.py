import datetime as dt
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.files import FileError, read_manifest, verify_files, write_manifest
from tasks.files.store import Store, StoreError

Finish = Callable[..., Path]


@pytest.fixture(params=["file", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "file":
        return (tmp_path / "store").as_uri()
    return f"s3://opentrips-private/{request.getfixturevalue('s3')}?profile=private"


@pytest.fixture
def store(url: str) -> Store:
    return Store.at(url)


@pytest.fixture
def finish(tmp_path: Path) -> Finish:
    def finished(name: str, **files: str) -> Path:
        directory = tmp_path / name
        directory.mkdir()
        for file, text in files.items():
            (directory / file).write_text(text)
        write_manifest(directory, {"made": name}, files)
        return directory

    return finished


def test_what_one_machine_keeps_another_fetches(
    store: Store, finish: Finish, tmp_path: Path
) -> None:
    store.keep("region/day", finish("here", rows="one", facts="two"))
    assert store.fetch("region/day", tmp_path / "there")
    manifest = read_manifest(tmp_path / "there")
    assert manifest is not None
    assert set(manifest["files"]) == {"rows", "facts"}
    verify_files(tmp_path / "there", manifest)
    assert store.names("") == store.names("region") == ["region/day"]


def test_what_was_never_kept_is_not_there(store: Store, tmp_path: Path) -> None:
    assert not store.fetch("region/day", tmp_path / "there")
    assert not (tmp_path / "there").exists()
    assert store.names("region") == []


def test_a_newer_directory_takes_the_place_of_the_older(
    store: Store, finish: Finish, tmp_path: Path
) -> None:
    store.keep("day", finish("old", rows="one", same="same"))
    there = tmp_path / "there"
    store.fetch("day", there)
    (there / "checkpoint").write_text("work in progress")
    store.keep("day", finish("new", rows="two", same="same"))
    store.fetch("day", there)
    assert (there / "rows").read_text() == "two"
    assert (there / "checkpoint").read_text() == "work in progress"


def test_a_directory_half_stored_is_not_there_and_is_stored_again(
    store: Store, finish: Finish, tmp_path: Path
) -> None:
    here = finish("here", rows="one")
    store.keep("day", here)
    store.files.rm_file(f"{store.root}/day/manifest.json")
    store.files.pipe_file(f"{store.root}/day/rows", b"ha")
    assert not store.fetch("day", tmp_path / "there")
    store.keep("day", here)
    assert store.fetch("day", tmp_path / "there")
    assert (tmp_path / "there" / "rows").read_text() == "one"


def test_a_file_altered_in_the_store_is_refused_and_leaves_nothing_finished(
    store: Store, finish: Finish, tmp_path: Path
) -> None:
    store.keep("day", finish("here", rows="one"))
    store.files.pipe_file(f"{store.root}/day/rows", b"two")
    with pytest.raises(StoreError, match="day/rows is not as its manifest says"):
        store.fetch("day", tmp_path / "there")
    assert read_manifest(tmp_path / "there") is None


def test_a_manifest_that_leads_elsewhere_is_refused(store: Store, tmp_path: Path) -> None:
    document = {"files": {"../../up": {"bytes": 0, "sha256": "0"}}}
    store.files.makedirs(f"{store.root}/day", exist_ok=True)
    store.files.pipe_file(f"{store.root}/day/manifest.json", json.dumps(document).encode())
    with pytest.raises(FileError, match="does not name files beside it"):
        store.fetch("day", tmp_path / "there")


def test_a_directory_is_removed_whole_and_its_neighbours_stay(store: Store, finish: Finish) -> None:
    before = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=2)
    for day in ("day-1", "day-10"):
        store.keep(f"region/room/{day}", finish(day, rows=day))
    folders = store.folders("region/room")
    assert set(folders) == {"day-1", "day-10"}
    assert all(before <= at <= before + dt.timedelta(minutes=2) for at in folders.values())
    store.remove("region/room/day-1")
    assert set(store.folders("region/room")) == {"day-10"}
    assert store.names("region") == ["region/room/day-10"]
    store.remove("region/room/day-1")


def test_a_directory_half_removed_is_still_found_and_removed(store: Store, finish: Finish) -> None:
    store.keep("room/day", finish("here", rows="one"))
    store.files.rm_file(f"{store.root}/room/day/manifest.json")
    assert (store.names(""), set(store.folders("room"))) == ([], {"day"})
    store.remove("room/day")
    assert store.folders("room") == store.folders("nowhere") == {}


def test_the_first_to_publish_wins(store: Store, finish: Finish, tmp_path: Path) -> None:
    first, second = finish("first", rows="one"), finish("second", rows="two")
    assert store.publish("demo/day/r1", first)
    assert not store.publish("demo/day/r1", second)
    assert store.publish("demo/day/r1", first)
    store.fetch("demo/day/r1", second)
    assert (second / "rows").read_text() == "one"
    assert store.names("") == ["demo/day/r1"]


def test_one_who_crashed_while_publishing_goes_on_and_nobody_else_does(
    store: Store, finish: Finish
) -> None:
    first, second = finish("first", rows="one"), finish("second", rows="two")
    store.publish("demo/day/r1", first)
    store.files.rm_file(f"{store.root}/demo/day/r1/manifest.json")
    with pytest.raises(StoreError, match=r"is being published by another.*\.r1\.claim"):
        store.publish("demo/day/r1", second)
    assert store.publish("demo/day/r1", first)


def test_a_file_is_replaced_only_if_it_still_is_what_it_was(store: Store) -> None:
    assert store.read("archive/list") is None
    assert store.replace("archive/list", None, b"one")
    assert not store.replace("archive/list", None, b"two")
    assert store.replace("archive/list", b"one", b"two")
    assert not store.replace("archive/list", b"one", b"three")
    assert store.read("archive/list") == b"two"
    store.write("archive/list", b"four")
    assert store.read("archive/list") == b"four"
    assert not store.create("archive/list", b"five")


def test_a_copy_has_the_mark_of_what_it_is_of_until_that_is_replaced(store: Store) -> None:
    assert store.listing() == {}
    store.write("day/r1/rows", b"one")
    store.write("day/.r1.claim", b"half")
    assert store.copy("day/r1/rows", "table/day=1/rows")
    listing = store.listing()
    assert set(listing) == {"day/r1/rows", "table/day=1/rows"}
    assert len(set(listing.values())) == 1
    store.write("day/r2/rows", b"two")
    assert store.copy("day/r2/rows", "table/day=1/rows")
    assert store.copy("day/r2/rows", "table/day=1/rows")
    assert store.read("table/day=1/rows") == b"two"
    assert store.read("day/r1/rows") == b"one"
    assert store.listing()["table/day=1/rows"] != listing["table/day=1/rows"]
    assert not store.copy("day/r3/rows", "table/day=1/rows")


def test_a_file_is_removed_with_the_folders_that_are_empty_then(store: Store, url: str) -> None:
    store.write("table/day=1/rows", b"one")
    store.write("table/day=2/rows", b"two")
    assert store.files_in("table/day=1") == ["rows"]
    assert store.files_in("table") == []
    for _ in range(2):
        store.remove_file("table/day=1/rows")
    assert set(store.listing()) == {"table/day=2/rows"}
    if url.startswith("file"):
        assert [path.name for path in Path(store.root, "table").iterdir()] == ["day=2"]


SWAPPER = """
import sys
from tasks.files.store import Store
store = Store.at(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for _ in range(20):
    while not store.replace("count", before := store.read("count"), b"%d" % (int(before) + 1)):
        pass
"""


@pytest.mark.slow
def test_of_many_who_replace_at_once_none_is_lost(url: str) -> None:
    store = Store.at(url)
    store.write("count", b"0")
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", SWAPPER, url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        racer.communicate("go\n", timeout=120)
    assert store.read("count") == b"40"


RACER = """
import sys
from pathlib import Path
from tasks.files.store import Store
store = Store.at(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
print(store.publish("demo/day/r1", Path(sys.argv[2])))
"""


def test_of_two_who_publish_at_once_one_wins(url: str, finish: Finish, tmp_path: Path) -> None:
    made = {name: finish(name, **{f"f{i}": name * 1000 for i in range(20)}) for name in "ab"}
    racers = {
        name: subprocess.Popen(
            [sys.executable, "-c", RACER, url, str(directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name, directory in made.items()
    }
    for racer in racers.values():
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers.values():
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    said = {name: racer.communicate(timeout=60) for name, racer in racers.items()}
    won = [name for name, (out, _) in said.items() if out == "True\n"]
    assert len(won) == 1, said
    Store.at(url).fetch("demo/day/r1", tmp_path / "seen")
    assert {path.read_text()[0] for path in (tmp_path / "seen").glob("f*")} == {won[0]}


@pytest.mark.parametrize(
    "url", ["data/releases", "ftp://host/folder", "s3://", "s3://b/p?key=secret", "file://folder"]
)
def test_a_url_of_another_kind_is_refused_in_one_line(url: str) -> None:
    with pytest.raises(StoreError, match="no store; write file:///FOLDER or s3://BUCKET/PREFIX"):
        Store.at(url)


def test_a_bucket_that_is_missing_is_said_in_one_line(s3: str, finish: Finish) -> None:
    store = Store.at("s3://no-such-bucket/x?profile=private")
    with pytest.raises(StoreError, match=r"^s3://no-such-bucket/x\?profile=private: .*check its"):
        store.keep("day", finish("here", rows="one"))


def test_a_profile_that_is_missing_is_said_in_one_line(s3: str) -> None:
    with pytest.raises(StoreError, match="nobody"):
        Store.at("s3://opentrips-private/x?profile=nobody").names("")
