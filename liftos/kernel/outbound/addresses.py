"""The hosts and addresses a request may go to.

The operator allows host names. A name's addresses are checked after resolving and the connection goes to the checked address,
which defeats DNS rebinding.
"""

import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from liftos.kernel.outbound.errors import OutboundRefused, OutboundUnavailable

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Sequence[str]]

DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_NAT64: Final = ip_network("64:ff9b::/96")
# from IANA's special-purpose registries, missing in Python's table: protocol assignments and 6to4 relays
_NEVER_IPV4: Final = [ip_network(each) for each in ("192.0.0.0/24", "192.88.99.0/24")]
# global unicast, except protocol assignments (including Teredo), documentation and 6to4
_UNICAST_IPV6: Final = ip_network("2000::/3")
_NEVER_IPV6: Final = [ip_network(each) for each in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")]
_PRIVATE_IPV6: Final = [ip_network(each) for each in ("::1/128", "fc00::/7")]


class InvalidHostList(ValueError):
    """An entry of a host list is malformed."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """One allowed host, or with `subdomains` everything below it; `port` None for the scheme's default."""

    name: str
    subdomains: bool
    port: int | None

    def admits(self, host: str, port: int, scheme: str) -> bool:
        if port != (DEFAULT_PORTS[scheme] if self.port is None else self.port):
            return False
        return host.endswith(f".{self.name}") if self.subdomains else host == self.name


class AllowedHosts:
    """The hosts that requests may go to; empty lists allow none."""

    def __init__(self, hosts: Iterable[str] = (), private: Iterable[str] = ()) -> None:
        """Parse two host lists.

        Args:
            hosts: `api.example.com`, or `.example.com` for its subdomains, optionally with a port (`:8443`); the default is 80
                for http and 443 for https. IPv6 addresses are in brackets.
            private: hosts that may also resolve to private or loopback addresses; they need not be repeated in `hosts`.

        Raises:
            InvalidHostList: an entry is malformed; the message is the entry.
        """
        self._private = [_read(each) for each in private]
        self._hosts = [_read(each) for each in hosts]

    def may_be_private(self, host: str, port: int, scheme: str) -> bool:
        """Return whether a host may have a private address.

        Raises:
            OutboundRefused: the host is not allowed at all.
        """
        if any(entry.admits(host, port, scheme) for entry in self._private):
            return True
        if any(entry.admits(host, port, scheme) for entry in self._hosts):
            return False
        raise OutboundRefused(
            f"{host}:{port} is not an allowed host (LIFTOS_HTTP_ALLOWED_HOSTS).",
            loc=("url",),
        )


def _read(text: str) -> _Entry:
    name, port = text.strip().lower(), None
    if name.startswith("["):
        name, bracket, rest = name[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise InvalidHostList(text)
        number = rest[1:]
    else:
        name, _, number = name.partition(":")
    if number:
        if not number.isascii() or not number.isdecimal() or not 0 < int(number) < 65_536:
            raise InvalidHostList(text)
        port = int(number)
    subdomains, name = name.startswith("."), name.strip(".")
    if not name or any(character in name for character in "/@*? \t\x00") or ("%" in name):
        raise InvalidHostList(text)
    return _Entry(name, subdomains, port)


def resolve(host: str, port: int) -> Sequence[str]:
    """Return a host's addresses from the system's resolver.

    Raises:
        OutboundUnavailable: the name can't be resolved.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise OutboundUnavailable(f"{host} could not be resolved.") from error
    return list(dict.fromkeys(str(each[4][0]) for each in found))


def checked_address(host: str, port: int, *, private: bool, resolve: Resolve = resolve) -> str:
    """Return the address to connect to, if all addresses of the host are allowed.

    Args:
        host: name or address.
        port: to connect to.
        private: allow private and loopback addresses. Link-local ones, where clouds serve credentials, are never allowed.
        resolve: returns a host's addresses.

    Raises:
        OutboundRefused: one of the addresses is not allowed.
        OutboundUnavailable: the host has no address.
    """
    addresses = resolve(host, port)
    if not addresses:
        raise OutboundUnavailable(f"{host} could not be resolved.")
    for each in addresses:
        if not is_allowed(ip_address(each), private=private):
            raise OutboundRefused(f"{host} resolves to an address that is not allowed.", loc=("url",))
    return addresses[0]


def is_allowed(address: Address, *, private: bool) -> bool:
    """Return whether an address may be connected to."""
    return (
        _ipv6_is_allowed(address, private)
        if isinstance(address, IPv6Address)
        else _ipv4_is_allowed(address, private)
    )


def _ipv6_is_allowed(address: IPv6Address, private: bool) -> bool:
    if address.ipv4_mapped is not None:
        return _ipv4_is_allowed(address.ipv4_mapped, private)
    if address in _NAT64:
        return _ipv4_is_allowed(IPv4Address(int(address) & 0xFFFF_FFFF), private)
    if address.scope_id is not None:
        return False
    if any(address in each for each in _PRIVATE_IPV6):
        return private
    return address in _UNICAST_IPV6 and not any(address in each for each in _NEVER_IPV6)


def _ipv4_is_allowed(address: IPv4Address, private: bool) -> bool:
    if address.is_link_local or address.is_multicast or address.is_unspecified or address.is_reserved:
        return False
    if any(address in each for each in _NEVER_IPV4):
        return False
    if address.is_loopback or (address.is_private and not address.is_global):
        return private
    return address.is_global
