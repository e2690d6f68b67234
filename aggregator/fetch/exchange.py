"""What goes out and what comes back in one exchange, and how it may fail."""

from __future__ import annotations

from dataclasses import dataclass, field

import pycurl

from aggregator.errors import FetchError
from aggregator.fetch.addresses import Address
from aggregator.fetch.guard import Network, exemption

_REASONS = {
    pycurl.E_COULDNT_RESOLVE_HOST: "dns",
    pycurl.E_COULDNT_CONNECT: "connect",
    pycurl.E_OPERATION_TIMEDOUT: "timeout",
    pycurl.E_PARTIAL_FILE: "truncated",
    pycurl.E_RECV_ERROR: "truncated",
    pycurl.E_GOT_NOTHING: "protocol",
    pycurl.E_FILESIZE_EXCEEDED: "too_large",
    pycurl.E_SSL_CONNECT_ERROR: "tls",
    pycurl.E_PEER_FAILED_VERIFICATION: "tls",
    pycurl.E_SSL_CIPHER: "tls",
    pycurl.E_SSL_CERTPROBLEM: "tls",
    pycurl.E_SEND_ERROR: "connect",
}
_ADVICE = {
    "dns": "its name is not known; check the address",
    "connect": "nobody answers there; tried again ever more slowly",
    "timeout": "no complete answer in time; tried again ever more slowly",
    "truncated": "the answer ends too early; nothing of it was stored",
    "protocol": "the answer is no HTTP that we take",
    "too_large": "more bytes than a list or article can have; nothing of it was read",
    "tls": "its certificate or TLS is not accepted; the source may be given tls_profile = legacy",
}


@dataclass(slots=True)
class Answer:
    """What came back: a status, headers with lower-case names, raw bytes still encoded."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)
    wire_bytes: int = 0
    header_bytes: int = 0
    stopped: str | None = None
    refused: str | None = None
    #: Whether the header block of the final answer is complete; what follows are trailers.
    complete: bool = False
    #: Bytes of the request that had left when the exchange failed.
    sent_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What to send, and under which rules; ``headers`` are whole lines."""

    address: Address
    headers: list[bytes]
    method: str = "GET"
    body: bytes | None = None
    tls_profile: str = "strict"
    proxy: str | None = None
    allowed: tuple[Network, ...] = ()
    own_rules: bool = False
    #: Whether public addresses may be called at all, or only the exempted ones.
    public: bool = True
    total_seconds: float = 30.0

    @property
    def plain(self) -> bool:
        """Whether a handle needs no more than the address and the headers."""
        return (
            not self.own_rules
            and self.proxy is None
            and self.tls_profile == "strict"
            and self.method == "GET"
        )


def closed(exchange: Exchange) -> FetchError:
    """The end of an exchange that we broke off."""
    url = exchange.address.url
    return FetchError(f"{url}: given up, we are stopping", reason="timeout", url=url)


def failure(error: tuple[int, str], answer: Answer, exchange: Exchange) -> FetchError:
    """The error for an exchange that libcurl, or we in one of its callbacks, ended."""
    url = exchange.address.url
    if answer.refused:
        return FetchError(
            f"{url}: {answer.refused} is not on the public net; if it may be fetched, exempt it"
            f" with --allow-private or {exemption(answer.refused)}",
            reason="blocked",
            url=url,
        )
    code, words = error
    reason = answer.stopped or _REASONS.get(code, "protocol")
    if code == pycurl.E_RECV_ERROR and "chunk" in words.lower():
        reason = "protocol"  # libcurl names broken chunks and lost connections alike
    return FetchError(
        f"{url}: {_ADVICE[reason]} ({words or f'libcurl {code}'})",
        reason=reason,
        url=url,
        answered=answer.status if answer.complete else None,
        sent=answer.sent_bytes > 0,
    )
