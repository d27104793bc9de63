import threading

import pytest

from infra.replay import clock as clock_module
from infra.replay.clock import Clock


def polled(clock: Clock, client: str = "collector", *, moves: bool = True) -> int:
    with clock.turn(client) as turn:
        turn.moves = moves
    return turn.poll


def test_an_answer_moves_the_clock_by_one() -> None:
    clock = Clock()
    assert [polled(clock) for _ in range(3)] == [0, 1, 2]


def test_an_error_answer_does_not_move_it() -> None:
    clock = Clock()
    assert polled(clock, moves=False) == 0
    assert polled(clock) == 0
    assert polled(clock) == 1


def test_a_broken_connection_does_not_move_it() -> None:
    clock = Clock()

    def serve() -> None:
        with clock.turn("collector") as turn:
            turn.moves = True
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        serve()
    assert polled(clock) == 0


def test_a_second_client_sees_the_time_and_does_not_move_it() -> None:
    clock = Clock()
    polled(clock)
    assert [polled(clock, "browser") for _ in range(3)] == [1, 1, 1]
    assert polled(clock) == 1


def test_a_look_at_the_time_waits_for_the_answer_that_moves_it() -> None:
    clock = Clock()
    looks: list[int] = []
    look = threading.Thread(target=lambda: looks.append(clock.now()))
    with clock.turn("collector") as turn:
        look.start()
        turn.moves = True
    look.join()
    assert looks == [1]


def test_a_second_client_takes_over_from_a_silent_one(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    polled(clock, "browser")
    monkeypatch.setattr(clock_module, "SEAT_SECONDS", -1.0)
    assert polled(clock, "collector") == 1
    assert clock.poll == 2


def test_a_move_is_taken_back_only_while_it_is_the_last() -> None:
    clock = Clock()
    polled(clock)
    clock.take_back(0)
    assert clock.poll == 0
    polled(clock)
    polled(clock)
    clock.take_back(0)
    assert clock.poll == 2


def test_requests_at_once_are_served_one_after_the_other() -> None:
    clock = Clock()
    polls: list[int] = []
    start = threading.Barrier(8)

    def client() -> None:
        start.wait()
        for _ in range(50):
            polls.append(polled(clock))

    threads = [threading.Thread(target=client) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(polls) == list(range(400))
