"""The command line: `python -m infra.service up|down|status`."""

import argparse
import os
import sys
from pathlib import Path

from infra.service.group import Group, GroupError

ROOT = Path(__file__).parents[2]


def main(arguments: list[str] | None = None) -> int:
    """Run one command; what goes wrong is one line and exit status 1."""
    parser = argparse.ArgumentParser(prog="python -m infra.service")
    parser.add_argument("command", choices=("up", "down", "status"))
    parser.add_argument("--port", type=int, default=4200, help="of the Prefect server (4200)")
    parser.add_argument("--regions", type=Path, default=Path("deployments/regions"))
    options = parser.parse_args(arguments)
    data = Path(os.environ.get("OPENTRIPS_DATA", ROOT / "data")).absolute()
    group = Group(ROOT, data, options.port)
    try:
        if options.command == "up":
            up(group, options.regions)
        elif options.command == "down":
            group.stop()
            print("opentrips is down; `make up` goes on from here")
        else:
            print(group.status())
    except GroupError as error:
        print(f"opentrips: {error}", file=sys.stderr)
        return 1
    return 0


def up(group: Group, regions: Path) -> None:
    """Start the group, deploy the regions and, on the first day, play the demo's first night."""
    if group.start():
        print(f"Starting the Prefect server; logs are in {group.logs}", flush=True)
    group.wait_until_healthy()
    print(group.deploy(regions), flush=True)
    if not (group.data / "releases" / "demo").exists() and (regions / "demo.yaml").exists():
        print("The first night of the demo city, as its schedule has it every night:", flush=True)
        for deployment in ("collect/demo", "release/demo"):
            group.run_deployment(deployment)
            print(f"  {deployment} is done", flush=True)
        for page in sorted((group.data / "releases" / "demo").glob("*/r1/index.html")):
            print(f"  {page}")
    print(f"opentrips is up: {group.api.removesuffix('/api')}")


if __name__ == "__main__":
    sys.exit(main())
