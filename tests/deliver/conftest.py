"""Lets the tests of this room share ``scripted`` and ``desks``."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
