"""When a country was made and when it published, so that it can be made again as it was."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path


class Journal:
    """A file of moments, one a line: the first made the country, each other one published.

    A country is the same for the same moments, so those of an earlier start bring back its
    notices under their addresses.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def moments(self) -> list[datetime]:
        """What is written; a line cut short or spoilt ends it, and is cut off."""
        try:
            lines = self._path.read_text(encoding="ascii", errors="replace").split("\n")[:-1]
        except FileNotFoundError:
            return []
        found: list[datetime] = []
        for line in lines:
            try:
                at = datetime.fromisoformat(line)
            except ValueError:
                break
            if at.tzinfo is None:
                break
            found.append(at)
        part = self._path.with_name(self._path.name + ".part")
        part.write_text("".join(f"{at.isoformat()}\n" for at in found), encoding="ascii")
        part.replace(self._path)
        return found

    def note(self, at: datetime) -> None:
        """Write down a moment, before anybody can see what came of it."""
        with self._path.open("a", encoding="ascii") as file:
            file.write(f"{at.isoformat()}\n")
