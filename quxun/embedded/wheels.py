"""Where the wheels of the extra "embedded" lie; their Python code is never run."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from aggregator.errors import EmbeddedError


def wheel(package: str) -> Path:
    """The folder of an installed package, found without importing it.

    Raises:
        EmbeddedError: when it is not installed, with what to do.
    """
    found = find_spec(package)
    if found is None or found.origin is None:
        raise EmbeddedError(
            'the embedded servers are not installed: pip install "quxun[embedded]", '
            "or set QUXUN_DATABASE_URL and QUXUN_BROKER_URL"
        )
    return Path(found.origin).parent
