"""Release: from the sealed day to the published synthetic trips."""

import datetime as dt
from typing import Any, Literal, cast

from prefect import flow, runtime
from prefect.states import Completed

from flows.train import train
from tasks import exchange
from tasks.await_training import await_training
from tasks.catalogue import catalogue
from tasks.check import (
    check_capture,
    check_ends,
    check_release,
    check_sightings,
    check_trips,
)
from tasks.derive import derive
from tasks.expire import expire
from tasks.generate import generate
from tasks.publish import publish
from tasks.region import Region
from tasks.region.service_day import service_day_of
from tasks.seal import seal
from tasks.show_id_regimes import show_id_regimes


def _run_name() -> str:
    parameters = runtime.flow_run.parameters
    region = Region.model_validate(parameters["region"])
    return f"release-{region.id}-{parameters.get('day') or _scheduled_day(region)}"


@flow(name="release", flow_run_name=_run_name, timeout_seconds=6 * 3600)
def release(
    region: Region,
    day: dt.date | None = None,
    training: Literal["here", "by its deployment"] = "here",
) -> dict[str, Any]:
    """Turn one collected service day into a published release.

    Every step keeps what it made: run it again after a failure and it goes on where it stopped,
    without spending budget a second time. A published day stays as it is. First of all, raw data
    of other days whose time has come are deleted.

    A region whose feeds change their ids with every ride gets a release of starts, ends and
    modelled trips. One of whose feeds nothing can be released yields no trips: that is no failure,
    and the run is completed with the sentence that says why.

    Args:
        region: The region, as in its file. What is changed here counts for this run only.
        day: Service day. Default: the day before the one in which the run was scheduled.
        training: Whether this run trains, or a run of the deployment `train` of the region, on the
            machines of its work pool. What the two hand each other lies in the private store.

    Returns:
        The public manifest and the path of the release's page; or `no_trips`, the sentence.

    Raises:
        OpentripsError: If a step says what a person has to do; every step before it is kept.
    """
    day = day or _scheduled_day(region)
    expire(region, day)
    if exchange.has(exchange.release, region, day):
        return _published(region, day)
    seal(region, day)
    check_capture(region, day)
    check_sightings(region, day)
    derived = derive(region, day)
    show_id_regimes(region, day, derived["id_regime"])
    check_derived = check_trips if region.yields == "trips" else check_ends
    check_derived(region, day)
    if (sentence := derived.get("no_trips")) is not None:
        # Prefect takes it for the run's state and gives its data to the caller.
        return cast(dict[str, Any], Completed(message=sentence, data={"no_trips": sentence}))
    if training == "here":
        train(region, day)
    else:
        await_training(region, day)
    generate(region, day)
    check_release(region, day)
    return _published(region, day)


def _published(region: Region, day: dt.date) -> dict[str, Any]:
    """Publish the day, if it is not, and bring the archive over all releases up to date."""
    published = publish(region, day)
    catalogue()
    return published


def _scheduled_day(region: Region) -> dt.date:
    """The service day before the one in which this run was due, however late it starts."""
    due = runtime.flow_run.scheduled_start_time
    return service_day_of(due, region.zone) - dt.timedelta(days=1)
