"""The command line behind the console script `opentrips`."""

import argparse
import datetime as dt
import json
import logging
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NoReturn

from tasks import OpentripsError
from tasks.files import Layout, read_manifest
from tasks.region import Region, load_region
from tasks.region.service_day import service_day_of
from tasks.schema.rows_said import rows_said

ENVIRONMENT = {
    "DO_NOT_TRACK": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}
"""Settings of the libraries, unless the user's environment says otherwise: nobody is told about
a run, and a slow machine has time to start the embedded Prefect server."""


Command = Callable[[argparse.Namespace], int | None]
"""Does what the options say; its exit status, 0 if it has none."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; every mistake of the user's ends in one line and exit status 1."""
    options = _parser().parse_args(arguments)
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        return options.command(options) or 0
    except OpentripsError as error:
        print(f"opentrips: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        after = {
            _look: "nothing was kept",
            _synthesize: "a training that had begun under a guarantee has spent its budget",
        }
        rest = after.get(options.command, "the same command goes on from here")
        print(f"opentrips: stopped; {rest}", file=sys.stderr)
        return 130


def _of_a_region(command: Callable[[Region, dt.date, argparse.Namespace], None]) -> Command:
    """A command of one region and day as one of the options."""

    def run(options: argparse.Namespace) -> None:
        region = load_region(options.region)
        day = options.day or service_day_of(dt.datetime.now(dt.UTC), region.zone)
        _show_progress()
        command(region, day, options)

    return run


def _run(region: Region, day: dt.date, options: argparse.Namespace) -> None:
    """Collect a day, then release it; whatever is done already is not done again."""
    if (page := _published_page(region, day)) is not None:
        print(f"{region.name}, {day} is published:\n{page}")
        return
    print(f"{region.name}, service day {day}", flush=True)
    if read_manifest(Layout.from_environment().sightings(region.id, day)) is None:
        _collect(region, day, options)
    _release(region, day, options)


def _collect(region: Region, day: dt.date, options: argparse.Namespace) -> None:
    from flows.collect import collect

    collect(region, day, None, options.minutes)


def _release(region: Region, day: dt.date, options: argparse.Namespace) -> None:
    from flows.release import release

    published = release(region, day)
    if "no_trips" in published:
        print(published["no_trips"])
        return
    print(f"Published {rows_said(published['manifest']['tables'])} of {day}:")
    print(published["page"])


def _backfill(options: argparse.Namespace) -> int:
    """Release a range of days of some regions; exit status 1 if one of them failed."""
    from flows.backfill import backfill

    _show_progress()
    regions = tuple(str(path.absolute()) for path in options.regions)
    state = backfill(
        options.first,
        options.last,
        regions,
        options.dry_run,
        options.parallel,
        "here",
        return_state=True,
    )
    found = state.result(raise_on_failure=False)
    if isinstance(found, Exception):
        raise found
    _print_table([{key: f"{value}" for key, value in row.items()} for row in found])
    print(state.message)
    return int(state.is_failed())


def _audit(region: Region, day: dt.date, options: argparse.Namespace) -> None:
    """Audit the day asked for, by default the newest that is published."""
    from flows.audit import audit

    made = audit(region, options.day, options.seeds, options.quick)
    print(f"Audited {region.name}, {made['day']}; no attack found more than is promised:")
    print(made["page"])


def _area(options: argparse.Namespace) -> None:
    """Make a service area from a public source and print it as a region's file names it."""
    from tasks.outline import outline

    block = outline(
        options.source,
        options.file,
        cuts=options.cut,
        key=options.property,
        buffer_m=options.buffer,
    )
    print(block, end="")


def _docks(options: argparse.Namespace) -> None:
    """Write where a feed's stations stand and print how a region's file names them."""
    from tasks.locate import locate

    print(locate(options.source, options.file), end="")


def _look(options: argparse.Namespace) -> None:
    """Say what a feed of the reader's choice is good for, and write a region for it."""
    from tasks.look import look

    for line in look(options.url, options.file, options.minutes, partial(print, flush=True)):
        print(line)
    print(f"{options.file}: read it through; then: opentrips run {options.file}")


def _tune(options: argparse.Namespace) -> None:
    """Search settings and print what was chosen as a region's file has it."""
    from flows.tune import tune
    from tasks.search import load_search

    search = load_search(options.search)
    _show_progress()
    made = tune(search)
    print(made["winner"], end="")
    print(made["page"])


def _study(options: argparse.Namespace) -> None:
    """Compare trainings and print what was found; none of it is to be published."""
    from flows.study import study
    from tasks.comparison import load_study

    asked = load_study(options.study, options.rows, options.canaries)
    _show_progress()
    made = study(asked)
    _print_table(made["rows"])
    print("Not to be published:")
    print(made["page"])


