"""The whole service on one machine: real PostgreSQL and Valkey from wheels, our own children."""

from quxun.embedded.momentary import Urls, servers, settings_of
from quxun.embedded.service import up

__all__ = ["Urls", "servers", "settings_of", "up"]
