"""What happens to announcements: they come, late too, are edited, withdrawn, merged and let go."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from planning_model import Change, Notice, day_of
from planning_world import World, picks, regions
from sqlalchemy import Connection, text

from aggregator import store
from aggregator.filters import search_text
from aggregator.model import AnnouncementId, Deadline, Draft, Facts, Kind, Region
from aggregator.store import publish, rows
from aggregator.store.changes import changes_of
from aggregator.store.members import merge_into

#: Days from now on which something is due, if so.
deadlines = st.none() | st.integers(0, 12)
_NOVELTIES = ["news"] * 9 + ["late-news", "late", "first-poll", "held"]


class Notices(World):
    """Rules for announcements."""

    @rule(
        brought=st.lists(
            st.tuples(regions, st.booleans(), st.sampled_from(_NOVELTIES), deadlines),
            min_size=1, max_size=4,
        )
    )  # fmt: skip
    def announce_some(self, brought: list[tuple[str, bool, str, int | None]]) -> None:
        for region, hydrogen, novelty, due_in in brought:
            self.announce(region=region, hydrogen=hydrogen, novelty=novelty, due_in=due_in)

    def announce(
        self, *, region: str, hydrogen: bool, novelty: str = "news", due_in: int | None = None
    ) -> None:
        one = Notice(
            tick=0, at=self.now, region=region, hydrogen=hydrogen, novelty=novelty,
            deadline=None if due_in is None else day_of(self.now) + timedelta(days=due_in),
        )  # fmt: skip
        with self.engine.begin() as connection:
            number = _insert(connection, one, self.source.id)
            publish.publish(connection, [number], self.now)
        self._announced(number, one)

    @precondition(lambda self: self.slow is None)
    @rule(region=regions, hydrogen=st.booleans())
    def begin_to_announce(self, *, region: str, hydrogen: bool) -> None:
        one = Notice(tick=0, at=self.now, region=region, hydrogen=hydrogen)
        connection = self.engine.connect()
        self.slow = (connection, _insert(connection, one, self.source.id), one)

    @precondition(lambda self: self.slow is not None)
    @rule()
    def announce_at_last(self) -> None:
        connection, number, one = self.slow
        publish.publish(connection, [number], self.now)
        connection.commit()
        connection.close()
        self.slow = None
        self._announced(number, one)

    @precondition(lambda self: self.notices)
    @rule(
        pick=picks, region=st.none() | regions, hydrogen=st.none() | st.booleans(),
        due_in=deadlines, quiet=st.sampled_from([False, False, False, True]),
    )  # fmt: skip
    def edit(
        self,
        *,
        pick: int,
        region: str | None,
        hydrogen: bool | None,
        due_in: int | None,
        quiet: bool,
    ) -> None:
        """The portal changes its page, or we read it better (``quiet``), as ``clusters`` does."""
        number = self.one_of_them(pick)
        one = self.notices[number]
        if one.merged or one.withdrawn:
            return  # a page that is read is back
        before = _draft(number, one)
        one.region = one.region if region is None else region
        one.hydrogen = one.hydrogen if hydrogen is None else hydrogen
        one.deadline = None if due_in is None else day_of(self.now) + timedelta(days=due_in)
        self._revise(number, changes_of(before, _draft(number, one)), quiet=quiet)

    @precondition(lambda self: self.notices)
    @rule(pick=picks, due_in=st.integers(1, 12))
    def move_the_deadline(self, pick: int, due_in: int) -> None:
        self.edit(pick=pick, region=None, hydrogen=None, due_in=due_in, quiet=False)

    @precondition(lambda self: self.notices)
    @rule(pick=picks)
    def withdraw_or_restore(self, pick: int) -> None:
        number = self.one_of_them(pick)
        one = self.notices[number]
        if one.merged:
            return
        one.withdrawn = not one.withdrawn
        day = day_of(self.now).isoformat()
        self._revise(number, {"withdrawn": ("", day) if one.withdrawn else (day, "")})

    @precondition(lambda self: len(self.notices) > 1)
    @rule(pick=picks, other=picks)
    def merge(self, pick: int, other: int) -> None:
        heir, lost = sorted((self.one_of_them(pick), self.one_of_them(other)))
        if heir == lost or self.notices[heir].merged or self.notices[lost].merged:
            return
        with self.engine.begin() as connection:
            publish.lock(connection, [heir, lost])
            merge_into(
                connection,
                AnnouncementId(lost),
                store.Announcements(self.engine).get(heir),
                self.now,
            )
            publish.publish(connection, [heir, lost], self.now)
        self.notices[lost].merged = True
        self.merged.append({heir, lost})
        for person in self.people.values():
            for (number, reason), at in list(person.told.items()):
                if number == lost and not reason.startswith("change:"):
                    person.told.setdefault((heir, reason), at)
            if lost in person.seen:
                person.seen.setdefault(heir, self.notices[heir].revision)

    @rule()
    def let_go_what_was_held(self) -> None:
        store.Sources(self.engine).release_held(self.source.id)
        self.tick += 1
        for number, one in self.notices.items():
            if one.novelty == "held":
                one.novelty, one.tick = "news", self.tick
                # The database dates what it lets go by its own clock.
                one.at = store.Announcements(self.engine).get(number).announced_at

    # --- Within ---

    def _revise(
        self, number: int, changes: dict[str, tuple[str, str]], *, quiet: bool = False
    ) -> None:
        one = self.notices[number]
        if changes:
            one.changes.append(Change(one.revision + 1, self.now, changes, quiet))
        with self.engine.begin() as connection:
            publish.lock(connection, [number])
            connection.execute(
                text(
                    "update announcements set title = :title, search = :search, draft ="
                    " cast(:draft as jsonb), regions = :regions, region_roll = :regions,"
                    " deadline_on = :deadline, changed_at = :now, revision = :revision,"
                    " withdrawn_at = case when :gone then cast(:now as timestamptz) end"
                    " where id = :id"
                ),
                {
                    **_columns(number, one), "id": number, "now": self.now, "gone": one.withdrawn,
                    "revision": one.revision,
                },
            )  # fmt: skip
            if changes:
                connection.execute(
                    text(
                        "insert into revisions (announcement_id, revision, at, changes, why)"
                        " values (:id, :revision, :now, cast(:changes as jsonb), :why)"
                    ),
                    {
                        "id": number, "revision": one.revision, "now": self.now,
                        "changes": rows.to_json(changes), "why": "reread" if quiet else "edited",
                    },
                )  # fmt: skip
            publish.publish(connection, [number], self.now)

    def _announced(self, number: int, one: Notice) -> None:
        self.tick += 1
        self.notices[number] = replace(one, tick=self.tick)


def _insert(connection: Connection, one: Notice, source: int) -> int:
    number = connection.execute(
        text(
            "insert into announcements (uuid, source_id, source_name, title, title_key, url,"
            " posted_at, sort_at, kind, categories, regions, region_roll, authority, excluded,"
            " novelty, substance_hash, draft, search, change, first_seen_at, announced_at,"
            " changed_at) values (:uuid, :source, '甲区', :title, '', 'http://a.example/x', :at,"
            " :at, 'policy', '{}', :regions, :regions, 'official', false, :novelty, '',"
            " cast(:draft as jsonb), :search, 0, :at, :at, :at) returning id"
        ),
        {
            **_columns(0, one), "uuid": uuid4(), "at": one.at, "novelty": one.novelty,
            "source": source,
        },
    ).scalar_one()  # fmt: skip
    connection.execute(
        text(
            "update announcements set title = :title, search = :search, draft ="
            " cast(:draft as jsonb), deadline_on = :deadline where id = :id"
        ),
        {**_columns(number, one), "id": number},
    )
    return number


def _draft(number: int, one: Notice) -> Draft:
    due = () if one.deadline is None else (Deadline(value=one.deadline, sentence="截止"),)
    return Draft(
        title=f"第{number:05d}号{'氢能' if one.hydrogen else '储能'}通知", url="http://a.example/x",
        posted_at=one.at, kind=Kind.POLICY, facts=Facts(deadlines=due),
        regions=(Region(code=one.region, name="甲区", path=("甲区",)),),
    )  # fmt: skip


def _columns(number: int, one: Notice) -> dict[str, object]:
    draft = _draft(number, one)
    return {
        "title": draft.title, "search": search_text(draft), "draft": rows.to_json(draft),
        "regions": [one.region], "deadline": one.deadline,
    }  # fmt: skip
