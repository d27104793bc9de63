import re
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import yaml

from tasks.files.store import Store
from tests.infra.schema import INFRA, compose_faults, documents

COMPOSE = documents(INFRA / "compose.yaml")[0]
SERVICES: dict[str, Any] = COMPOSE["services"]
WORKERS = ("collector", "trainer", "trainer-on-cpu")


def variables() -> set[str]:
    """The variables that the example of the environment file names."""
    return set(re.findall(r"^([A-Z_]+)=", (INFRA / "env.example").read_text(), re.MULTILINE))


def filled(text: str) -> str:
    """Text with its variables replaced, each by its own name in lower case."""
    return re.sub(r"\$\{([A-Z_]+)(:\?[^}]*)?\}", lambda match: match[1].lower(), text)


def test_the_file_is_one_that_compose_takes() -> None:
    assert compose_faults(COMPOSE) == []
    wrong = {**COMPOSE, "services": {"server": {"image": "x", "port": ["4200"]}}}
    assert len(compose_faults(wrong)) == 1


def test_every_variable_is_in_the_example_and_must_be_given() -> None:
    text = (INFRA / "compose.yaml").read_text()
    named = re.findall(r"(?<!\$)\$\{([A-Z_]+)(:\?[^}]*)?\}", text)
    assert {name for name, _ in named} == variables() - {"COMPOSE_PROFILES"}
    assert all(required for _, required in named)


def test_nothing_listens_beyond_this_machine() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert len(ports) == 2
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_who_is_waited_for_can_be_well_and_what_is_named_is_declared() -> None:
    for name, service in SERVICES.items():
        for other, how in service.get("depends_on", {}).items():
            waited_for = SERVICES[other]
            if how["condition"] == "service_healthy":
                assert "healthcheck" in waited_for, f"{name} waits for {other}"
            else:
                assert waited_for.get("restart", "no") == "no", f"{name} waits for {other}"
        volumes = [volume for volume in service.get("volumes", ()) if isinstance(volume, str)]
        for source in (volume.split(":")[0] for volume in volumes):
            if source.startswith("."):
                assert (INFRA / source).is_file(), source
            else:
                assert source in COMPOSE["volumes"], source
        for config in service.get("configs", ()):
            assert config["source"] in COMPOSE["configs"]
        assert ":" in service["image"]
        assert not service["image"].endswith(":latest")
        if "build" in service:
            build = service["build"]
            assert (INFRA / build["context"] / build["dockerfile"]).is_file()
            assert f"opentrips-{build['args']['KIND']}:" in service["image"]


def test_a_collector_and_a_trainer_never_share_a_volume_and_only_one_trainer_has_a_gpu() -> None:
    volumes = {name: SERVICES[name]["volumes"] for name in WORKERS}
    assert volumes["collector"] != volumes["trainer"] == volumes["trainer-on-cpu"]
    profiles = {name: SERVICES[name].get("profiles") for name in WORKERS}
    assert profiles == {"collector": None, "trainer": ["gpu"], "trainer-on-cpu": ["cpu"]}
    devices = SERVICES["trainer"]["deploy"]["resources"]["reservations"]["devices"]
    assert devices == [{"driver": "nvidia", "count": 1, "capabilities": ["gpu"]}]
    assert "deploy" not in SERVICES["trainer-on-cpu"]


@pytest.mark.parametrize("name", WORKERS)
def test_a_worker_serves_a_pool_that_is_deployed_and_is_asked_where_it_answers(name: str) -> None:
    definitions = yaml.safe_load((INFRA.parent / "deployments" / "prefect.yaml").read_text())
    command = SERVICES[name]["command"]
    assert command[command.index("--pool") + 1] in definitions["definitions"]["pools"]
    assert command[-1] == "--with-healthcheck"
    from prefect.settings import get_current_settings

    port = get_current_settings().worker.webserver.port
    assert f"127.0.0.1:{port}/health" in SERVICES[name]["healthcheck"]["test"][-1]


def test_regions_are_a_folder_of_the_user_and_are_only_read() -> None:
    (regions,) = SERVICES["deploy"]["volumes"]
    assert (regions["type"], regions["read_only"]) == ("bind", True)
    assert regions["source"].startswith("${REGIONS:?")
    assert regions["target"] in SERVICES["deploy"]["command"]


def test_passwords_reach_only_those_who_need_them() -> None:
    given = {
        name: set(re.findall(r"\$\{([A-Z_]+)", yaml.safe_dump(service)))
        for name, service in SERVICES.items()
    }
    secrets = {name: names for name, names in given.items() if names}
    workers = {name: {"PREFECT_AUTH", "LEDGER_PASSWORD"} for name in WORKERS}
    assert secrets == {
        "postgresql": {"POSTGRES_PASSWORD", "PREFECT_PASSWORD", "LEDGER_PASSWORD"},
        "server": {"PREFECT_PASSWORD", "PREFECT_AUTH"},
        "deploy": {"PREFECT_AUTH", "LEDGER_PASSWORD", "REGIONS"},
        **workers,
    }


def test_each_store_has_keys_of_its_own_that_open_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    identities = yaml.safe_load(filled(COMPOSE["configs"]["s3"]["content"]))["identities"]
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "aws-config"))
    (tmp_path / "aws-config").write_text(filled(COMPOSE["configs"]["aws-config"]["content"]))
    for room, identity in zip(("private", "public"), identities, strict=True):
        url = COMPOSE["x-settings"][f"OPENTRIPS_{room.upper()}_STORE"]
        store = Store.at(url)
        session = botocore.session.Session(profile=room)
        credentials = session.get_credentials()
        assert identity["credentials"] == [
            {"accessKey": credentials.access_key, "secretKey": credentials.secret_key}
        ]
        assert {action.split(":")[1] for action in identity["actions"]} == {store.root}
        assert session.get_scoped_config()["endpoint_url"] == "http://s3:8333"
        assert store.root in SERVICES["buckets"]["command"][0]
    assert identities[0]["credentials"] != identities[1]["credentials"]
    assert "-s3.port=8333" in SERVICES["s3"]["command"]
