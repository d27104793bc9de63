"""Text for people on one line, which neither a terminal nor a page obeys."""

import unicodedata

_TURNS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
"""Marks that change the direction of what follows, beyond the text that holds them."""
_KINDS = ("Cc", "Cs", "Zl", "Zp")
"""Unicode's categories of control characters, halves of characters and ends of lines."""


def plain(text: str) -> str:
    r"""Text on one line, without control characters and without marks that turn text around.

    Examples:
        >>> plain("one\n  two\u202e\x07 three")
        'one two three'
    """
    return "".join(sign for sign in " ".join(text.split()) if not _is_obeyed(sign))


def one_line(text: str) -> str:
    r"""The text as it is, if it is one line that nothing obeys.

    Raises:
        ValueError: If it holds a control character, the end of a line, or a mark that turns text
            around.

    Examples:
        >>> one_line("São Paulo")
        'São Paulo'
        >>> one_line("a\x1b[31mb")
        Traceback (most recent call last):
        ...
        ValueError: holds the character U+001B, which is obeyed and not shown; remove it
    """
    obeyed = next((sign for sign in text if _is_obeyed(sign)), None)
    if obeyed is not None:
        raise ValueError(
            f"holds the character U+{ord(obeyed):04X}, which is obeyed and not shown; remove it"
        )
    return text


def _is_obeyed(sign: str) -> bool:
    return sign in _TURNS or unicodedata.category(sign) in _KINDS
