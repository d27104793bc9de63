"""A PostgreSQL server of Debian's packages, whole: Prefect needs an extension that wheels lack."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import free_port


@contextmanager
def debian_postgresql(folder: Path) -> Iterator[str]:
    """A server on loopback with its data in a folder of its own; its URL without a database.

    Raises:
        RuntimeError: If the packages are not installed.
    """
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    if not found:
        raise RuntimeError("PostgreSQL is missing; install it (Debian: apt install postgresql)")
    binaries, port = found[-1].parent, free_port()
    # as root it does not run: then it is Debian's user, who has to reach the folder
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    home = folder if os.geteuid() else Path("/var/tmp") / f"opentrips-postgresql-{port}"
    home.mkdir(parents=True)
    if as_user:
        shutil.chown(home, "postgres")
    data = home / "data"

    def run(program: str, *arguments: str) -> None:
        command = [*as_user, str(binaries / program), *arguments]
        subprocess.run(command, check=True, capture_output=True, cwd=home)

    run("initdb", "--auth", "trust", "--username", "postgres", "--no-sync", str(data))
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
    run("pg_ctl", "-D", str(data), "-o", options, "-l", str(home / "log"), "-w", "start")
    try:
        yield f"postgresql://postgres@127.0.0.1:{port}"
    finally:
        run("pg_ctl", "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(home)
