"""QUXUN_* from the environment as one frozen ``Settings``; nothing else reads the environment."""

from __future__ import annotations

import ipaddress
import os
import re
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

import platformdirs
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from aggregator.errors import SettingsError

#: A site as Content-Security-Policy names it: scheme and host, ``*.`` before it, a port behind.
_ORIGIN = re.compile(r"https?://(?:\*\.)?[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)*(?::\d{1,5})?")

_ADDRESS = re.compile(r"[^\s@,;<>\"()]+@[^\s@,;<>\"()]+\.[^\s@,;<>\"().]+")
_DOMAIN = re.compile(
    r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)+"
)
_LISTEN = re.compile(r"(?:\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):\d{1,5}")
_IMAP = re.compile(r"imaps?://[^/@]+@[^/@]+")
#: Of what base64 and printable words are made; ``whsec_`` is followed by base64 alone.
_POST_SECRET = re.compile(
    r"whsec_(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?|(?!whsec_)[!-~]+"
)
_SHORTEST_SECRET = 24
_SELECTOR = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,61}[A-Za-z0-9])?")


#: A shorter operator's token could be guessed.
SHORTEST_TOKEN = 16


def default_home() -> Path:
    """Where an embedded service keeps its data when nothing is said."""
    if os.geteuid() == 0:
        return Path("/var/lib/quxun")
    return Path(platformdirs.user_data_dir("quxun"))


def runtime_folder() -> Path | None:
    """The session's own folder for sockets (XDG_RUNTIME_DIR), if there is a usable one."""
    word = os.environ.get("XDG_RUNTIME_DIR")  # noqa: TID251  # this module reads the environment
    return Path(word) if word and Path(word).is_dir() and os.access(word, os.W_OK) else None


def real_data_folder() -> Path | None:
    """Where the real pages lie that developers measure with (QUXUN_REAL_DATA), if it is said."""
    word = os.environ.get("QUXUN_REAL_DATA")  # noqa: TID251  # this module reads the environment
    return Path(word) if word else None


def inherited_environment() -> dict[str, str]:
    """What children inherit: our environment without the settings, which they are given."""
    return {
        name: value
        for name, value in os.environ.items()  # noqa: TID251  # as above
        if not name.startswith("QUXUN_")
    }


