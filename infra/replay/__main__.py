"""The command line: `python -m infra.replay [options] [-- COMMAND ...]`."""

import argparse
import datetime as dt
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from infra.replay import (
    CITY_TIME_ZONE,
    LOUISVILLE,
    TRIPS_TIME_ZONE,
    Chaos,
    ReplayError,
    ReplayServer,
    ServiceBox,
    Source,
    captured,
    city_day,
    parse_box,
    trips_day,
)
from infra.replay.command import run_command, wait_for_signal
from infra.replay.day import zone_named
from infra.replay.regimes import ID_REGIMES

VARIABLE = "OPENTRIPS_REPLAY"
"""Environment variable in which a command finds the server's address."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until the command ends, or Ctrl-C.

    Args:
        arguments: Those of the command line unless given.

    Returns:
        The exit status: the command's, or 2 for a wrong input.
    """
    options, command = _parse(list(sys.argv[1:] if arguments is None else arguments))
    try:
        if options.nightly:
            return _serve_nightly(options)
        faults = _faults(options)
        with ReplayServer(_source(options), options.port, faults) as server:
            if command:
                return run_command(command, {VARIABLE: server.url})
            wait_for_signal(f"Replay at {server.url}/gbfs.json until Ctrl-C")
            return 0
    except ReplayError as error:
        print(f"replay: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:  # before anything was served
        return 128 + signal.SIGINT


def _serve_nightly(options: argparse.Namespace) -> int:
    """Serve the city's yesterday until a signal comes; at every midnight it is another day."""
    if options.day or options.trips or options.captures:
        raise ReplayError("--nightly plays days of the city by itself; leave out what else to play")
    zone = zone_named(options.time_zone or CITY_TIME_ZONE)
    while True:
        today = dt.datetime.now(zone).date()
        options.day = (today - dt.timedelta(days=1)).isoformat()
        with ReplayServer(_source(options), options.port, _faults(options)) as server:
            midnight = dt.datetime.combine(today + dt.timedelta(days=1), dt.time(), zone)
            line = f"Replay of {options.day} at {server.url}/gbfs.json until {midnight}"
            if wait_for_signal(line, (midnight - dt.datetime.now(zone)).total_seconds()):
                return 0


def _parse(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    command: list[str] = []
    if "--" in arguments:
        cut = arguments.index("--")
        arguments, command = arguments[:cut], arguments[cut + 1 :]
    parser = argparse.ArgumentParser(
        prog="python -m infra.replay",
        usage="%(prog)s [options] [-- COMMAND ...]",
        description="Play one day as a live GBFS feed on loopback; run COMMAND with "
        f"{VARIABLE} set to the server's address, or serve until Ctrl-C.",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--city", action="store_true", help="a simulated city (default)")
    what.add_argument(
        "--trips",
        type=Path,
        metavar="FILE",
        help="a table of trips: hour, vehicle id, source lat, lon, destination lat, lon",
    )
    what.add_argument(
        "--captures", type=Path, metavar="DIR", help="a folder of captured vehicle-status bodies"
    )
    parser.add_argument(
        "--day", metavar="YYYY-MM-DD", help="the service day; captures: only this day's"
    )
    parser.add_argument(
        "--time-zone",
        metavar="TZ",
        help=f"IANA name (city: {CITY_TIME_ZONE}; trips: {TRIPS_TIME_ZONE}; captures: UTC)",
    )
    parser.add_argument(
        "--box", metavar="S,W,N,E", help=f"the city's service area in degrees ({LOUISVILLE})"
    )
    parser.add_argument(
        "--poll-seconds", type=int, default=60, metavar="N", help="virtual time between polls (60)"
    )
    parser.add_argument(
        "--id-regime",
        choices=ID_REGIMES,
        help="how the feed names its vehicles (static); changing: per trip from noon on",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of everything random (0)")
    parser.add_argument(
        "--chaos", type=int, metavar="SEED", help="break one answer in twenty, by this seed"
    )
    parser.add_argument(
        "--nightly",
        action="store_true",
        help="play the city's day before today, and the next one from every local midnight on",
    )
    parser.add_argument("--port", type=int, default=0, metavar="N", help="0 chooses a free one (0)")
    return parser.parse_args(arguments), command


def _source(options: argparse.Namespace) -> Source:
    date = _date(options.day) if options.day else None
    if options.seed < 0:
        raise ReplayError(f"--seed {options.seed}: give a whole number from 0 on")
    if options.box and (options.trips or options.captures):
        raise ReplayError("--box is the simulated city's; leave it out")
    if options.id_regime and options.captures:
        raise ReplayError("--id-regime: captured bodies name their vehicles; leave it out")
    regime = options.id_regime or "static"
    if options.captures:
        return captured(options.captures, date, options.time_zone or "UTC", options.poll_seconds)
    if date is None:
        raise ReplayError("--day is missing; give the service day as YYYY-MM-DD")
    if options.trips:
        zone = options.time_zone or TRIPS_TIME_ZONE
        return trips_day(
            options.trips, date, zone, options.poll_seconds, options.seed, id_regime=regime
        )
    zone = options.time_zone or CITY_TIME_ZONE
    box: ServiceBox = parse_box(options.box) if options.box else LOUISVILLE
    return city_day(date, zone, box, options.poll_seconds, options.seed, id_regime=regime)


def _faults(options: argparse.Namespace) -> Chaos | None:
    if options.chaos is None:
        return None
    if options.chaos < 0:
        raise ReplayError(f"--chaos {options.chaos}: give a whole number from 0 on")
    return Chaos(options.chaos)


def _date(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise ReplayError(f"--day {text!r} is no date; write it as YYYY-MM-DD") from error


if __name__ == "__main__":
    sys.exit(main())
