"""Automations: what the server does by itself when a run dies, fails, is late or missing."""

from collections.abc import Mapping, Sequence
from typing import Any

from prefect.client.orchestration import SyncPrefectClient
from prefect.events.schemas.automations import AutomationCore
from prefect.exceptions import ObjectNotFound
from pydantic import TypeAdapter

from tasks import OpentripsError


class DeployError(OpentripsError):
    """The deployments cannot be made."""


def make_automations(
    client: SyncPrefectClient, wanted: Sequence[Mapping[str, Any]], alert: str | None
) -> None:
    """Make automations; those that are as they should be stay so.

    Args:
        client: Of the server.
        wanted: Automations as prefect.yaml declares them. One with an `alert` (subject and body) is
            made only if there is a block for it.
        alert: That block, as `TYPE/NAME`.

    Raises:
        DeployError: If there is no such block.
    """
    block = None if alert is None else _block(client, alert)
    for one in wanted:
        facts = {key: value for key, value in one.items() if key != "alert"}
        if "alert" in one:
            if block is None:
                continue
            facts["actions"] = [
                {"type": "send-notification", "block_document_id": block, **one["alert"]}
            ]
        _make(client, TypeAdapter(AutomationCore).validate_python(facts))


def _make(client: SyncPrefectClient, wanted: AutomationCore) -> None:
    found = client.read_automations_by_name(wanted.name)
    if not found:
        client.create_automation(wanted)
    elif _facts(found[0]) != _facts(wanted):
        as_before = {"enabled": found[0].enabled}  # a person may have switched it off
        client.update_automation(found[0].id, wanted.model_copy(update=as_before))


def _facts(automation: AutomationCore) -> dict[str, Any]:
    """What an automation does, so that two can be compared."""
    facts = automation.model_dump(mode="json", include={"description", "trigger", "actions"})
    trigger = facts["trigger"]
    trigger.pop("id", None)
    facts["trigger"] = {
        key: sorted(value) if isinstance(value, list) else value for key, value in trigger.items()
    }
    return facts


def _block(client: SyncPrefectClient, alert: str) -> str:
    slug, _, name = alert.partition("/")
    try:
        return str(client.read_block_document_by_name(name, slug).id)
    except ObjectNotFound as error:
        raise DeployError(
            f"--alert {alert}: there is no such block; make it in the UI under Blocks and write "
            "TYPE/NAME, such as custom-webhook/duty or sendgrid-email/duty"
        ) from error
