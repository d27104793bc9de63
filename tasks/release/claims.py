"""What a release must say of its guarantee, and the claims that it must not make.

The promise is (epsilon, delta) for a unit and an adjacency. Words that promise more, in a template,
in a region's name or in a reason for a revision, are a fault like a wrong number.
"""

import html
import re
from collections.abc import Mapping, Sequence

from tasks.release import words
from tasks.release.card import CARD
from tasks.release.errors import ReleaseError
from tasks.release.manifest import PublicManifest
from tasks.release.numbers import number, scientific

_LAW = r"(?:gdpr|dsgvo|ccpa|hipaa)"
CLAIMS = (
    r"anonym(?:ous(?:ly)?|i[sz]e[ds]?|i[sz]ation|ity)",
    r"(?:no|free of|without|not contain(?: any)?) (?:personal|identifiable|sensitive) data",
    rf"{_LAW}[- ](?:compliant|conform|safe|proof)",
    rf"(?:compl(?:y|ies)|in compliance|compliant|conforms?) (?:with|to) (?:the )?{_LAW}",
    r"(?:100 ?%|fully|completely|perfectly|absolutely|totally) (?:private|safe|secure|protected)",
    r"(?:risk|leak)[- ]free",
    r"(?:no|zero|without) (?:privacy )?risks?",
    r"(?:cannot|can never|impossible to) (?:be )?(?:re-?identif(?:y|ied)|traced?)",
    r"(?:guarantees|ensures) (?:full |complete )?(?:privacy|anonymity)",
    r"(?:identical to|indistinguishable from|as good as) (?:the )?real",
)
"""Regular expressions of what no document of a release says, whatever the case."""
_CLAIM = re.compile("|".join(rf"\b{claim}\b" for claim in CLAIMS), re.IGNORECASE)
_NOT_OURS = frozenset({"LICENSE"})
"""The words of a licence are those of its authors."""
_UNSEEN = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_AROUND = 30
"""Characters of context in a message."""


def check_claims(documents: Mapping[str, bytes], manifest: PublicManifest, page: str) -> None:
    """Refuse documents that claim too much, and a card or a page that says too little.

    Args:
        documents: Documents as they will be published, by file name.
        manifest: The public manifest that they were made from.
        page: File name of the page.

    Raises:
        ReleaseError: If one of them does; its text says which, and what it says.
    """
    for name, content in documents.items():
        if name in _NOT_OURS:
            continue
        text = visible_text(name, content)
        if (claim := first_claim(text)) is not None:
            raise ReleaseError(
                f'{name}: says "{claim}", which no release promises; say it in other words in the '
                "region's file, in the reason or in the template, and publish again"
            )
        if name in (CARD, page):
            missing = [said for said in must_say(manifest) if said not in text]
            if missing:
                raise ReleaseError(
                    f'{name}: does not say "{missing[0]}", which every release must; correct its '
                    "template and publish again"
                )


def must_say(manifest: PublicManifest) -> Sequence[str]:
    """What card and page must say of the guarantee."""
    guarantee = manifest.guarantee
    return (
        "synthetic",
        f"epsilon = {number(guarantee.epsilon)}",
        f"delta = {scientific(guarantee.delta)}",
        f"one {words.unit(manifest)}",
        f"adjacency {guarantee.adjacency}",
    )


def first_claim(text: str) -> str | None:
    """The first claim in a text that a release must not make, with some words around it.

    Examples:
        >>> first_claim("Synthetic trips under differential privacy.") is None
        True
        >>> first_claim("All rows are fully anonymised.")
        'All rows are fully anonymised.'
    """
    if (found := _CLAIM.search(text)) is None:
        return None
    return text[max(found.start() - _AROUND, 0) : found.end() + _AROUND].strip()


def visible_text(name: str, content: bytes) -> str:
    """A document as it is read: without tags, scripts and escapes, on one line.

    Args:
        name: Its file name; a page ends in `.html`, a card in `.md`.
        content: Its bytes, UTF-8.
    """
    text = content.decode()
    if name.endswith(".html"):
        text = html.unescape(_UNSEEN.sub("", text))
    if name.endswith(".md"):
        text = text.replace("\\", "")
    return " ".join(text.split())
