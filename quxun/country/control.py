"""The control interface: what tests in other processes ask of a served country.

On the first portal's address, below ``/__country__/``: GET ``truth``, ``columns``,
``divisions``, ``stats``; POST ``publish``, ``edit``, ``withdraw``, ``redesign``, ``change``,
``fault``, ``clear`` and ``warm`` with a JSON object. Times come from ``now`` in the object
(ISO 8601), else from the clock.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from quxun.country.faults import fault_from
from quxun.country.model import Column, Edit, Nature, Notice

if TYPE_CHECKING:
    from quxun.country.server import Served

Values = dict[str, object]


def utc_now() -> datetime:
    """The wall clock; the only place of this package that reads it."""
    return datetime.now(UTC)  # noqa: TID251 - a portal of its own process has its own clock


def make_control(
    served: Served, clock: Callable[[], datetime] = utc_now
) -> Callable[[str, str, bytes], tuple[int, bytes, str]]:
    """A function that answers control requests: method, target, body → status, body, type."""
    return _Control(served, clock).answer


class _Control:
    def __init__(self, served: Served, clock: Callable[[], datetime]) -> None:
        self._served = served
        self._country = served.country
        self._clock = clock

    def answer(self, method: str, target: str, body: bytes) -> tuple[int, bytes, str]:
        """Do what is asked; a mistake in the request is 400 with one line that says which."""
        name = target.split("?", 1)[0].removeprefix("/__country__/")
        known = {
            "GET": ("truth", "columns", "divisions", "stats"),
            "POST": (
                "publish", "edit", "withdraw", "redesign", "change", "fault", "clear", "warm",
            ),
        }  # fmt: skip
        if name not in known.get(method, ()):
            return _json(404, {"error": f"{method} {name}: known are {known}"})
        try:
            values = json.loads(body or b"{}")
            if not isinstance(values, dict):
                return _json(400, {"error": "the body must be a JSON object"})
            if name == "truth":
                return 200, self._served.truth().to_json().encode(), "application/json"
            done: object = getattr(self, f"_{name}")(values)
        except (ValueError, KeyError, LookupError) as mistake:
            return _json(400, {"error": f"{name}: {type(mistake).__name__} {mistake}"})
        return _json(200, done)

    def _now(self, values: Values) -> datetime:
        given = values.get("now")
        return datetime.fromisoformat(str(given)) if given else self._clock()

    def _column(self, values: Values) -> Column | None:
        url = values.get("column")
        if not url:
            return None
        for column in self._country.columns:
            if self._served.url(column) == url:
                return column
        message = f"no column has the address {url}"
        raise LookupError(message)

    def _notice(self, values: Values) -> Notice:
        """By ``notice`` (id) or ``url`` (of an article); else the newest that still stands."""
        if values.get("notice"):
            return self._country.notice_by_id(int(str(values["notice"])))
        if values.get("url"):
            return self._served.truth().by_url()[str(values["url"])].notice
        for notice in reversed(list(self._country.notices())):
            if any(not gone for _, _, gone in self._country.sightings(notice.id)):
                return notice
        message = "no notice stands"
        raise LookupError(message)

    def _told(self, notice: Notice) -> Values:
        places = [
            {
                "column": self._served.url(column),
                "url": self._served.article_url(standing),
                "withdrawn": gone,
            }
            for column, standing, gone in self._country.sightings(notice.id)
        ]
        return {
            "id": notice.id,
            "title": notice.title,
            "doc_number": notice.doc_number,
            "ours": notice.ours,
            "kind": notice.kind.value,
            "region_code": notice.region_code,
            "revision": notice.revision,
            "places": places,
        }

    def _columns(self, values: Values) -> object:
        del values
        return self._served.columns()

    def _divisions(self, values: Values) -> object:
        del values
        names = ("code", "name", "parent", "level")
        return [dict(zip(names, row, strict=True)) for row in self._country.divisions()]

    def _stats(self, values: Values) -> object:
        del values
        return {str(status): count for status, count in sorted(self._served.requests.items())}

    def _publish(self, values: Values) -> object:
        nature = values.get("nature")
        notices = self._country.publish(
            self._now(values),
            int(str(values.get("n", 1))),
            column=self._column(values),
            nature=Nature(str(nature)) if nature else None,
        )
        return [self._told(notice) for notice in notices]

    def _edit(self, values: Values) -> object:
        how = values.get("how")
        edited = self._country.edit(
            self._notice(values), self._now(values), Edit(str(how)) if how else None
        )
        return self._told(edited)

    def _withdraw(self, values: Values) -> object:
        notice = self._notice(values)
        self._country.withdraw(notice, self._now(values), column=self._column(values))
        return self._told(notice)

    def _redesign(self, values: Values) -> object:
        portal = self._country.portal(str(values["host"]))
        family = values.get("family")
        fresh = self._country.redesign(
            portal,
            self._now(values),
            keep_urls=bool(values.get("keep_urls")),
            renumber=bool(values.get("renumber")),
            forward=bool(values.get("forward")),
            undated=bool(values.get("undated")),
            family=str(family) if family else None,
        )
        return [self._served.url(column) for column in fresh.columns]

    def _change(self, values: Values) -> object:
        changed = self._country.change(float(str(values.get("fraction", 0.05))), self._now(values))
        if values.get("warm"):
            self._served.warm()
        return [self._served.url(column) for column in changed]

    def _fault(self, values: Values) -> object:
        fault = fault_from(values)
        self._country.portal(fault.host)
        self._served.faults.set(fault)
        return {"set": fault.kind.value}

    def _clear(self, values: Values) -> object:
        host = values.get("host")
        self._served.faults.clear(str(host) if host else None)
        return {"clear": True}

    def _warm(self, values: Values) -> object:
        del values
        return {"rendered": self._served.warm()}


def _json(status: int, value: object) -> tuple[int, bytes, str]:
    return status, json.dumps(value, ensure_ascii=False).encode(), "application/json"
