"""Attachments: small files of the right kind, the same bytes every time."""

from __future__ import annotations

import io
import zipfile

_MIMES = {
    ".pdf": "application/pdf",
    ".doc": "application/msword",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xls": "application/vnd.ms-excel",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".wps": "application/octet-stream",
    ".ofd": "application/octet-stream",
    ".zip": "application/zip",
}
_ZIPPED = frozenset({".docx", ".xlsx", ".ofd", ".zip"})
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def file_bytes(suffix: str, number: int) -> bytes:
    """The bytes of an attachment."""
    if suffix == ".pdf":
        return (
            b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
            b"2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n% demo " + str(number).encode()
            + b"\ntrailer<</Root 1 0 R>>\n%%EOF\n"
        )  # fmt: skip
    if suffix in _ZIPPED:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            info = zipfile.ZipInfo("demo.txt", date_time=(2026, 1, 1, 0, 0, 0))
            archive.writestr(info, f"演示附件 {number}\n")
        return out.getvalue()
    return _OLE + str(number).encode().ljust(504, b"\0")


def file_mime(suffix: str) -> str:
    """The media type of an attachment."""
    return _MIMES.get(suffix, "application/octet-stream")
