"""A simulated country of portals: for the demonstration, for tests and for benchmarks.

Everything in it is invented and seeded. ``Country`` makes and changes it, ``serve`` puts it on
loopback addresses, ``Country.truth`` says what a perfect reader would know.
"""

from __future__ import annotations

from quxun.country.country import Country
from quxun.country.faults import Fault, FaultKind
from quxun.country.model import (
    Column,
    Edit,
    Facts,
    Kind,
    Nature,
    Notice,
    Portal,
    Size,
    SourceKind,
    Standing,
    Wrap,
)
from quxun.country.server import Served, serve
from quxun.country.truth import Known, Place, Truth

__all__ = [
    "Column",
    "Country",
    "Edit",
    "Facts",
    "Fault",
    "FaultKind",
    "Kind",
    "Known",
    "Nature",
    "Notice",
    "Place",
    "Portal",
    "Served",
    "Size",
    "SourceKind",
    "Standing",
    "Truth",
    "Wrap",
    "serve",
]
