"""What the region's file says of a feed, checked and filled in from the environment."""

from urllib.parse import urlsplit

from tasks.gbfs.address import is_loopback
from tasks.gbfs.client import environment_values
from tasks.gbfs.errors import FeedError
from tasks.region import Feed


def resolved_url(feed: Feed) -> str:
    """The feed's URL, checked and filled in.

    Raises:
        FeedError: If a variable is not set, or the URL is not one that can be polled.
    """
    try:
        url = feed.resolved_url()
    except KeyError as error:
        raise FeedError(_unset(feed, error, "its url")) from None
    check_url(feed, url)
    return url


def check_url(feed: Feed, url: str) -> None:
    """Check that a URL can be polled as the feed asks.

    Raises:
        FeedError: If it is no http or https URL, or leads off this machine in a replay.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise FeedError(f"{feed.name}: the url must be an http or https URL")
    if feed.clock == "feed" and not is_loopback(url):
        raise FeedError(needs_loopback(feed, "its url is on another host"))


def filled(feed: Feed, variables: dict[str, str], where: str) -> dict[str, str]:
    """Headers or query keys with the values of their environment variables.

    Raises:
        FeedError: If a variable is not set, or its value cannot stand in a request.
    """
    try:
        return environment_values(variables)
    except KeyError as error:
        raise FeedError(_unset(feed, error, where)) from None
    except ValueError as error:
        raise FeedError(
            f"{feed.name}: the environment variable {error.args[0]} of {where} holds "
            "characters that cannot stand in an HTTP header; set it again"
        ) from None


def _unset(feed: Feed, error: KeyError, where: str) -> str:
    return (
        f"{feed.name}: the environment variable {error.args[0]} of {where} "
        "is not set; set it and run again"
    )


def needs_loopback(feed: Feed, why: str) -> str:
    """The line for people when `clock: feed` is asked of another machine."""
    return (
        f"{feed.name}: `clock: feed` is for a replay server on this machine "
        f"(127.0.0.1), but {why}; remove `clock: feed`"
    )
