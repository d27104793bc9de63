"""How a release is withdrawn in a store: the note first, so that a crash leaves no doubt.

Whoever reads a release with a note beside it takes it for withdrawn, whatever of it is still
there; the same withdrawal again finishes one that was cut off.
"""

from tasks.files.manifest import MANIFEST
from tasks.files.store import Store
from tasks.release.card import CARD
from tasks.release.listing import PAGE
from tasks.release.withdrawal import WITHDRAWAL, Withdrawal, noticed

KEPT = frozenset({MANIFEST, WITHDRAWAL, PAGE, CARD})


def withdraw_release(store: Store, name: str, withdrawal: Withdrawal) -> Withdrawal:
    """Withdraw a revision: note the reason, put it in front of page and card, remove the rest.

    Args:
        store: Where it lies.
        name: Its name in the store, such as `demo/2026-05-20/r1`.
        withdrawal: The note.

    Returns:
        The note that stands: of two who withdraw at once, the first one's.

    Raises:
        StoreError: If the store cannot be used.
        ReleaseError: If the note that stands cannot be read.
    """
    note = f"{name}/{WITHDRAWAL}"
    if not store.create(note, withdrawal.content()):
        withdrawal = Withdrawal.parse(store.read(note) or b"", f"{store.url}: {note}")
    for document in (PAGE, CARD):
        content = store.read(f"{name}/{document}")
        if content is not None and (after := noticed(document, content, withdrawal)) != content:
            store.write(f"{name}/{document}", after)
    for file in store.files_in(name):
        if file not in KEPT:
            store.remove_file(f"{name}/{file}")
    return withdrawal
