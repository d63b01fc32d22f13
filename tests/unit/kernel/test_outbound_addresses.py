"""Allowed addresses of outbound requests."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liftos.kernel.outbound.addresses import AllowedHosts, InvalidHostList, checked_address, is_allowed
from liftos.kernel.outbound.client import split_url
from liftos.kernel.outbound.errors import OutboundRefused, OutboundUnavailable

PUBLIC = ["93.184.216.34", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
PRIVATE = ["127.0.0.1", "127.9.9.9", "10.1.2.3", "172.16.0.1", "192.168.1.1", "::1", "fd00::1", "::ffff:10.0.0.1", "64:ff9b::7f00:1"]  # fmt: skip
NEVER = [
    "169.254.169.254", "fe80::1", "fe80::1%eth0", "0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255", "240.0.0.1",
    "100.64.0.1", "192.0.0.8", "2002:7f00:1::", "2001:0:1::", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2001:db8::1",
    "::127.0.0.1", "::10.0.0.1", "::ffff:0:127.0.0.1", "::ffff:0:8.8.8.8", "5f00::1", "3fff::1", "2001:1::1", "2001:20::1", "64:ff9b:1::1",
    "100::1", "fec0::1", "4000::1", "::2", "fd00::1%eth0",
]  # fmt: skip


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses_may_be_called(text):
    assert is_allowed(ip_address(text), private=False)
    assert is_allowed(ip_address(text), private=True)


@pytest.mark.parametrize("text", PRIVATE)
def test_private_addresses_need_the_operators_permission(text):
    assert not is_allowed(ip_address(text), private=False)
    assert is_allowed(ip_address(text), private=True)


@pytest.mark.parametrize("text", NEVER)
def test_some_addresses_may_never_be_called(text):
    assert not is_allowed(ip_address(text), private=False)
    assert not is_allowed(ip_address(text), private=True)


@given(st.integers(0, 2**32 - 1))
def test_wrapped_addresses_are_recognised(number):
    plain = ip_address(number)
    mapped, translated = ip_address(0xFFFF << 32 | number), ip_address(int(ip_address("64:ff9b::")) | number)
    for private in (False, True):
        assert is_allowed(mapped, private=private) == is_allowed(plain, private=private)
        assert is_allowed(translated, private=private) == is_allowed(plain, private=private)


def allows(hosts, url, private=()):
    parts = split_url(url)
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    try:
        AllowedHosts(hosts, private).may_be_private(parts.hostname, port, parts.scheme)
    except OutboundRefused:
        return False
    return True


@pytest.mark.parametrize(
    ("hosts", "url", "expected"),
    [
        ([], "https://api.example.com/", False),
        (["api.example.com"], "https://api.example.com/", True),
        (["api.example.com"], "http://api.example.com/", True),
        (["api.example.com"], "https://API.example.com./x", True),
        (["API.Example.com"], "https://api.example.com/", True),
        (["api.example.com"], "https://api.example.com:8443/", False),
        (["api.example.com:8443"], "https://api.example.com:8443/", True),
        (["api.example.com:8443"], "https://api.example.com/", False),
        (["api.example.com"], "https://api.example.com:80/", False),
        (["api.example.com"], "https://evil-api.example.com/", False),
        (["api.example.com"], "https://api.example.com.evil.net/", False),
        ([".example.com"], "https://a.b.example.com/", True),
        ([".example.com"], "https://example.com/", False),
        ([".example.com"], "https://evilexample.com/", False),
        (["[::1]:8000"], "http://[::1]:8000/", True),
        (["127.0.0.1:8000"], "http://127.0.0.1:8000/", True),
    ],
)
def test_hosts_are_allowed_by_name(hosts, url, expected):
    assert allows(hosts, url) is expected
    assert allows([], url, private=hosts) is expected


@pytest.mark.parametrize(
    "entry", ["", "*", "http://a", "a/b", "a:b", "a:0", "a:70000", "u@a", "[::1", "[::1]8000", "a?b"]
)
def test_invalid_host_list_is_refused(entry):
    with pytest.raises(InvalidHostList):
        AllowedHosts([entry])


@pytest.mark.parametrize(
    "url",
    [
        "", "api.example.com", "//api.example.com/", "ftp://a/", "file:///etc/passwd", "http://", "http:///x", "http://u:p@a/",
        "http://u@a/", "http://a:0/", "http://a:99999/", "http://a b/", "http://a/\r\nX: y", "http://a/\x00", "http://a/ä",
        "http://[::1", "javascript:alert(1)", "http://a..b/",
    ],
)  # fmt: skip
def test_invalid_url_is_refused(url):
    with pytest.raises(OutboundRefused):
        split_url(url)


def test_every_address_of_a_name_must_be_allowed():
    def resolve(*addresses):
        return lambda host, port: addresses

    assert checked_address("a", 80, private=False, resolve=resolve("8.8.8.8", "1.1.1.1")) == "8.8.8.8"
    with pytest.raises(OutboundRefused):
        checked_address("a", 80, private=False, resolve=resolve("8.8.8.8", "10.0.0.1"))
    with pytest.raises(OutboundUnavailable):
        checked_address("a", 80, private=False, resolve=resolve())


@pytest.mark.enable_socket
@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "127.1", "0177.0.0.1", "localhost"])
def test_other_spellings_of_loopback_are_recognised(host):
    with pytest.raises((OutboundRefused, OutboundUnavailable)):
        checked_address(host, 80, private=False)
