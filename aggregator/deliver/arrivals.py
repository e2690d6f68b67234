"""What arrived in the local mailbox's folder, and whether its signature is ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import dkim

from aggregator.deliver.dkim import Signer

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


def signature_fault(raw: bytes, signer: Signer) -> str | None:
    """What is wrong with our signature on a mail as it arrived; None when one of them is good.

    The key is ours and not DNS's: that it is published is for ``quxun doctor`` to ask.
    """
    name, value = signer.record()
    mail = dkim.DKIM(raw)
    signatures = [field for field, _ in mail.headers if field.lower() == b"dkim-signature"]

    def record(asked: bytes, timeout: int = 5) -> bytes | None:
        del timeout
        ours = asked.rstrip(b".").lower() == name.encode().lower()
        return value.encode() if ours else None

    if not signatures:
        return "its DKIM signature is missing"
    for number in range(len(signatures)):
        try:
            if mail.verify(idx=number, dnsfunc=record):
                return None
        except dkim.DKIMException:
            continue  # another's, or one that was broken on the way
    return "its DKIM signature does not hold"
