"""A host that has a bad day: answers broken in every way that the wild has shown, by a seed."""

import datetime as dt
import gzip
import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus

from infra.replay.server import Alteration, Answer
from infra.replay.source import ReplayError

_MIB = 1 << 20
_BOMB = gzip.compress(bytes(_MIB), mtime=0) * 160  # gzip may have many members
_ENDLESS_MIB = 64  # no client reads on for ever, and a test must not
_SLOW_PIECES = 20
_SLOW_SECONDS = 0.001  # between two pieces
_NOWHERE = "http://127.0.0.1:1/latest/meta-data"


def _slow(answer: Answer) -> Answer:
    body = _body(answer)
    length = len(body) // _SLOW_PIECES + 1

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(body), length):
            time.sleep(_SLOW_SECONDS)
            yield body[start : start + length]

    return answer._replace(
        headers={**answer.headers, "Content-Length": str(len(body))}, body=pieces()
    )


def _repeated(answer: Answer) -> Answer:
    return _dated(answer, -60)


def _out_of_order(answer: Answer) -> Answer:
    return _dated(answer, -3600)


def _reset(answer: Answer) -> Answer:
    body = _body(answer)
    headers = {**answer.headers, "Content-Length": str(len(body))}
    return answer._replace(headers=headers, body=body[: len(body) // 2], resets=True)


def _truncated_gzip(answer: Answer) -> Answer:
    packed = gzip.compress(_plain(answer), 1, mtime=0)
    return answer._replace(headers=_packed(answer), body=packed[: len(packed) // 2])


def _invalid_json(answer: Answer) -> Answer:
    body = _plain(answer)
    return answer._replace(headers=_unpacked(answer), body=body[: len(body) // 2])


def _server_error(answer: Answer) -> Answer:
    return Answer(HTTPStatus.INTERNAL_SERVER_ERROR, {}, b"<html>oops</html>")


def _too_many_requests(answer: Answer) -> Answer:
    return Answer(HTTPStatus.TOO_MANY_REQUESTS, {"Retry-After": "120"}, b"{}")


def _redirect(answer: Answer) -> Answer:
    return Answer(HTTPStatus.FOUND, {"Location": _NOWHERE})


def _gzip_bomb(answer: Answer) -> Answer:
    return answer._replace(headers=_packed(answer), body=_BOMB)


def _endless(answer: Answer) -> Answer:
    headers = _unpacked(answer)
    return answer._replace(headers=headers, body=(b" " * _MIB for _ in range(_ENDLESS_MIB)))


def _length_too_long(answer: Answer) -> Answer:
    body = _body(answer)
    return answer._replace(headers={**answer.headers, "Content-Length": str(len(body) + 999)})


def _length_too_short(answer: Answer) -> Answer:
    body = _body(answer)
    return answer._replace(headers={**answer.headers, "Content-Length": str(len(body) // 2)})


HARMLESS: dict[str, Alteration] = {
    "slow": _slow,
    "repeated last_updated": _repeated,
    "last_updated out of order": _out_of_order,
}
"""Answers that are odd and whole: every vehicle is in them."""

HARMFUL: dict[str, Alteration] = {
    "reset": _reset,
    "truncated gzip": _truncated_gzip,
    "invalid JSON": _invalid_json,
    "server error": _server_error,
    "too many requests": _too_many_requests,
    "redirect": _redirect,
    "gzip bomb": _gzip_bomb,
    "endless body": _endless,
    "length too long": _length_too_long,
    "length too short": _length_too_short,
}
"""Answers from which nobody can learn where the vehicles are."""


@dataclass(frozen=True)
class Chaos:
    """Breaks a share of a server's answers; which and how follows from the seed.

    Attributes:
        seed: From 0 on.
        share: Of the answers, 0 to 1.

    Raises:
        ReplayError: If the share is out of range.

    Examples:
        >>> chaos = Chaos(1, share=0.5)
        >>> [chaos("/2.3/free_bike_status.json", poll) is None for poll in range(4)]
        [False, False, True, True]
    """

    seed: int
    share: float = 0.05

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ReplayError(f"{self.share} is no share of the answers; give one from 0 to 1")

    def __call__(self, path: str, before: int) -> Alteration | None:
        """What to break about a request: `infra.replay.server.Faults`."""
        chance = random.Random(f"{self.seed}/{path}/{before}")
        if chance.random() >= self.share:
            return None
        name, alter = chance.choice([*HARMLESS.items(), *HARMFUL.items()])

        def altered(answer: Answer) -> Answer:
            # what is no file (the feed is over, nothing is here) stays the truth
            if answer.status != HTTPStatus.OK:
                return answer
            return alter(answer)._replace(fault=name)

        return altered


def _body(answer: Answer) -> bytes:
    return answer.body if isinstance(answer.body, bytes) else b"".join(answer.body)


def _plain(answer: Answer) -> bytes:
    body = _body(answer)
    return gzip.decompress(body) if "Content-Encoding" in answer.headers else body


def _packed(answer: Answer) -> dict[str, str]:
    return {**answer.headers, "Content-Encoding": "gzip"}


def _unpacked(answer: Answer) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name != "Content-Encoding"}


def _dated(answer: Answer, seconds: int) -> Answer:
    """The same file, said to be of another time."""
    document = json.loads(_plain(answer))
    said = document["last_updated"]
    if isinstance(said, str):
        document["last_updated"] = (
            dt.datetime.fromisoformat(said) + dt.timedelta(seconds=seconds)
        ).isoformat()
    else:
        document["last_updated"] = said + seconds
    return answer._replace(headers=_unpacked(answer), body=json.dumps(document).encode())
