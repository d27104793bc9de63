"""Every state in which a power cut could leave a directory tree.

While a program runs, `Recorder` looks at the whole tree before every operation on a name (by
Python's audit events) and at every sync. What no operation tells, such as writes of a C++
library, shows as a difference between two looks. What is on disk for certain is what was synced:
a file's content by the sync of the file, a directory's names by the sync of the directory. All
the rest may be there, be lost, or be there in part, whatever was written first.
"""

import os
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

_EVENTS = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate")

Names = dict[str, int]
_watching: "Recorder | None" = None


def _hear(event: str, _: tuple[Any, ...]) -> None:
    if _watching is not None and event in _EVENTS:
        _watching.look()


sys.addaudithook(_hear)  # it cannot be taken off again, so there is one and it may be idle


@dataclass
class History:
    """What a file or directory held at each look since it was last synced, oldest first."""

    states: list[Any]

    def now(self, state: Any) -> None:
        if self.states[-1] != state:
            self.states.append(state)


@dataclass(frozen=True)
class Moment:
    """What may be on disk at one moment.

    Attributes:
        files: For each file what it may hold, the synced content first.
        folders: For each directory the names it may have, the synced ones first.
        note: What the program had said by then.
    """

    files: dict[int, tuple[bytes, ...]]
    folders: dict[int, tuple[Names, ...]]
    note: Any


@dataclass
class Recorder:
    """Looks at a tree; the root itself is taken for durable."""

    root: Path
    note: Callable[[], Any]
    moments: list[Moment] = field(default_factory=list)
    _files: dict[int, History] = field(default_factory=dict)
    _folders: dict[int, History] = field(default_factory=dict)
    _numbers: dict[int, int] = field(default_factory=dict)  # of the inodes there are now
    _next: int = 1
    _busy: bool = False

    @contextmanager
    def watching(self, patch: pytest.MonkeyPatch) -> Iterator[None]:
        global _watching
        really = os.fsync

        def sync(descriptor: int) -> None:
            self.look()
            really(descriptor)
            self._synced(os.fstat(descriptor).st_ino)
            self.look()

        patch.setattr(os, "fsync", sync)
        self.look()
        _watching = self
        try:
            yield
        finally:
            _watching = None
            patch.setattr(os, "fsync", really)
            self.look()

    def look(self) -> None:
        if self._busy:
            return
        self._busy = True
        try:
            seen: dict[int, int] = {}
            self._look_into(self.root, seen)
            self._numbers = seen
        finally:
            self._busy = False
        self.moments.append(
            Moment(
                {number: tuple(each.states) for number, each in self._files.items()},
                {number: tuple(each.states) for number, each in self._folders.items()},
                self.note(),
            )
        )

    def _synced(self, inode: int) -> None:
        number = self._numbers.get(inode)
        for histories in (self._files, self._folders):
            if number in histories:
                histories[number].states = histories[number].states[-1:]

    def _look_into(self, folder: Path, seen: dict[int, int]) -> int:
        number = self._number(folder.stat().st_ino, seen)
        names: Names = {}
        for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
            if entry.is_dir():
                names[entry.name] = self._look_into(folder / entry.name, seen)
            else:
                inside = self._number(entry.inode(), seen)
                content = (folder / entry.name).read_bytes()
                self._files.setdefault(inside, History([b""])).now(content)
                names[entry.name] = inside
        first: Names = {} if folder != self.root or self.moments else names
        self._folders.setdefault(number, History([first])).now(names)
        return number

    def _number(self, inode: int, seen: dict[int, int]) -> int:
        """A number that no other file ever had: inodes are used again."""
        if inode not in self._numbers:
            self._numbers[inode] = self._next
            self._next += 1
        seen[inode] = self._numbers[inode]
        return seen[inode]


Choice = Callable[[tuple[Any, ...]], Any]


def torn(states: tuple[bytes, ...]) -> bytes:
    """What was synced and half of what came after it."""
    old, new = states[0], states[-1]
    return new[: (len(old) + len(new)) // 2] if len(new) > len(old) else new


def hollow(states: tuple[bytes, ...]) -> bytes:
    """What was synced, then zeros up to the new length: the length was stored, the bytes not."""
    old, new = states[0], states[-1]
    return old + bytes(max(0, len(new) - len(old)))


def crash_states(
    moment: Moment, draw: random.Random, samples: int
) -> Iterator[tuple[str, dict[str, bytes | None]]]:
    """Trees that a crash at a moment could leave: path to content, None for a directory."""
    oldest: Choice = lambda states: states[0]  # noqa: E731
    newest: Choice = lambda states: states[-1]  # noqa: E731
    for name, files, folders in (
        ("unsynced lost", oldest, oldest),
        ("names there, bytes lost", oldest, newest),
        ("bytes there, names lost", newest, oldest),
        ("torn", torn, newest),
        ("hollow", hollow, newest),
        ("nothing lost", newest, newest),
    ):
        yield name, dict(_tree(moment, 1, "", files, folders))
    kinds: tuple[Choice, ...] = (oldest, newest, torn, hollow, draw.choice)
    for _ in range(samples):
        some: Choice = lambda states: draw.choice(kinds)(states)  # noqa: E731
        yield "mixed", dict(_tree(moment, 1, "", some, draw.choice))


def _tree(
    moment: Moment, folder: int, path: str, files: Choice, folders: Choice
) -> Iterator[tuple[str, bytes | None]]:
    for name, number in folders(moment.folders[folder]).items():
        if number in moment.folders:
            yield path + name, None
            yield from _tree(moment, number, f"{path}{name}/", files, folders)
        else:
            yield path + name, files(moment.files[number])


def lay_out(tree: dict[str, bytes | None], root: Path) -> None:
    """Write a tree below an empty directory."""
    for name, content in tree.items():
        if content is None:
            (root / name).mkdir(parents=True, exist_ok=True)
        else:
            (root / name).write_bytes(content)
