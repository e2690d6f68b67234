"""What left and cannot be written down is kept in memory, within bounds."""

from __future__ import annotations

import pytest
from offices import HOUR, MORNING, READER
from test_digest_faults import alarms
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


@pytest.mark.parametrize("device", ["/dev/null", "/dev/full"])
@pytest.mark.parametrize("ends", [False, True])
def test_a_disk_that_does_not_keep_what_is_written_is_an_alarm(office, tmp_path, device, ends):
    """One that takes every word and keeps none is as bad as one that is full: after a restore its
    mails would leave again. What it lost is written again as soon as it keeps something.
    """
    journal = SentFiles(tmp_path, store.Sent(office.engine), days=35)
    for email in (READER, OTHER):
        office.sign_up(email=email)
    one, other = office.outbox.claim_mails(MORNING, limit=9, lease=HOUR)
    name = f"{MORNING:%Y-%m-%d}-{sent.mark_of(store.Sent(office.engine).journal_key())}.log"
    (tmp_path / name).symlink_to(device)
    journal.note([one], MORNING)
    if ends:
        journal.close()
    else:
        journal.sync()
    assert alarms(office)["journal:here"].startswith("1 mails that left are not written down")

    (tmp_path / name).unlink()
    journal.note([other], MORNING)
    journal.sync()
    written = (tmp_path / name).read_text(encoding="utf-8")
    assert alarms(office) == {}
    assert one.message_id in written
    assert other.message_id in written
    journal.close()
