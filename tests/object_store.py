"""A real S3 server on loopback, and the profiles of those who use it."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests


@contextmanager
def s3_running(port: int, folder: Path) -> Iterator[Path]:
    """An S3 server; gives an AWS configuration file with the profiles `private` and `public`."""
    url = f"http://127.0.0.1:{port}"
    config = folder / "aws-config"
    profile = "[profile {0}]\nregion=us-east-1\nendpoint_url={1}\n"
    keys = "aws_access_key_id={0}\naws_secret_access_key={0}\n"
    config.write_text(
        "".join(profile.format(name, url) + keys.format(name) for name in ("private", "public"))
    )
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with (
        (folder / "s3.log").open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log) as server,
    ):
        try:
            _wait_until_up(url, server, folder / "s3.log")
            for bucket in ("private", "public"):
                requests.put(f"{url}/opentrips-{bucket}", timeout=10).raise_for_status()
            yield config
        finally:
            server.kill()


def _wait_until_up(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        if server.poll() is not None:
            break
        try:
            requests.get(url, timeout=30)
            return
        except requests.ConnectionError:
            time.sleep(0.1)
    raise RuntimeError(f"the S3 server did not start:\n{log.read_text()}")
