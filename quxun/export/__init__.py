"""Feeds as files: the same documents as our web server's, for nginx or an object store."""

from quxun.export.folder import Folder
from quxun.export.publisher import Publisher, Report, follow

__all__ = ["Folder", "Publisher", "Report", "follow"]