def _synthesize(options: argparse.Namespace) -> None:
    """Make synthetic rows of a table and say what is promised of them."""
    from flows.synthesize import synthesize
    from tasks.tables import NOT_PRIVATE, load_synthesis

    synthesis = load_synthesis(options.synthesis)
    if options.data is not None:
        synthesis = synthesis.model_copy(update={"data": str(options.data.absolute())})
    _show_progress()
    made = synthesize(synthesis)
    privacy = made["privacy"]
    if privacy != NOT_PRIVATE:
        privacy = f"epsilon {privacy['epsilon']:g} at delta {privacy['delta']:g} for one row"
    validity = 100 * made["lines_valid"] / made["lines_drawn"]
    print(f"{made['rows']:,} synthetic rows, {validity:.1f} % of the lines valid; {privacy}")
    print(Layout.from_environment().table_rows(synthesis.name))


def _deploy(options: argparse.Namespace) -> None:
    """Make a Prefect server run every region of a folder."""
    from tasks.deploy import deploy

    made = deploy(options.folder, options.code, options.pools, options.alert)
    print(f"Deployed {len(made.regions)} regions: {', '.join(made.regions)}")
    if made.stopped:
        print(f"Switched off, for their region is gone: {', '.join(made.stopped)}")


def _serve(region: Region, day: dt.date, options: argparse.Namespace) -> None:
    """Keep the region's deployments and run what the Prefect server schedules."""
    from prefect import serve
    from prefect.deployments.runner import RunnerDeployment
    from prefect.schedules import Cron
    from prefect.settings import PREFECT_API_URL

    from flows.audit import audit
    from flows.collect import collect
    from flows.release import release
    from tasks.deploy import shift_cron

    if not PREFECT_API_URL.value():
        raise OpentripsError(
            "serve needs a Prefect server: start one with `prefect server start` "
            "and set PREFECT_API_URL=http://127.0.0.1:4200/api"
        )
    schedules = ((collect, shift_cron(region)), (release, "20 0 * * *"), (audit, None))
    serve(
        *(
            RunnerDeployment.from_flow(
                flow,
                name=region.id,
                parameters={"region": region.model_dump(mode="json")},
                schedule=Cron(cron, timezone=region.time_zone) if cron else None,
            )
            for flow, cron in schedules
        )
    )


def _revise(region: Region, day: dt.date, options: argparse.Namespace) -> None:
    """Publish another revision of a day from its stored model."""
    from flows.revise import revise

    revised = revise(region, day, options.reason, options.resample)
    print(f"Published revision r{revised['manifest']['revision']} of {day}:")
    print(revised["page"])


def _withdraw(options: argparse.Namespace) -> None:
    """Offer the data of a day no longer, and say why on its page."""
    from tasks.withdraw import withdraw

    for line in withdraw(load_region(options.region), options.day, options.reason):
        print(line)


def _archive(options: argparse.Namespace) -> None:
    """Make the catalogue and all that follows from it anew."""
    from tasks.catalogue import make_archives

    for line in make_archives():
        print(line)


def _mirror(options: argparse.Namespace) -> None:
    """Bring a mirror of the archive up to date."""
    from tasks.mirror import mirror

    for line in mirror(options.target):
        print(line)


def _verify(options: argparse.Namespace) -> int:
    """Check a published release by what is published; exit status 1 if something is wrong."""
    from tasks.verify import verify

    report = verify(options.release)
    for line in report.lines:
        print(line)
    return int(report.has_faults)


def _ledger(region: Region, day: dt.date, options: argparse.Namespace) -> None:
    """Show what was charged; then say so if the ledger is older than what is published."""
    from tasks.ledger import account_of, account_row, check_ledger

    charges = account_of(region)
    if options.json:
        for charge in charges:
            print(json.dumps(charge.public()))
    elif charges:
        _print_table([account_row(charge) for charge in charges])
    else:
        print(f"{region.name}: nothing was charged")
    check_ledger(region)


def _print_table(rows: list[dict[str, str]]) -> None:
    """Rows with the same keys, in columns as wide as they need to be."""
    lines = [list(rows[0]), *(list(row.values()) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        print("  ".join(cells).rstrip())


def _published_page(region: Region, day: dt.date) -> Path | None:
    """The page of the newest revision of a published day."""
    revisions = Layout.from_environment().releases(region.id, day).glob("r[0-9]*/index.html")
    return max(revisions, key=lambda page: int(page.parent.name[1:]), default=None)


def _show_progress() -> None:
    """Print what our own steps report, and leave Prefect's chatter to its server's log."""
    from prefect.logging.configuration import setup_logging

    setup_logging()
    for handler in logging.getLogger().handlers:
        handler.addFilter(_is_ours)
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))


