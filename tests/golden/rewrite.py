"""Writes the golden answers anew from what the code says now; the diff is reviewed like code."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from aggregator import parse

HERE = Path(__file__).parent
ARTICLES_READ_AT = datetime(2025, 8, 20, 4, 0, tzinfo=UTC)


def rewrite_list(path: Path) -> None:
    """Rewrite one list's ``entries.json``; its address and time stay."""
    gold = json.loads(path.read_text(encoding="utf-8"))
    kind, reading = parse.detect(
        (path.parent / "page.html").read_bytes(),
        url=gold["url"],
        content_type=None,
        now=datetime.fromisoformat(gold["now"]),
    )
    gold["kind"] = kind.value
    gold["next"] = reading.next.url if reading.next else None
    gold["entries"] = [
        {"title": e.title, "url": e.url, "date": e.date and e.date[:10]} for e in reading.entries
    ]
    _write(path, gold)


def rewrite_article(path: Path) -> None:
    """Rewrite one article's ``article.json``; its address stays."""
    gold = json.loads(path.read_text(encoding="utf-8"))
    got = parse.read_article(
        (path.parent / "page.html").read_bytes(),
        url=gold["url"],
        content_type=None,
        now=ARTICLES_READ_AT,
        selector=None,
        learned=None,
    )
    gold |= {
        "title": got.title,
        "date_text": got.date_text,
        "source": got.source_text,
        "fields": got.fields,
        "meta": got.meta,
        "breadcrumbs": list(got.breadcrumbs),
        "attachments": [[a.name, a.url, a.media_type] for a in got.attachments],
        "lines": got.body_text.split("\n"),
    }
    _write(path, gold)


def rewrite_documents(folder: Path) -> None:
    """Rewrite the feeds that we print: consumers hold archive documents that must stay as they are."""
    sys.path.insert(0, str(folder.parent))
    from feed_samples import golden_documents  # beside the tests of feeds

    for name, body in golden_documents().items():
        (folder / name).write_bytes(body)


def rewrite_mails(folder: Path) -> None:
    """Rewrite the mails that are kept: readers see every word of them."""
    sys.path.insert(0, str(HERE.parent / "notify"))
    from mail_samples import golden_mails  # beside the tests of mails

    folder.mkdir(exist_ok=True)
    for name, body in golden_mails().items():
        (folder / name).write_bytes(body)


def _write(path: Path, gold: dict[str, object]) -> None:
    path.write_text(json.dumps(gold, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    for entries in sorted(HERE.glob("*/entries.json")):
        rewrite_list(entries)
    for article in sorted(HERE.glob("*/article.json")):
        rewrite_article(article)
    rewrite_documents(HERE.parent / "feeds" / "golden")
    rewrite_mails(HERE / "mails")
