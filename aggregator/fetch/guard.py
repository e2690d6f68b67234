"""Which addresses we connect to: public ones, and those that an operator exempted.

Checked at the moment of connecting, so that no name can be turned on us in between. The
standard library's ``is_global`` is True for NAT64, 6to4 and others (measured), so the rule is
our own: IPv4 by a list of what is not public, IPv6 by the one range that is.
"""

from __future__ import annotations

import socket
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

#: IANA special-purpose registry for IPv4, and a cloud's metadata address.
_NOT_PUBLIC_4 = tuple(
    IPv4Network(net)
    for net in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32",
        "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24",
        "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    )
)  # fmt: skip
_PUBLIC_6 = IPv6Network("2000::/3")
#: Inside 2000::/3 but no place on the public net, or a disguise of an IPv4 address.
_NOT_PUBLIC_6 = tuple(
    IPv6Network(net)
    for net in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)

Network = IPv4Network | IPv6Network
#: Where our own web server and broker listen, and what a connection to no address comes to.
_OURS = frozenset(
    {ip_address("127.0.0.1"), ip_address("::1"), ip_address("0.0.0.0"), ip_address("::")}  # noqa: S104  # none is bound
)
#: Names that lead inward, whatever they are looked up as.
_INWARD = (".local", ".internal")
_LOCALHOST = ("127.0.0.1", "::1")


@lru_cache(maxsize=256)
def networks(words: tuple[str, ...]) -> tuple[Network, ...]:
    """Exempted networks from their spelling, such as ``127.0.0.2/32``."""
    return tuple(ip_network(word, strict=False) for word in words)


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is on the public net."""
    if isinstance(address, IPv4Address):
        return not any(address in net for net in _NOT_PUBLIC_4)
    if address.scope_id:
        return False
    return address in _PUBLIC_6 and not any(address in net for net in _NOT_PUBLIC_6)


def may_connect(address: str, allowed: tuple[Network, ...], *, public: bool = True) -> bool:
    """Whether we may open a socket to an address, as the resolver or a URL gave it.

    An IPv4 address dressed as IPv6 (``::ffff:a.b.c.d``) is judged as what it is. Our own web
    server and broker listen on 127.0.0.1 and ::1: no wider network exempts those two, only
    their own name. Without ``public`` only what is exempted may be connected to.
    """
    try:
        read = ip_address(address)
    except ValueError:
        return False
    if isinstance(read, IPv6Address) and read.ipv4_mapped:
        read = read.ipv4_mapped
    exempting = [net for net in allowed if read.version == net.version and read in net]
    if read in _OURS:
        return any(net.num_addresses == 1 for net in exempting)
    return bool(exempting) or (public and is_public(read))


def may_name(host: str, allowed: tuple[Network, ...], *, public: bool = True) -> bool:
    """Whether a proxy may be asked for a host; it resolves names itself, out of our sight.

    Numbers are judged in every spelling that resolvers take (``0x7f.1``, ``2130706433``), and
    without ``public`` only what is exempted will do; names stay to be judged.
    """
    address = _number(host)
    if address is None:
        return not _inward(host)
    return may_connect(address, allowed, public=public)


def may_call(host: str, allowed: tuple[Network, ...], *, public: bool = True) -> bool:
    """Whether a host whose name we look up ourselves can be one that we may connect to.

    ``localhost`` is what it stands for. Another name that leads inward can, once something is
    exempted: what it leads to is judged at the socket, as with all names.
    """
    if _is_localhost(host):
        return any(may_connect(one, allowed, public=public) for one in _LOCALHOST)
    return bool(allowed and _inward(host)) or may_name(host, allowed, public=public)


def exemption(host: str) -> str:
    """The setting by which an operator exempts a host, in words."""
    address = _LOCALHOST[0] if _is_localhost(host) else _number(host)
    try:
        read = ip_address(address or "")
    except ValueError:
        return "QUXUN_ALLOW_NETS"
    if isinstance(read, IPv6Address) and read.ipv4_mapped:
        read = read.ipv4_mapped
    if read not in _OURS:
        return f"QUXUN_ALLOW_NETS={ip_network(read)} or a network around it"
    return (
        f"QUXUN_ALLOW_NETS={ip_network(read)} (our own servers listen there: no wider network"
        " exempts it)"
    )


def _is_localhost(host: str) -> bool:
    return host == "localhost" or host.endswith(".localhost")


def _inward(host: str) -> bool:
    return _is_localhost(host) or host.endswith(_INWARD)


def _number(host: str) -> str | None:
    """The address that a host spells as a number, in whatever way; None for a name."""
    if ":" in host:
        return host
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return None
