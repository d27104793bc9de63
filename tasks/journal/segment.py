"""Segments: append-only files of frames, each with its own checksums.

A frame is a header of 24 bytes and a payload. The header (little-endian) holds the magic number,
the payload's length, the payload's CRC-32, four zero bytes and the CRC-32 of those 20 bytes, so
that a wrong length is told from a frame whose end was never written.
"""

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tasks.files import fsync_directory, write_atomically

SUFFIX = ".segment"
MAGIC = b"\x89OTJ\r\n\x1a\n"
"""Like that of PNG: it breaks visibly if the file was ever sent as text."""

MAX_PAYLOAD = 1 << 30
"""Longest payload, bytes; a header that says more is damaged."""

_FIELDS = struct.Struct("<8sIII")
_CHECK = struct.Struct("<I")
HEADER_BYTES = _FIELDS.size + _CHECK.size


class SegmentWriter:
    """A new segment, written by one process and never opened for writing again."""

    def __init__(self, path: Path) -> None:
        """Create the file; it is durable in its directory on return.

        Raises:
            FileExistsError: If the name is taken.
            OSError: If the file cannot be created.
        """
        self.path = path
        self._length = 0
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            fsync_directory(path.parent)
        except BaseException:
            self._abandon()
            raise

    def append(self, payload: bytes) -> None:
        """Write one frame; it is on disk on return.

        Raises:
            OSError: If it could not be written or synced. The segment is closed then and must
                not be used again: after a failed sync nobody knows what the disk holds.
        """
        frame = memoryview(_header(payload) + payload)
        try:
            written = 0
            while written < len(frame):
                written += os.write(self._descriptor, frame[written:])
            os.fsync(self._descriptor)
        except BaseException:  # also when somebody stops the program in the middle of a frame
            self._abandon()
            raise
        self._length += len(frame)

    def close(self) -> None:
        """Close the file; everything in it is on disk already."""
        os.close(self._descriptor)

    def _abandon(self) -> None:
        """Take the failed frame off again, if the disk lets us; a reader would skip it anyway.

        A segment in which nothing was acknowledged goes altogether, so that trying again and
        again on a full disk leaves no trail of empty files.
        """
        try:
            if self._length:
                os.ftruncate(self._descriptor, self._length)
            else:
                self.path.unlink()
        except OSError:
            pass
        finally:
            os.close(self._descriptor)


@dataclass(frozen=True)
class Scan:
    """What a segment holds.

    Attributes:
        payloads: Offset and length of each payload, in the order they were written.
        end: Length of the whole frames, bytes; from here on nothing is readable.
        size: Length of the file, bytes.
        is_damaged: Whether the rest was once written in full. If not, it is a torn tail: a
            frame that was being written when the process died, and was never acknowledged.
    """

    payloads: tuple[tuple[int, int], ...]
    end: int
    size: int
    is_damaged: bool


def scan(path: Path) -> Scan:
    """Check every frame of a segment."""
    with path.open("rb") as file:
        payloads = tuple(_whole_frames(file))
        end = sum(payloads[-1]) if payloads else 0
        file.seek(end)
        rest = file.read()
    return Scan(payloads, end, end + len(rest), bool(rest) and not _is_torn(rest))


def repair(path: Path) -> Path | None:
    """Cut what follows the last whole frame; nobody may be writing to the segment.

    A torn tail is dropped. Damaged bytes are first set aside in a file of their own, for the
    polls they hold were acknowledged.

    Returns:
        The file of damaged bytes, if there were any.
    """
    found = scan(path)
    if found.end == found.size:
        return None
    aside = None
    if found.is_damaged:
        aside = path.with_name(f"{path.stem}.damaged-at-{found.end}")
        with path.open("rb") as file:
            file.seek(found.end)
            write_atomically(aside, file.read())
    with path.open("r+b") as file:
        file.truncate(found.end)
        os.fsync(file.fileno())
    return aside


def _header(payload: bytes) -> bytes:
    fields = _FIELDS.pack(MAGIC, len(payload), zlib.crc32(payload), 0)
    return fields + _CHECK.pack(zlib.crc32(fields))


def _whole_frames(file: BinaryIO) -> Iterator[tuple[int, int]]:
    offset = HEADER_BYTES
    while (header := _read_header(file.read(HEADER_BYTES))) is not None:
        length, checksum = header
        payload = file.read(length)
        if len(payload) < length or zlib.crc32(payload) != checksum:
            return
        yield offset, length
        offset += length + HEADER_BYTES


def _read_header(header: bytes) -> tuple[int, int] | None:
    """Length and checksum of the payload, or None if this is no header."""
    if len(header) < HEADER_BYTES:
        return None
    magic, length, checksum, _ = _FIELDS.unpack_from(header)
    (check,) = _CHECK.unpack_from(header, _FIELDS.size)
    if magic != MAGIC or length > MAX_PAYLOAD or check != zlib.crc32(header[: _FIELDS.size]):
        return None
    return length, checksum


def _is_torn(rest: bytes) -> bool:
    """Whether unreadable bytes are the beginning of one frame and nothing else."""
    if len(rest) < HEADER_BYTES:
        return rest.startswith(MAGIC[: len(rest)])
    header = _read_header(rest[:HEADER_BYTES])
    return header is not None and len(rest) - HEADER_BYTES < header[0]
