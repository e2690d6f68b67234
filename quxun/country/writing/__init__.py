"""Writing: from the stub of a notice to its words and the facts they state."""

from __future__ import annotations

from quxun.country.writing.heads import Head, head_of
from quxun.country.writing.write import write

__all__ = ["Head", "head_of", "write"]