def _is_ours(record: logging.LogRecord) -> bool:
    return Path(record.pathname).is_relative_to(Path(__file__).parents[1] / "tasks")


DEPLOY = "have a Prefect server collect and release every region of a folder"
LOOK = "look at a feed for some minutes, say what it is good for, and write a region for it"
TUNE = "search settings of a synthesizer on simulated or published days; goes on where it stopped"
STUDY = "compare ordinary and private training on one table; never publishes what it finds"
SYNTHESIZE = "make synthetic rows of any table that a public schema describes"
BACKFILL = "release a range of days of some regions; skips what is published"
REVISE = "publish another revision of a day from its stored model; charges nothing"
WITHDRAW = "offer the data of a published day no longer, and say why on its page"
ARCHIVE = "renew catalogue, index and Parquet view of all releases"
MIRROR = "bring a dataset hub or a CKAN catalogue up to date with the archive"
VERIFY = "check a published release from the outside, by its published files alone"
AREA = "outline a service area by a feed's public files or by a polygon file"


DOCKS = "write where a feed's stations stand, for trips to begin and end there"


class _OneLineParser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"opentrips: {message}; see `opentrips --help`\n")


def _parser() -> argparse.ArgumentParser:
    parser = _OneLineParser(
        prog="opentrips",
        description="From live GBFS feeds to a differentially private open dataset of trips.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, command, text in (
        ("run", _run, "collect a day, then release it"),
        ("collect", _collect, "poll the region's feeds until the day ends"),
        ("release", _release, "release a collected day"),
        ("serve", _serve, "collect shift by shift and release every night, by a Prefect server"),
        ("ledger", _ledger, "show the region's privacy account, day by day"),
        ("audit", _audit, "attack a published day on a simulated twin"),
    ):
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(command=_of_a_region(command), day=None)
        sub.add_argument("region", type=Path, metavar="REGION.yaml", help="the region's file")
        if command is _ledger:
            sub.add_argument(
                "--json", action="store_true", help="what anyone may see, as JSON lines"
            )
        elif command is _audit:
            _add_day(sub, "the newest published")
            sub.add_argument(
                "--seeds", type=int, default=3, metavar="N", help="one-run audits; default: 3"
            )
            sub.add_argument("--quick", action="store_true", help="shorten training and try little")
        else:
            _add_limits(sub)
    _add_look(commands.add_parser("look", help=LOOK, description=LOOK))
    _add_backfill(commands.add_parser("backfill", help=BACKFILL, description=BACKFILL))
    _add_revise(commands.add_parser("revise", help=REVISE, description=REVISE))
    _add_withdraw(commands.add_parser("withdraw", help=WITHDRAW, description=WITHDRAW))
    archive = commands.add_parser("archive", help=ARCHIVE, description=ARCHIVE)
    archive.set_defaults(command=_archive)
    _add_mirror(commands.add_parser("mirror", help=MIRROR, description=MIRROR))
    _add_verify(commands.add_parser("verify", help=VERIFY, description=VERIFY))
    _add_tune(commands.add_parser("tune", help=TUNE, description=TUNE))
    _add_study(commands.add_parser("study", help=STUDY, description=STUDY))
    _add_synthesize(commands.add_parser("synthesize", help=SYNTHESIZE, description=SYNTHESIZE))
    _add_area(commands.add_parser("area", help=AREA, description=AREA))
    _add_docks(commands.add_parser("docks", help=DOCKS, description=DOCKS))
    _add_deploy(commands.add_parser("deploy", help=DEPLOY, description=DEPLOY))
    return parser


def _add_docks(parser: argparse.ArgumentParser) -> None:
    """Makes a part of a region, as `area` does."""
    parser.set_defaults(command=_docks)
    parser.add_argument("source", help="a feed's gbfs.json (URL)")
    parser.add_argument("file", type=Path, metavar="DOCKS.geojson", help="where its docks go")


def _add_revise(parser: argparse.ArgumentParser) -> None:
    _add_published_day(parser, "why there is a revision; it is published")
    parser.set_defaults(command=_of_a_region(_revise))
    parser.add_argument(
        "--resample",
        action="store_true",
        help="draw other rows from the model; default: the rows stay, page and files are made anew",
    )


def _add_withdraw(parser: argparse.ArgumentParser) -> None:
    _add_published_day(parser, "why the day is withdrawn; it is published")
    parser.set_defaults(command=_withdraw)


