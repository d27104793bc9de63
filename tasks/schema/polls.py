"""The table of polls: every attempt to fetch a feed leaves a row."""

import pyarrow as pa

from tasks.schema.table import Column, Table

OUTCOMES = (
    "ok",
    "not_modified",
    "unreachable",
    "timeout",
    "http_error",
    "too_large",
    "bad_encoding",
    "not_json",
    "wrong_shape",
    "ended",
)
"""How an attempt can end. `ended`: the feed said (410) that it is over."""

SEEN = ("ok", "not_modified")
"""The outcomes after which it is known where every vehicle of the feed stood."""

POLLS = Table(
    name="polls",
    description="One row per attempt to fetch a feed.",
    version=2,
    columns=(
        Column("feed", pa.string(), "Id of the feed in the region's configuration."),
        Column("due_at", pa.timestamp("ms", "UTC"), "When the poll was due."),
        Column("fetched_at", pa.timestamp("ms", "UTC"), "When the attempt ended, by our clock."),
        Column("outcome", pa.string(), "How the attempt ended.", categories=OUTCOMES),
        Column("status", pa.int16(), "HTTP status, if there was one.", None, 100, 599, None, True),
        Column("latency_ms", pa.int32(), "From request to last byte.", "ms", 0, 3_600_000),
        Column("bytes", pa.int64(), "Length of the decoded body.", "byte", 0, 1 << 40),
        Column(
            "last_updated",
            pa.timestamp("ms", "UTC"),
            "When the feed says it was last updated.",
            nullable=True,
        ),
        Column("vehicles", pa.int32(), "Vehicles kept from this poll.", None, 0, 10_000_000),
        Column(
            "quarantined",
            pa.map_(pa.string(), pa.int32()),
            "Records set aside, counted by reason.",
        ),
        Column(
            "clock_step_ms",
            pa.int64(),
            "How far our own clock was set since the poll before; null if it was not.",
            "ms",
            nullable=True,
        ),
        Column("version", pa.string(), "GBFS version that the feed claims.", nullable=True),
        Column(
            "ttl",
            pa.int32(),
            "For how long the feed says that its body stays valid.",
            "s",
            0,
            1_000_000_000,
            nullable=True,
        ),
    ),
)
