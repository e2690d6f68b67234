"""Runs of the export, and what a web server finds afterwards."""

from __future__ import annotations

from pathlib import Path

from aggregator.wiring import Parts
from quxun import export


def write(parts: Parts, root: Path, **more: object) -> export.Report:
    """One run of the command's work."""
    folder = export.Folder(root)
    with folder.locked():
        try:
            return export.Publisher(parts, folder).finish(**more)
        finally:
            folder.close()


def picture(root: Path) -> dict[str, tuple[bytes, int]]:
    """Everything that a web server would find below a folder, with its time."""
    return {
        str(one.relative_to(root)): (one.read_bytes(), int(one.stat().st_mtime))
        for one in sorted((root / "feeds").rglob("*"))
        if one.is_file()
    }