def _add_published_day(parser: argparse.ArgumentParser, reason: str) -> None:
    parser.add_argument("region", type=Path, metavar="REGION.yaml", help="the region's file")
    parser.add_argument(
        "--day", type=_day, required=True, metavar="YYYY-MM-DD", help="published service day"
    )
    parser.add_argument("--reason", required=True, metavar="TEXT", help=reason)


def _add_mirror(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_mirror)
    parser.add_argument(
        "target", metavar="TARGET", help="hf:OWNER/NAME or ckan:https://HOST/ORGANIZATION"
    )


def _add_verify(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_verify)
    parser.add_argument(
        "release", metavar="URL_OR_FOLDER", help="where the release lies, with its manifest.json"
    )


def _add_backfill(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_backfill)
    parser.add_argument(
        "regions",
        type=Path,
        nargs="+",
        metavar="FOLDER_OR_REGION",
        help="files of regions, or folders of them",
    )
    for option, name, text in (("--from", "first", "first"), ("--to", "last", "last")):
        parser.add_argument(
            option,
            dest=name,
            type=_day,
            required=True,
            metavar="YYYY-MM-DD",
            help=f"{text} service day",
        )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="only say what would be done with each day, and its epsilon",
    )
    parser.add_argument(
        "--parallel",
        type=int,
        choices=range(1, 17),
        default=2,
        metavar="N",
        help="regions at a time, 1 to 16; default: 2",
    )


def _add_tune(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_tune)
    parser.add_argument("search", type=Path, metavar="SEARCH.yaml", help="the search's file")


def _add_study(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_study)
    parser.add_argument("study", type=Path, metavar="STUDY.yaml", help="the study's file")
    parser.add_argument(
        "--rows", type=Path, metavar="FILE", help="the table's rows, in the place of the study's"
    )
    parser.add_argument(
        "--canaries",
        type=Path,
        metavar="FILE",
        help="canaries to plant; default: drawn ones",
    )


def _add_synthesize(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_synthesize)
    parser.add_argument(
        "synthesis", type=Path, metavar="FILE.yaml", help="table, data, synthesizer and guarantee"
    )
    parser.add_argument(
        "--data", type=Path, metavar="ROWS", help="CSV or Parquet file in place of the file's data"
    )


def _add_deploy(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_deploy)
    parser.add_argument(
        "folder",
        type=Path,
        nargs="?",
        default=Path("deployments/regions"),
        metavar="FOLDER",
        help="the folder of region files; default: deployments/regions",
    )
    parser.add_argument(
        "--code",
        default="checkout",
        help="where workers find the code: checkout, image or git:URL@BRANCH; default: checkout",
    )
    parser.add_argument(
        "--pools",
        choices=("process", "docker", "kubernetes"),
        default="process",
        help="kind of the work pools that are made; default: process",
    )
    parser.add_argument(
        "--alert",
        metavar="TYPE/NAME",
        help="the notification block that tells of runs that fail, are late or missing",
    )


def _add_look(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_look)
    parser.add_argument("url", metavar="URL", help="the feed's gbfs.json, or what leads to it")
    parser.add_argument("file", type=Path, metavar="REGION.yaml", help="where the region goes")
    parser.add_argument(
        "--minutes", type=float, default=10.0, metavar="M", help="how long to look; default: 10"
    )


def _add_area(parser: argparse.ArgumentParser) -> None:
    """A command that needs no region: it makes a part of one."""
    parser.set_defaults(command=_area)
    parser.add_argument("source", help="a feed's gbfs.json (URL) or a polygon file (GeoJSON)")
    parser.add_argument("file", type=Path, metavar="AREA.geojson", help="where its polygons go")
    parser.add_argument(
        "--cut",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="polygon file of what is no part of it, such as parks and water; may be repeated",
    )
    parser.add_argument(
        "--property",
        default="name",
        metavar="KEY",
        help="the property of a polygon file that names its areas; default: name",
    )
    parser.add_argument(
        "--buffer",
        type=float,
        default=500.0,
        metavar="M",
        help="metres around a station that belong to the area; default: 500",
    )


def _add_limits(parser: argparse.ArgumentParser) -> None:
    """Which day, and how much of it."""
    _add_day(parser, "today")
    parser.add_argument(
        "--minutes",
        type=float,
        metavar="M",
        help="collect for M minutes instead of until the day ends",
    )


def _add_day(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument(
        "--day", type=_day, metavar="YYYY-MM-DD", help=f"service day; default: {default}"
    )


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date; write YYYY-MM-DD") from None


if __name__ == "__main__":
    sys.exit(main())