class Settings(BaseSettings):
    """Everything that can be set from outside, with its default and its reason."""

    model_config = SettingsConfigDict(env_prefix="QUXUN_", frozen=True, extra="ignore")

    home: Path = Field(default_factory=default_home, description="data of the embedded service")
    host: str = Field("127.0.0.1", description="address the web server listens on")
    port: int = Field(8000, ge=1, le=65535, description="port the web server listens on")
    public_url: str = Field("", description="address under which readers reach us")
    database_url: SecretStr = Field(SecretStr(""), description="PostgreSQL; empty means embedded")
    broker_url: SecretStr = Field(
        SecretStr(""), description="Redis or Valkey; empty means embedded"
    )
    smtp_url: SecretStr = Field(
        SecretStr(""), description="smtp:// or smtps://; empty means mailbox"
    )
    mail_from: str = Field("Quxun 区讯 <digest@quxun.example>", description="From of our mails")
    contact: str = Field("operator@quxun.example", description="who answers for this service")
    canary: str = Field("", description="address whose digests are followed until they arrive")
    canary_frequency: Literal["immediate", "daily", "weekly"] = Field(
        "daily", description="how often the canary is written to"
    )
    canary_minutes: float = Field(
        15.0, gt=0, description="a canary's digest that takes longer is an alarm"
    )
    secret_key: SecretStr = Field(SecretStr(""), description="signs links; embedded makes its own")
    operator_token: SecretStr = Field(SecretStr(""), description="opens the operator's pages")
    allow_nets: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="networks exempt from the address guard, comma separated"
    )
    proxy_nets: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="proxies whose X-Forwarded-For is believed, comma separated"
    )
    embed_sites: Annotated[tuple[str, ...], NoDecode] = Field(
        ("*",), description="sites that may show our lists in a frame, comma separated"
    )
    channel_relays: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="other addresses of chat services, host=address, comma separated"
    )
    delay_seconds: float = Field(2.0, ge=0, description="wait between two requests to one host")
    floor_seconds: float = Field(1800.0, ge=1, description="shortest wait between two polls")
    ceiling_seconds: float = Field(86400.0, ge=1, description="longest wait between two polls")
    immediate_seconds: float = Field(
        300.0, ge=1, description="immediate mails are grouped this long"
    )
    user_agent: str = Field("", description="how we name ourselves to portals")
    smtp_per_second: float = Field(
        0.0, ge=0, description="mails a second that a process hands to the relay; 0: no bound"
    )
    smtp_connections: int = Field(
        8, ge=1, le=64, description="connections to the relay that a process keeps"
    )
    sent_days: int = Field(
        35, ge=0, le=400, description="days of the journal of sent mails, for restores; 0: none"
    )
    bounce_domain: str = Field("", description="where undeliverable mails come back to (VERP)")
    bounce_listen: str = Field("", description="where relays hand us what came back; empty: not")
    bounce_imap: SecretStr = Field(SecretStr(""), description="mailbox with what came back")
    post_secret: SecretStr = Field(SecretStr(""), description="signs what a mail provider tells")
    dkim_domain: str = Field("", description="domain our mails are signed for; empty: From's")
    dkim_selector: str = Field("quxun", description="name of the DKIM key in DNS")
    dkim_key_file: Path | None = Field(None, description="private DKIM key (PEM); none: unsigned")
    concurrency: int = Field(2, ge=1, le=64, description="Celery child processes")
    demo: bool = Field(False, description="the demonstration's country is running beside us")
    embedded: bool = Field(False, description="the mailbox is ours and its page may be shown")
    log_level: str = Field("INFO", description="least level that is logged")
    log_json: bool = Field(False, description="logs as JSON lines")

    @property
    def hub_url(self) -> str:
        """Where our WebSub hub is asked."""
        return f"{self.public_url}/hub"

    @property
    def relays(self) -> dict[str, str]:
        """The other address of each chat service that has one, by its host."""
        named = (one.partition("=") for one in self.channel_relays)
        return {host.lower(): address.rstrip("/") for host, _, address in named}

    def as_environment(self) -> dict[str, str]:
        """These settings as the variables from which a child process reads the very same."""
        return {
            f"QUXUN_{name.upper()}": _in_words(getattr(self, name))
            for name in type(self).model_fields
        }

    @field_validator("allow_nets", "proxy_nets", "embed_sites", "channel_relays", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return (
            tuple(p.strip() for p in value.split(",") if p.strip())
            if isinstance(value, str)
            else value
        )

    @field_validator("allow_nets", "proxy_nets")
    @classmethod
    def _check_nets(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for net in value:
            ipaddress.ip_network(net, strict=False)
        return value

    @field_validator("embed_sites")
    @classmethod
    def _check_sites(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            if one != "*" and not _ORIGIN.fullmatch(one):
                raise ValueError(f"{one!r} is no site; write https://www.example.org, or * for all")
        return value

    @field_validator("channel_relays")
    @classmethod
    def _check_relays(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            host, _, address = one.partition("=")
            parts = urlsplit(address)
            bare = parts.path in {"", "/"} and not parts.query and not parts.fragment
            if not host or parts.scheme not in {"http", "https"} or not parts.netloc or not bare:
                raise ValueError(
                    f"{one!r} is no relay; write api.telegram.org=https://relay.example.org"
                )
        return value

    @field_validator("dkim_key_file", mode="before")
    @classmethod
    def _no_file(cls, value: object) -> object:
        return value or None

    @field_validator("bounce_domain", "dkim_domain")
    @classmethod
    def _check_domain(cls, value: str) -> str:
        try:
            wire = value.encode("idna").decode("ascii").lower()
        except UnicodeError as error:
            raise ValueError("must be a domain such as bounces.example.org") from error
        if wire and not _DOMAIN.fullmatch(wire):
            raise ValueError("must be a domain such as bounces.example.org")
        return wire

    @field_validator("bounce_listen")
    @classmethod
    def _check_listen(cls, value: str) -> str:
        if value and not _LISTEN.fullmatch(value):
            raise ValueError("must look like 127.0.0.1:2424")
        return value

    @field_validator("bounce_imap")
    @classmethod
    def _check_imap(cls, value: SecretStr) -> SecretStr:
        url = value.get_secret_value()
        if url and not _IMAP.match(url):
            raise ValueError("must look like imaps://user:password@host/folder")
        return value

    @field_validator("post_secret")
    @classmethod
    def _check_post_secret(cls, value: SecretStr) -> SecretStr:
        word = value.get_secret_value()
        if word and (len(word) < _SHORTEST_SECRET or not _POST_SECRET.fullmatch(word)):
            raise ValueError(
                f"must have {_SHORTEST_SECRET} characters or more, or be whsec_ and base64 of a key"
            )
        return value

    @field_validator("dkim_selector")
    @classmethod
    def _check_selector(cls, value: str) -> str:
        if not _SELECTOR.fullmatch(value):
            raise ValueError("must be a name in DNS such as quxun or 2026.quxun")
        return value

    @field_validator("canary")
    @classmethod
    def _check_canary(cls, value: str) -> str:
        if value and not _ADDRESS.fullmatch(value):
            raise ValueError("must be one address such as canary@example.org, or empty")
        return value

    @field_validator("operator_token")
    @classmethod
    def _check_token(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < SHORTEST_TOKEN:
            raise ValueError(f"must have at least {SHORTEST_TOKEN} characters, or be empty")
        return value

    @field_validator("log_level")
    @classmethod
    def _check_level(cls, value: str) -> str:
        known = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
        if value.upper() not in known:
            raise ValueError(f"must be one of {', '.join(known)}")
        return value.upper()

    @field_validator("home")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("public_url")
    @classmethod
    def _check_public_url(cls, value: str) -> str:
        if value and (
            urlsplit(value).scheme not in {"http", "https"} or not urlsplit(value).netloc
        ):
            raise ValueError("must be an http or https address")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _fill(self) -> Self:
        if not self.public_url:
            object.__setattr__(self, "public_url", f"http://{self.host}:{self.port}")
        if not self.user_agent:
            agent = f"Quxun/0.1 (+{self.public_url}/about; {self.contact})"
            object.__setattr__(self, "user_agent", agent)
        return self


def _in_words(value: object) -> str:
    match value:
        case bool():
            return "1" if value else "0"
        case SecretStr():
            return value.get_secret_value()
        case tuple():
            return ",".join(value)
        case None:
            return ""
        case _:
            return str(value)


def load_settings(**overrides: object) -> Settings:
    """Read the settings from the environment; keyword arguments win.

    Raises:
        SettingsError: one line that names the variable, what it was and what was wrong.
    """
    try:
        return Settings(**overrides)  # type: ignore[arg-type]  # pydantic checks them
    except ValidationError as error:
        first = error.errors()[0]
        name = "QUXUN_" + "_".join(str(part) for part in first["loc"]).upper()
        field = Settings.model_fields.get(str(first["loc"][0])) if first["loc"] else None
        secret = field is None or field.annotation is SecretStr
        seen = "" if secret else f" (it is {first.get('input')!r})"
        raise SettingsError(f"{name} cannot be used: {first['msg']}{seen}") from error
