import datetime as dt
import gzip
import json
import time
import zlib
from collections import Counter

import pytest

from infra.replay import Answer, Chaos, ReplayError
from infra.replay.chaos import HARMFUL, HARMLESS

STATUS = "/2.3/free_bike_status.json"
BODY = json.dumps({"last_updated": 1_779_249_600, "data": {"bikes": [{"bike_id": "a"}] * 50}})
PLAIN = Answer(200, {"Content-Type": "application/json"}, BODY.encode())
PACKED = Answer(200, {"Content-Encoding": "gzip"}, gzip.compress(BODY.encode()))


def read(answer: Answer) -> bytes:
    """What a careful client has in hand after an answer."""
    body = answer.body if isinstance(answer.body, bytes) else b"".join(answer.body)
    length = int(answer.headers.get("Content-Length", len(body)))
    assert length <= len(body), "the body breaks off"
    body = body[:length]
    return gzip.decompress(body) if "Content-Encoding" in answer.headers else body


@pytest.mark.parametrize("answer", [PLAIN, PACKED], ids=["plain", "gzip"])
@pytest.mark.parametrize("name", HARMLESS)
def test_a_harmless_fault_leaves_the_vehicles(name: str, answer: Answer) -> None:
    altered = HARMLESS[name](answer)
    assert altered.status == 200
    document = json.loads(read(altered))
    assert document["data"] == json.loads(BODY)["data"]
    assert (document["last_updated"] < 1_779_249_600) == ("last_updated" in name)


@pytest.mark.parametrize("answer", [PLAIN, PACKED], ids=["plain", "gzip"])
@pytest.mark.parametrize("name", HARMFUL)
def test_a_harmful_fault_leaves_nothing_to_read(name: str, answer: Answer) -> None:
    altered = HARMFUL[name](answer)
    if altered.status != 200:
        return
    with pytest.raises((AssertionError, ValueError, EOFError, zlib.error)):
        json.loads(read(altered))


def test_slow_bytes_take_their_time() -> None:
    start = time.monotonic()
    read(HARMLESS["slow"](PLAIN))
    assert time.monotonic() - start > 0.01


def test_a_time_that_is_a_text_stays_one() -> None:
    body = json.dumps({"last_updated": "2026-05-20T04:00:00+00:00", "data": {}}).encode()
    said = json.loads(read(HARMLESS["repeated last_updated"](Answer(200, {}, body))))
    assert said["last_updated"] == dt.datetime(2026, 5, 20, 3, 59, tzinfo=dt.UTC).isoformat()


def test_what_is_broken_follows_from_the_seed() -> None:
    def faults(seed: int) -> list[str]:
        alter = [Chaos(seed, 0.05)(STATUS, before) for before in range(3000)]
        return [each(PLAIN).fault if each else "" for each in alter]

    counts = Counter(faults(1))
    assert faults(1) == faults(1) != faults(2)
    assert 100 < 3000 - counts[""] < 200
    assert set(counts) == {"", *HARMLESS, *HARMFUL}


def test_the_end_of_the_day_is_told_as_it_is() -> None:
    gone = Answer(410)
    alter = Chaos(0, share=1)(STATUS, 0)
    assert alter is not None
    assert alter(gone) is gone
    assert Chaos(0, share=0)(STATUS, 0) is None


def test_a_share_is_from_0_to_1() -> None:
    with pytest.raises(ReplayError, match="no share"):
        Chaos(0, share=5)
