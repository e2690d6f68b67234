"""Mails as they were approved, byte for byte; ``make golden`` writes them anew."""

from pathlib import Path

import pytest
from mail_samples import golden_mails

FOLDER = Path(__file__).parents[1] / "golden" / "mails"


@pytest.fixture(scope="module")
def mails():
    return golden_mails()


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.iterdir()))
def test_mails_say_what_was_approved(mails, name):
    """A word that changes in a mail is seen by who reviews the change."""
    assert mails[name].decode() == (FOLDER / name).read_bytes().decode()


def test_every_sample_is_kept(mails):
    """A sample that nobody wrote down guards nothing."""
    assert set(mails) == {path.name for path in FOLDER.iterdir()}
