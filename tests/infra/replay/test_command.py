import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.replay.__main__ import main

ROOT = Path(__file__).parents[3]
CITY = ["--day", "2026-05-20"]


def replay(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "infra.replay", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


@pytest.fixture(scope="module")
def small_table(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("table") / "trips.csv"
    path.write_text("5,a,10,20,10.01,20\n")
    return str(path)


@pytest.fixture
def script(small_table: str) -> Callable[..., subprocess.Popen[str]]:
    """Runs a Python script as the command of a replay."""

    def run(text: str) -> subprocess.Popen[str]:
        arguments = ("--trips", small_table, *CITY, "--", sys.executable, "-c", text)
        return replay(*arguments)

    return run


def gone(pid: int) -> bool:
    """Whether a process has ended within some seconds."""
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        stat = Path(f"/proc/{pid}/stat")
        if stat.exists() and ") Z " in stat.read_text():
            return True  # ended; nobody has asked for its status yet
        time.sleep(0.05)
    return False


def test_the_command_finds_the_server_and_its_status_is_passed_on(script: Any) -> None:
    process = script(
        "import os, sys, urllib.request as r;"
        "print(r.urlopen(os.environ['OPENTRIPS_REPLAY'] + '/2.3/free_bike_status.json').status);"
        "sys.exit(7)"
    )
    out, err = process.communicate(timeout=30)
    assert (out, err, process.returncode) == ("200\n", "", 7)


def test_a_command_that_a_signal_ended(script: Any) -> None:
    process = script("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGKILL


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_are_passed_on_and_the_command_decides(script: Any, number: int) -> None:
    process = script(
        "import signal, sys\n"
        f"signal.signal({int(number)}, lambda *_: (print('stopping'), sys.exit(3)))\n"
        "print('ready', flush=True)\n"
        "while True: signal.pause()"
    )
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert (out, err, process.returncode) == ("stopping\n", "", 3)


def test_ctrl_c_in_a_terminal_reaches_the_command_once(small_table: str) -> None:
    text = (
        "import signal, time\n"
        "heard = []\n"
        "signal.signal(signal.SIGINT, lambda *_: heard.append(1))\n"
        "print('ready', flush=True)\n"
        "while not heard: time.sleep(0.01)\n"
        "time.sleep(0.5)\n"
        "print(len(heard))"
    )
    command = ("--trips", small_table, *CITY, "--", sys.executable, "-c", text)
    process = replay(*command, start_new_session=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does to all in its foreground
    out, err = process.communicate(timeout=30)
    assert (out, err) == ("1\n", "")


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's PR_SET_PDEATHSIG")
def test_the_command_does_not_outlive_a_killed_server(script: Any) -> None:
    process = script("import os, signal; print(os.getpid(), flush=True); signal.pause()")
    child = int(process.stdout.readline())
    process.kill()
    process.communicate(timeout=30)
    assert gone(child)


def test_without_a_command_it_serves_until_it_is_told_to_stop(small_table: str) -> None:
    process = replay("--trips", small_table, *CITY)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("Replay at http://127.0.0.1:")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (out, err, process.returncode) == ("", "", 0)


def test_chaos_breaks_answers(small_table: str) -> None:
    text = (
        "import http.client, json, os, urllib.request as r\n"
        "url = os.environ['OPENTRIPS_REPLAY'] + '/2.3/free_bike_status.json'\n"
        "for _ in range(100):\n"
        "    try:\n"
        "        json.loads(r.urlopen(url).read())\n"
        "    except (OSError, ValueError, http.client.HTTPException):\n"
        "        print('broken')\n"
    )
    script = ("--", sys.executable, "-c", text)
    out, err = replay("--trips", small_table, *CITY, "--chaos", "0", *script).communicate(
        timeout=30
    )
    assert (0 < out.count("broken") < 20, err) == (True, "")
    out, err = replay("--trips", small_table, *CITY, *script).communicate(timeout=30)
    assert (out, err) == ("", "")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--city"], "--day is missing"),
        (["--day", "yesterday"], "'yesterday' is no date"),
        ([*CITY, "--time-zone", "Mars/Olympus"], "unknown time zone 'Mars/Olympus'"),
        ([*CITY, "--poll-seconds", "45"], "divisor of 60"),
        ([*CITY, "--box", "1,2,3"], "no box"),
        ([*CITY, "--seed", "-1"], "--seed -1"),
        ([*CITY, "--chaos", "-1"], "--chaos -1"),
        (["--captures", "{tmp}", "--id-regime", "static"], "--id-regime: captured bodies"),
        ([*CITY, "--captures", "{tmp}", "--box", "1,2,3,4"], "--box"),
        ([*CITY, "--trips", "{tmp}/none.csv"], "none.csv: cannot read the trips: No such file"),
        ([*CITY, "--trips", "{tmp}/bad.csv"], "bad.csv, line 2: 1 columns"),
        (["--captures", "{tmp}/empty"], "empty: no captured bodies"),
        (["--captures", "{tmp}/none"], "none: no such folder"),
        ([*CITY, "--trips", "{tmp}/good.csv", "--port", "99999"], "port 99999 cannot be had"),
        ([*CITY, "--trips", "{tmp}/good.csv", "--", "{tmp}/none"], "none: cannot be run"),
    ],
)
def test_a_wrong_input_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "good.csv").write_text("5,a,10,20,10.01,20\n")
    (tmp_path / "bad.csv").write_text("5,a,10,20,10.01,20\nnonsense\n")
    assert main([argument.replace("{tmp}", str(tmp_path)) for argument in arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert complaint in err
    assert err.count("\n") == 1
