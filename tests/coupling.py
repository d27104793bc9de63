"""Coupled secrets: two runs of the code under test that draw the same masks and the same noise.

For tests only, and only within one process: the operating system's CSPRNG is replaced for callers
in `tasks` alone, so identifiers and temporary names of libraries stay as random as they are.
"""

import hashlib
import os
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest


@dataclass
class Draws:
    """How much was drawn from the replaced source."""

    calls: int = 0


@contextmanager
def coupled_secrets(seed: int, is_broken: bool = False) -> Iterator[Draws]:
    """Every secret drawn by `tasks` within the block follows from the seed and from its turn.

    Broken, it follows from the seed alone: a source that always says the same.
    """
    draws = Draws()

    def answer(original: Callable[[int], bytes]) -> Callable[[int], bytes]:
        def read(size: int) -> bytes:
            if not sys._getframe(1).f_globals["__name__"].startswith("tasks."):
                return original(size)
            draws.calls += 1
            turn = 0 if is_broken else draws.calls
            return hashlib.shake_256(f"{seed}/{turn}".encode()).digest(size)

        return read

    with pytest.MonkeyPatch.context() as patch:
        for module, name in ((secrets, "token_bytes"), (os, "urandom")):
            patch.setattr(module, name, answer(getattr(module, name)))
        yield draws
    assert draws.calls, "nothing was coupled: the secrets come from somewhere else"
