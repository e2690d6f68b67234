"""Mail addresses as they are compared and counted; ``notify`` says what we take for one."""

from __future__ import annotations


def email_key(email: str) -> str:
    """An address as compared: lower case."""
    return email.strip().lower()


def folded(email: str) -> str:
    """An address as counted against floods: without plus tags and dots in its local part."""
    local, _, domain = email_key(email).rpartition("@")
    return f"{local.partition('+')[0].replace('.', '')}@{domain}"
