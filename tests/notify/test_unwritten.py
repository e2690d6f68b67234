"""What left and cannot be written down is kept in memory, within bounds."""

from __future__ import annotations

from offices import HOUR, MORNING, READER
from test_restore_drill import LATE, OTHER

from aggregator import store
from aggregator.deliver import SentFiles, sent


def test_of_what_cannot_be_written_down_the_last_mails_are_kept(office, tmp_path, monkeypatch):
    """A disk that stays full for a week must not fill the memory as well."""
    monkeypatch.setattr(sent, "MOST_UNWRITTEN", 2)
    (tmp_path / "sent").write_text("in the way", encoding="utf-8")
    journal = SentFiles(tmp_path / "sent", store.Sent(office.engine), days=35)
    for email in (READER, OTHER, LATE):
        office.sign_up(email=email)
    mails = office.outbox.claim_mails(MORNING, limit=9, lease=HOUR)
    for one in mails:
        journal.note([one], MORNING)
    (tmp_path / "sent").unlink()
    journal.close()

    [kept] = (tmp_path / "sent").iterdir()
    written = kept.read_text(encoding="utf-8")
    assert [one.message_id in written for one in mails] == [False, True, True]
