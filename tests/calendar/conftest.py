"""Lets the tests of this room share ``calendar_rules`` and ``calendar_pages``."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
