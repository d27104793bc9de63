"""Which addresses a feed may lead us to: public ones, and those that the region names."""

import ipaddress
import socket
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import urlsplit

Resolve: TypeAlias = Callable[[str, int], Iterable[str]]
"""Host and port to the addresses of the host, as text. Raises OSError if there is none."""

MAX_ADDRESSES = 4
"""So many addresses of one host are tried, the first ones."""

_GLOBAL_V6 = ipaddress.ip_network("2000::/3")  # all that is routed on the internet
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_METADATA = (  # of clouds, where they look public; the others are link-local or shared
    ipaddress.IPv4Network("168.63.129.16/32"),  # Azure
    ipaddress.IPv4Network("192.0.0.0/24"),  # Oracle
)


class RefusedAddressError(Exception):
    """A URL that is not fetched; the text says why and never quotes a path or a query."""


def resolve_by_system(host: str, port: int) -> list[str]:
    """The addresses that the system's resolver knows for a host.

    Raises:
        OSError: If there is none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_public(address: str) -> bool:
    """Whether an address is one of the public internet.

    Private, loopback, link-local, shared (CGNAT), multicast, reserved and cloud metadata addresses
    are not, nor is an IPv6 address that leads to such an IPv4 address.

    Examples:
        >>> [is_public(address) for address in ("8.8.8.8", "10.0.0.1", "169.254.169.254")]
        [True, False, False]
        >>> [is_public(address) for address in ("2a00:1450::1", "::1", "::ffff:127.0.0.1")]
        [True, False, False]
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv4Address):
        is_metadata = any(parsed in network for network in _METADATA)
        return parsed.is_global and not parsed.is_multicast and not is_metadata
    if parsed in _NAT64:
        return is_public(str(ipaddress.IPv4Address(parsed.packed[-4:])))
    inner = [parsed.ipv4_mapped, parsed.sixtofour, *(parsed.teredo or ())]
    if any(part is not None and not is_public(str(part)) for part in inner):
        return False
    is_global = parsed in _GLOBAL_V6 and parsed.is_global
    return is_global or parsed.ipv4_mapped is not None


def is_loopback(url: str) -> bool:
    """Whether a URL's host is this machine by its very name: localhost, 127.x.y.z or ::1.

    Examples:
        >>> is_loopback("http://127.0.0.1:8000/gbfs.json"), is_loopback("http://127.example.org")
        (True, False)
    """
    try:
        return is_loopback_name(urlsplit(url).hostname or "")
    except ValueError:
        return False


def is_loopback_name(host: str) -> bool:
    """Like `is_loopback`, of a host.

    Examples:
        >>> is_loopback_name("::1"), is_loopback_name("localhost.example.org")
        (True, False)
    """
    if host in ("localhost", "::1"):
        return True
    parts = host.split(".")
    return len(parts) == 4 and parts[0] == "127" and all(part.isdecimal() for part in parts)


@dataclass(frozen=True)
class Reach:
    """The hosts that one feed may lead to.

    Attributes:
        own: Host of the region's URL. Written as an address or as localhost, it may be used
            whatever its address; if it is this machine, no other host may. None: a URL that no
            person wrote, so nothing is known about it.
        allowed: Hosts that the region allows by name, whatever their addresses; lower case.
        resolve: Finds the addresses of a host.
    """

    own: str | None
    allowed: frozenset[str] = frozenset()
    resolve: Resolve = field(default=resolve_by_system)

    @property
    def is_local(self) -> bool:
        """Whether the feed is read from this machine."""
        return self.own is not None and is_loopback_name(self.own)

    def addresses(self, host: str, port: int, seconds: float) -> tuple[str, ...]:
        """The checked addresses of a host: connect to these and look the name up no more.

        Args:
            host: As in the URL, lower case.
            port: TCP port.
            seconds: Longest wait for the resolver.

        Raises:
            RefusedAddressError: If the feed may not lead there.
            TimeoutError: If the resolver is silent for too long.
            OSError: If the host has no address.
        """
        named = host in self.allowed or (host == self.own and _is_literal(host))
        if self.is_local and not named and not is_loopback_name(host):
            raise RefusedAddressError(
                "it leads from this machine to another host; `allow_hosts` can name that host"
            )
        found = _in_time(self.resolve, host, port, seconds)
        if not (named or (self.is_local and is_loopback_name(host))):
            found = [address for address in found if is_public(address)]
            if not found:
                raise RefusedAddressError(
                    "it leads to an address that is not public; `allow_hosts` can name its host"
                )
        return tuple(found[:MAX_ADDRESSES])


def _is_literal(host: str) -> bool:
    """Whether a host is written as an address, or is this machine: no resolver has a say."""
    if is_loopback_name(host):
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _in_time(resolve: Resolve, host: str, port: int, seconds: float) -> list[str]:
    """What the resolver says; it knows no time limit of its own."""
    result: list[list[str] | Exception] = []

    def look_up() -> None:
        try:
            result.append(list(resolve(host, port)))
        except (OSError, ValueError) as error:  # ValueError: no name at all, such as "a..b"
            result.append(error)

    if _is_literal(host) and host != "localhost":
        return [host]  # saves a thread
    thread = threading.Thread(target=look_up, name="resolve", daemon=True)
    thread.start()
    thread.join(max(seconds, 0))
    if not result:
        raise TimeoutError("the resolver is silent")
    if isinstance(result[0], Exception):
        raise OSError("the host has no address") from None
    return result[0]
