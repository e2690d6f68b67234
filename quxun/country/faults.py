"""What can go wrong on a portal when a test wants it to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """The ways to fail.

    ``hang`` never answers; ``slow`` waits ``seconds`` before it does; ``status`` answers
    ``status`` (412 and 521 with the script of a shield, 503 and 429 with Retry-After);
    ``truncated`` sends half of what Content-Length promises; ``empty`` gives lists without rows;
    ``soft404`` answers 200 with a page that says there is none; ``drop`` closes at once;
    ``drip`` sends the body in ten pieces, ``seconds`` between them.
    """

    HANG = "hang"
    SLOW = "slow"
    STATUS = "status"
    TRUNCATED = "truncated"
    EMPTY = "empty"
    SOFT404 = "soft404"
    DROP = "drop"
    DRIP = "drip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A failure at a host (``path`` empty) or at one path with its query.

    ``times`` is how many requests it hits before it is over; 0 is for ever.
    """

    host: str
    kind: FaultKind
    path: str = ""
    status: int = 503
    retry_after: int = 2
    seconds: float = 1.0
    times: int = 0


class Faults:
    """The failures that are set now."""

    def __init__(self) -> None:
        self._set: dict[tuple[str, str], Fault] = {}
        self._hits: dict[tuple[str, str], int] = {}

    def __bool__(self) -> bool:
        return bool(self._set)

    def set(self, fault: Fault) -> None:
        """Let it fail from now on; replaces what was set for the same place."""
        self._set[fault.host, fault.path] = fault
        self._hits[fault.host, fault.path] = 0

    def clear(self, host: str | None = None) -> None:
        """Let it work again, everywhere or at one host."""
        for key in [key for key in self._set if host in (None, key[0])]:
            del self._set[key]

    def hit(self, host: str, target: str) -> Fault | None:
        """The fault that this request runs into."""
        for key in ((host, target), (host, target.split("?", 1)[0]), (host, "")):
            fault = self._set.get(key)
            if fault is None:
                continue
            self._hits[key] += 1
            if fault.times and self._hits[key] >= fault.times:
                del self._set[key]
            return fault
        return None


def fault_from(values: Mapping[str, object]) -> Fault:
    """A fault from the JSON of a control request.

    Raises:
        ValueError: when the kind is unknown or the host is missing.
    """
    return Fault(
        host=str(values.get("host") or ""),
        kind=FaultKind(str(values.get("fault") or values.get("kind") or "")),
        path=str(values.get("path") or ""),
        status=int(str(values.get("status", 503))),
        retry_after=int(str(values.get("retry_after", 2))),
        seconds=float(str(values.get("seconds", 1.0))),
        times=int(str(values.get("times", 0))),
    )
