"""Keys that sign the links of mails: list, rotate, revoke."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Annotated

import typer

from aggregator.errors import NotFoundError, QuxunError, UsageError
from quxun.cli.common import AsJson, deed_of, opened, remark, say, tell

app = typer.Typer(
    help="Keys that sign the links of mails: list, rotate, revoke.", no_args_is_help=True
)

#: The file in QUXUN_HOME that holds the embedded service's keys.
FILE = "secret-key"


@app.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """List the keys by their ids: the first signs, the others only verify. No secret is shown."""
    ids = _ids(_secret())
    if as_json:
        say([{"id": one, "signs": place == 0} for place, one in enumerate(ids)])
        return
    for place, one in enumerate(ids):
        tell(f"{one} {'signs new links' if place == 0 else 'verifies links that are out'}")


@app.command()
def rotate() -> None:
    """Put a new key before the others; links that are out go on."""
    # A link must not reach a web process that does not know its key yet.
    secret = f"{secrets.token_urlsafe(32)} {_secret()}"
    order = "the web first, then the workers"
    _noted("key made", _ids(secret)[0], lambda: _write(secret, order=order))


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(metavar="ID", help='the key\'s id, as "quxun keys list"')],
) -> None:
    """Forget a key: every link that it signed is void at once, links to stop as well."""
    words = _secret().split()
    ids = _ids(" ".join(words))
    if key not in ids:
        raise NotFoundError(f'no key has the id {key[:20]!r}; "quxun keys list" shows them')
    if ids[0] == key:
        raise UsageError('this key signs new links; say "quxun keys rotate" first')
    left = " ".join(word for word, one in zip(words, ids, strict=True) if one != key)
    # Nobody may sign with a key that the web has forgotten.
    order = "the workers first, the web last"
    _noted("key revoked", key, lambda: _write(left, order=order))


def _secret() -> str:
    """What is set, else the embedded service's own.

    Raises:
        QuxunError: when there is neither.
    """
    from aggregator.settings import load_settings

    settings = load_settings()
    given = settings.secret_key.get_secret_value()
    if given:
        return given
    path = settings.home / FILE
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise QuxunError(
            f"there are no keys: QUXUN_SECRET_KEY is empty, and {path} cannot be read"
            f" ({error.strerror})"
        ) from error


def _ids(secret: str) -> list[str]:
    from aggregator.notify.tokens import key_ids

    return key_ids(secret)


def _noted(what: str, key: str, do: Callable[[], None]) -> None:
    """Do something to the keys and write it into the audit, by the key's id: both or neither.

    A key that leaked is revoked all the same where no database answers.
    """
    from aggregator.store import audit

    done = False
    try:
        with opened() as parts, parts.engine.begin() as connection:
            it = deed_of(parts, what, f"key {key}")
            audit.note(connection, who=it.who, what=it.what, about=it.about, now=it.at)
            do()
            done = True
    except QuxunError as error:
        if done or not error.__cause__ or not _is_database(error.__cause__):
            raise
        do()
        remark(f"not written into the audit: {error}")


def _is_database(cause: BaseException) -> bool:
    from sqlalchemy.exc import SQLAlchemyError

    from aggregator.errors import OutageError

    return isinstance(cause, SQLAlchemyError | OutageError)


def _write(secret: str, *, order: str) -> None:
    """Keep the keys of the embedded service; say the value where it is set from outside, and in
    which order its processes are to learn of it.
    """
    import os

    from aggregator.settings import load_settings

    settings = load_settings()
    if settings.secret_key.get_secret_value():
        tell(f"QUXUN_SECRET_KEY={secret}")
        typer.echo(f"set this for every process and start them again, {order}", err=True)
        return
    path = settings.home / FILE
    fresh = path.with_name(f"{FILE}.new")
    try:
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(f"{secret}\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        raise QuxunError(f"{path} cannot be written: {error.strerror}") from error
    tell(f"{path} is written; start the service again for it to count")
