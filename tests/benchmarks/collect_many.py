"""How many feeds one core collects: 200 feeds of 800 vehicles, polled by one process.

    python -m tests.benchmarks.collect_many [--poll-seconds 60 --seconds 600]

The collector keeps to one core. To be done in less than a minute it polls every 10 seconds, if not
told otherwise; what is printed is the processor time of a poll (request, decompression, parsing, a
synced append), how many times 200 polls a minute fit on the core, and how many polls were later
than the feed's ttl. The feed server is a process of its own.
"""

import argparse
import datetime as dt
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from tasks.files import Layout
from tasks.journal import Journal, Shift, read_day, run_shift
from tasks.region import Feed, Region
from tasks.region.service_day import service_day_of
from tests.tasks.conftest import FeedServer, gzipped, region_of, vehicles

FEEDS, VEHICLES = 200, 800
TTL_S = 60


def serve() -> None:
    """The server process: says its URL, serves until its input ends."""
    server = FeedServer()
    body = vehicles(VEHICLES).replace(b'"ttl": 60', b'"ttl": 0')  # else it is asked once a minute
    server.serve("/v", gzipped(body))
    print(server.url, flush=True)
    sys.stdin.read()
    server.stop()


def collect(region: Region, feed: Feed, layout: Layout, until: dt.datetime) -> Shift:
    """A shift of one feed, as `tasks.poll` runs it."""
    day = service_day_of(dt.datetime.now(dt.UTC), region.zone)
    directory = layout.journal(region.id, feed.id)
    with Journal(directory, region.id, feed.id, region.zone) as journal:
        return run_shift(region, feed, journal, day, until, print)


def late_seconds(region: Region, layout: Layout) -> list[float]:
    """How long after its due time each poll but a feed's first was stored, ascending."""
    day = service_day_of(dt.datetime.now(dt.UTC), region.zone)
    return sorted(
        (poll.fetched_at - poll.due_at).total_seconds()
        for feed in region.feeds
        for poll in read_day(layout.journal(region.id, feed.id), day).polls[1:]
    )


def megabytes() -> float:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--poll-seconds", type=int, default=10)
    parser.add_argument("--seconds", type=int, default=45)
    options = parser.parse_args()
    command = [sys.executable, "-m", "tests.benchmarks.collect_many", "serve"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with (
        tempfile.TemporaryDirectory() as root,
        subprocess.Popen(command, text=True, **pipes) as server,  # type: ignore[call-overload]
    ):
        os.environ["OPENTRIPS_DATA"] = root  # where what hosts ask for is noted
        url = server.stdout.readline().strip()
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        one = region_of(f"{url}/v", poll_seconds=options.poll_seconds)
        fleets = [
            one.feeds[0].model_copy(update={"id": f"feed-{i}", "source": f"fleet-{i}"})
            for i in range(FEEDS)
        ]
        region = one.model_copy(update={"feeds": tuple(fleets)})
        layout, before = Layout(Path(root)), megabytes()
        until = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=options.seconds)
        begun, wall = time.process_time(), time.monotonic()
        shifts: list[Shift] = []
        threads = [
            threading.Thread(
                target=lambda feed: shifts.append(collect(region, feed, layout, until)),
                args=(feed,),
            )
            for feed in region.feeds
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        spent, wall = time.process_time() - begun, time.monotonic() - wall
        polls = sum(shift.polls for shift in shifts)
        seen = sum(shift.outcomes["ok"] for shift in shifts)
        late = late_seconds(region, layout)
        server.stdin.close()
    per_poll = spent / polls
    print(
        f"{len(shifts)} feeds, {polls} polls ({seen} ok) of {VEHICLES} vehicles in {wall:.0f} s: "
        f"{1000 * per_poll:.1f} ms of processor time a poll\n"
        f"{FEEDS} polls a minute take {100 * FEEDS * per_poll / 60:.1f} % of a core: "
        f"headroom {60 / (FEEDS * per_poll):.1f}\n"
        f"stored {late[len(late) // 2]:.2f} s after due in the median, {late[-1]:.2f} s at most, "
        f"{sum(one > TTL_S for one in late)} later than their ttl of {TTL_S} s; "
        f"memory {megabytes():.0f} MB (imports {before:.0f} MB)"
    )


if __name__ == "__main__":
    serve() if sys.argv[1:] == ["serve"] else main()
