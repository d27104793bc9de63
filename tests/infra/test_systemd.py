import re

from tests.infra.schema import INFRA, ROOT

CLONE = "/opt/opentrips/"


def unit() -> dict[str, dict[str, list[str]]]:
    """The values of every directive of every section."""
    parsed: dict[str, dict[str, list[str]]] = {}
    section: dict[str, list[str]] = {}
    for line in (INFRA / "systemd" / "opentrips.service").read_text().splitlines():
        if line.startswith("["):
            section = parsed.setdefault(line.strip("[]"), {})
        elif line and not line.startswith("#"):
            name, separator, value = line.partition("=")
            assert separator, line
            section.setdefault(name, []).append(value)
    return parsed


def environment() -> dict[str, str]:
    values = " ".join(unit()["Service"]["Environment"]).split()
    return dict(value.split("=", 1) for value in values)


def test_the_unit_has_its_three_sections_and_says_nothing_twice() -> None:
    parsed = unit()
    assert list(parsed) == ["Unit", "Service", "Install"]
    repeated = {
        name
        for section in parsed.values()
        for name, values in section.items()
        if len(values) > 1 and name != "Environment"
    }
    assert repeated == set()
    assert len(environment()) == len(" ".join(parsed["Service"]["Environment"]).split())


def test_it_starts_the_group_of_make_up_in_the_foreground() -> None:
    command = unit()["Service"]["ExecStart"][0].split()
    assert command[0] == environment()["SERVICE_PYTHON"]
    assert "--nodaemon" in command
    configuration = ROOT / command[-1].removeprefix(CLONE)
    asked = set(re.findall(r"%\(ENV_([A-Z_]+)\)s", configuration.read_text()))
    assert asked <= environment().keys()


def test_it_may_write_where_its_data_lie_and_nowhere_else() -> None:
    service = {name: values[0] for name, values in unit()["Service"].items()}
    assert (service["ProtectSystem"], service["ProtectHome"]) == ("strict", "yes")
    folders = {f"/var/lib/{name}" for name in service["StateDirectory"].split()}
    written = ("OPENTRIPS_DATA", "SERVICE_HOME", "PREFECT_HOME")
    assert {environment()[name] for name in written} <= folders
    assert f"{environment()['SERVICE_HOME']}/logs" in folders
    assert service["WorkingDirectory"] == environment()["SERVICE_HOME"]
    assert service["NoNewPrivileges"] == "yes"
    assert service["CapabilityBoundingSet"] == ""
