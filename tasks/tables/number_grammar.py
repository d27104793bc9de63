"""The part of a grammar that accepts the numbers between two bounds, each in its one spelling.

A state knows nothing of the digits before it but which digits may follow: for each number of
digits still to come an interval of what they may make up. After two or three digits most of these
are whole, so there are few states, however wide the bounds are apart.
"""

from functools import cache

from tasks.tables.automaton import Automaton

Interval = tuple[int, int] | None
"""Smallest and largest number that digits may make up; None if none."""


def number_state(
    automaton: Automaton, low: int, high: int, places: int, after: dict[str, int]
) -> int:
    """The state from which numbers lead on to what follows them.

    Args:
        automaton: Gets the states.
        low: Smallest number, in units of the last place.
        high: Largest number, likewise.
        places: Decimal places; zeros at their end are not written.
        after: The edges after a number.
    """
    unit = 10**places
    width = len(str(max(abs(low), abs(high)) // unit))

    @cache
    def fraction(interval: Interval, left: int, may_end: bool) -> int | None:
        """After the point, and `left` digits from the last; a number may end on no zero."""
        if interval is None:
            return None
        edges: dict[str, int | None] = {}
        if left:
            for digit in range(10):
                rest = _after_digit(interval, digit, left)
                edges[str(digit)] = fraction(rest, left - 1, digit > 0)
        if may_end and interval[0] == 0:
            edges.update(after)
        return automaton.state_or_none(edges)

    @cache
    def whole(by_length: tuple[Interval, ...]) -> int | None:
        """Before the point; an interval for each number of digits that may come before it."""
        edges: dict[str, int | None] = {
            str(digit): whole(
                tuple(
                    _after_digit(interval, digit, left + places)
                    for left, interval in enumerate(by_length[1:], start=1)
                )
            )
            for digit in range(10)
            if len(by_length) > 1
        }
        if by_length and (here := by_length[0]) is not None:
            if places:
                edges["."] = fraction(here, places, False)
            if here[0] == 0:
                edges.update(after)
        return automaton.state_or_none(edges)

    def magnitudes(smallest: int, largest: int) -> int | None:
        """Numbers of up to `width` digits before the point, of which only 0 itself begins so."""
        by_length: list[Interval] = [None]
        for digits in range(1, width + 1):
            first = 0 if digits == 1 else 10 ** (digits - 1)
            by_length.append(_cut(smallest, largest, first * unit, 10**digits * unit - 1))
        return whole(tuple(by_length))

    edges: dict[str, int | None] = {}
    if low < 0:
        edges["-"] = magnitudes(max(1, -high), -low)
    if high >= 0:
        positive = magnitudes(max(low, 0), high)
        edges.update(automaton.states[positive] if positive is not None else {})
    return automaton.state(edges)


def _after_digit(interval: Interval, digit: int, left: int) -> Interval:
    """What the digits after one may make up, of `left` digits together with it."""
    if interval is None:
        return None
    begin = digit * 10 ** (left - 1)
    rest = _cut(*interval, begin, begin + 10 ** (left - 1) - 1)
    return rest and (rest[0] - begin, rest[1] - begin)


def _cut(low: int, high: int, least: int, most: int) -> Interval:
    low, high = max(low, least), min(high, most)
    return (low, high) if low <= high else None
