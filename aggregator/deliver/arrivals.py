"""What arrived in the local mailbox's folder, and whether its signature is ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

_UNSAFE = re.compile(r"[^A-Za-z0-9@._+-]")


def arrived_since(folder: Path, address: str, since: datetime) -> Iterator[bytes]:
    """The mails to an address that were kept since then (``quxun.mailbox`` names the files)."""
    ending = f"-{_UNSAFE.sub('_', address)[:80]}.eml"
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if not path.name.endswith(ending):
            continue
        try:
            if path.stat().st_mtime >= since.timestamp() - 1:
                yield path.read_bytes()
        except FileNotFoundError:
            continue  # deleted since it was listed
