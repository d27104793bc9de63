"""A keyed hash of records: a secret choice that each record gets by itself."""

import hashlib
import secrets
from collections.abc import Iterable

KEY_BYTES = 32


class KeyedHash:
    """Maps a record to a number that only the holder of the key can foretell.

    What a record is mapped to depends on the key and on that record, never on other records.

    Args:
        key: 32 secret bytes. Default: fresh ones from the operating system's CSPRNG, which are
            never returned, written or logged. Anything else is for tests.
    """

    def __init__(self, key: bytes | None = None) -> None:
        self._key = secrets.token_bytes(KEY_BYTES) if key is None else key
        if len(self._key) != KEY_BYTES:
            raise ValueError(f"a key has {KEY_BYTES} bytes, got {len(self._key)}")

    def of(self, parts: Iterable[bytes]) -> int:
        """A number from 0 to 2**128 - 1 (keyed BLAKE2b over the parts and their lengths)."""
        digest = hashlib.blake2b(key=self._key, digest_size=16)
        for part in parts:
            digest.update(len(part).to_bytes(8, "big") + part)
        return int.from_bytes(digest.digest(), "big")
