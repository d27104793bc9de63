import ipaddress
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.gbfs.address import Reach, RefusedAddressError, is_loopback, is_public


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.0.3",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.0.1",
        "169.254.169.254",  # metadata of most clouds
        "168.63.129.16",  # of Azure
        "100.64.0.1",
        "100.100.100.200",  # metadata of Alibaba, in the shared range
        "192.0.0.192",  # of Oracle
        "198.18.0.1",
        "192.0.2.1",
        "224.0.0.1",
        "239.1.1.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%1",
        "fec0::1",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "2001:db8::1",
        "::ffff:127.0.0.1",
        "::ffff:a9fe:a9fe",
        "::127.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::10.0.0.1",
        "2002:7f00:1::1",  # 6to4 of 127.0.0.1
        "2002:a9fe:a9fe::1",
        "",
        "localhost",
        "2130706433",
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2a00:1450::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"],
)
def test_addresses_that_are(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_judged_the_same_however_it_is_wrapped(
    address: ipaddress.IPv4Address,
) -> None:
    value = is_public(str(address))
    assert is_public(f"::ffff:{address}") is value
    assert is_public(f"64:ff9b::{address}") is value
    if address.is_private or address.is_loopback or address.is_link_local or address.is_multicast:
        assert not value


@given(st.text())
def test_any_text_is_judged(text: str) -> None:
    is_public(text)
    is_loopback(f"http://{text}/")


def by_hosts(**hosts: str) -> Callable[[str, int], list[str]]:
    """A resolver that reads its own hosts file; dots in names are written as underscores."""

    def resolve(host: str, port: int) -> list[str]:
        try:
            return hosts[host.replace(".", "_")].split()
        except KeyError:
            raise OSError(host) from None

    return resolve


HOSTS = by_hosts(
    public_example="8.8.8.8 2a00:1450::1",
    inner_example="10.0.0.1",
    mixed_example="10.0.0.1 8.8.4.4 ::1",
    sneaky_example="::ffff:127.0.0.1",
)


def test_only_public_addresses_are_used() -> None:
    reach = Reach("public.example", resolve=HOSTS)
    assert reach.addresses("public.example", 80, 1) == ("8.8.8.8", "2a00:1450::1")
    assert reach.addresses("mixed.example", 80, 1) == ("8.8.4.4",)
    for host in ("inner.example", "sneaky.example", "127.0.0.1", "169.254.169.254", "::1"):
        with pytest.raises(RefusedAddressError, match="not public"):
            reach.addresses(host, 80, 1)
    with pytest.raises(OSError, match="no address"):
        reach.addresses("unknown.example", 80, 1)


def test_a_name_in_the_regions_url_does_not_vouch_for_its_address() -> None:
    with pytest.raises(RefusedAddressError):
        Reach("inner.example", resolve=HOSTS).addresses("inner.example", 80, 1)
    allowed = Reach("inner.example", frozenset({"inner.example"}), HOSTS)
    assert allowed.addresses("inner.example", 80, 1) == ("10.0.0.1",)
    # an address does: nobody but the region's author has a say in it
    assert Reach("10.9.9.9").addresses("10.9.9.9", 80, 1) == ("10.9.9.9",)
    with pytest.raises(RefusedAddressError):
        Reach("10.9.9.9").addresses("10.9.9.8", 80, 1)
    with pytest.raises(RefusedAddressError):
        Reach(None).addresses("127.0.0.1", 80, 1)


def test_what_is_read_from_this_machine_is_read_from_this_machine_only() -> None:
    reach = Reach("127.0.0.1", frozenset({"inner.example"}), HOSTS)
    assert reach.addresses("127.0.0.1", 80, 1) == ("127.0.0.1",)
    assert reach.addresses("inner.example", 80, 1) == ("10.0.0.1",)
    with pytest.raises(RefusedAddressError, match="from this machine to another"):
        reach.addresses("public.example", 80, 1)


def test_a_silent_resolver_has_a_time_limit() -> None:
    def resolve(host: str, port: int) -> list[str]:
        time.sleep(0.3)
        return []

    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        Reach("a.example", resolve=resolve).addresses("a.example", 80, 0.05)
    assert time.monotonic() - begun < 0.25


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://localhost:1/", True),
        ("http://127.8.8.8/", True),
        ("http://[::1]:80/", True),
        ("http://127.0.0.1.example.org/", False),
        ("http://127.evil.example.org/", False),
        ("http://10.0.0.1/", False),
        ("http://localhost@example.org/", False),
        ("http://[", False),
    ],
)
def test_loopback_by_name(url: str, expected: bool) -> None:
    assert is_loopback(url) is expected
