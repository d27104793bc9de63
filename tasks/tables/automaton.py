"""Finite automata over characters, built from their ends so that they are as small as can be."""

from collections.abc import Iterable, Mapping

END = ""
"""The edge by which a line ends."""


class Automaton:
    """States without cycles; two states that the same texts lead on from are one.

    A state is made after those that it leads to (Daciuk et al. 2000, "Incremental construction of
    minimal acyclic finite-state automata").

    Attributes:
        states: The edges of each state: by a character, or by `END`, to another state.

    Examples:
        >>> automaton = Automaton()
        >>> end = automaton.state({})
        >>> automaton.state({"a": end}) == automaton.state({"a": end, "b": None})
        True
    """

    def __init__(self) -> None:
        self.states: list[dict[str, int]] = []
        self._known: dict[frozenset[tuple[str, int]], int] = {}

    def state(self, edges: Mapping[str, int | None]) -> int:
        """The state with these edges; those to None, which nothing leads on from, are left out."""
        kept = {character: target for character, target in edges.items() if target is not None}
        key = frozenset(kept.items())
        if key not in self._known:
            self._known[key] = len(self.states)
            self.states.append(kept)
        return self._known[key]

    def state_or_none(self, edges: Mapping[str, int | None]) -> int | None:
        """As `state`; None if it would have no edge."""
        return self.state(edges) if any(to is not None for to in edges.values()) else None

    def words(self, then: Mapping[str, Mapping[str, int]]) -> int:
        """The state from which words lead on.

        Args:
            then: For each word the edges after it; words may begin alike.
        """
        by_first: dict[str, dict[str, Mapping[str, int]]] = {}
        edges: dict[str, int | None] = {}
        for word, after in then.items():
            if word:
                by_first.setdefault(word[0], {})[word[1:]] = after
            else:
                edges.update(after)
        for first, rest in by_first.items():
            edges[first] = self.words(rest)
        return self.state(edges)

    def reached(self, start: int) -> list[int]:
        """All states that are reached from one, itself first."""
        found = {start: None}
        waiting = [start]
        for state in waiting:
            new: Iterable[int] = [to for to in self.states[state].values() if to not in found]
            found.update(dict.fromkeys(new))
            waiting += dict.fromkeys(new)
        return list(found)
