"""The local mailbox, spoken to as any mail server is."""

from __future__ import annotations

import email
import email.policy
import smtplib
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage

import pytest

from aggregator.settings import inherited_environment


def _start(home, url, wait_for):
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "quxun.mailbox"],
        env={**inherited_environment(), "QUXUN_HOME": str(home), "QUXUN_SMTP_URL": url},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    port = int(url.rpartition(":")[2])

    def answers():
        assert process.poll() is None, process.stderr.read().decode()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_for(answers, seconds=60, what="the mailbox")
    except BaseException:
        process.kill()
        process.communicate()
        raise
    return process, port


@pytest.fixture
def box(tmp_path, wait_for):
    """A mailbox that runs: its folder and its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"smtp://127.0.0.1:{probe.getsockname()[1]}"
    process, port = _start(tmp_path, url, wait_for)
    yield tmp_path / "mailbox", port
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 0


def _mail(number=0):
    mail = EmailMessage(policy=email.policy.SMTP)
    mail["Subject"] = f"区讯 {number}"
    mail["To"] = "读者 <reader@example.org>"
    mail.set_content(".\n..\nFrom the start, 汉字\n", cte="8bit")
    return mail


def _send(port, *mails):
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
        for mail in mails:
            client.sendmail("digest@example.org", ["reader@example.org"], bytes(mail))


def test_mail_is_kept_to_the_byte_under_the_name_of_its_reader(box):
    """Dots at the start of lines are what a hand-written server loses; who it goes back to, by
    the envelope, is written down before it, so that a bounce can be written by hand.
    """
    folder, port = box
    _send(port, _mail())

    [path] = folder.iterdir()
    assert path.name.endswith("-reader@example.org.eml")
    assert path.read_bytes() == b"Return-Path: <digest@example.org>\r\n" + bytes(_mail())


def test_mails_that_come_at_once_are_all_kept(box):
    """Two in one second must not share a name."""
    folder, port = box
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: _send(port, *map(_mail, range(n, n + 10))), range(0, 80, 10)))

    kept = [email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            for path in folder.iterdir()]  # fmt: skip
    assert {mail["Subject"] for mail in kept} == {f"区讯 {n}" for n in range(80)}
    assert len(kept) == 80


def test_address_names_no_path(box):
    """A recipient is a stranger's word; the folder is ours."""
    folder, port = box
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
        client.sendmail("a@example.org", ['"../../../x"@example.org'], b"Subject: x\r\n\r\nx\r\n")

    [path] = folder.iterdir()
    assert "/" not in path.name
    assert [one.name for one in folder.parent.iterdir()] == ["mailbox"]


def test_mail_that_is_too_large_is_refused_and_leaves_nothing(box):
    """Cut mail would be worse than none."""
    folder, port = box
    with (
        smtplib.SMTP("127.0.0.1", port, timeout=60) as client,
        pytest.raises(smtplib.SMTPResponseException) as refused,
    ):
        client.sendmail("a@example.org", ["b@example.org"], b"x" * 5_100_000 + b"\r\n")

    assert refused.value.smtp_code == 552
    assert not list(folder.iterdir())


def test_mail_that_cannot_be_kept_may_be_sent_again(box):
    """A full disk is an answer of 4xx: the sender keeps the mail and tries again."""
    folder, port = box
    folder.rmdir()
    with pytest.raises(smtplib.SMTPDataError) as refused:
        _send(port, _mail())
    assert refused.value.smtp_code == 452

    folder.mkdir()
    _send(port, _mail())
    assert len(list(folder.iterdir())) == 1


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("smtp://mail.example:25", "must be smtp://127.0.0.1:PORT"),
        ("smtp://127.0.0.1", "must be smtp://127.0.0.1:PORT"),
        ("smtp://127.0.0.1:{taken}", "cannot be used for mail (Address already in use)"),
    ],
)
def test_place_that_cannot_serve_is_told_in_one_line(tmp_path, url, words):
    """Mail of ours must never wait for strangers from outside."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = subprocess.run(
            [sys.executable, "-P", "-m", "quxun", "mailbox"],
            env={
                **inherited_environment(), "QUXUN_HOME": str(tmp_path),
                "QUXUN_SMTP_URL": url.format(taken=taken.getsockname()[1]),
            },
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip

    assert done.returncode == 1
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
