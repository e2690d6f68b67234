"""The listener as the service runs it: a process of its own."""

from __future__ import annotations

import os
import re
import signal
import smtplib
import socket
import subprocess
import sys

from returned_mail import DOMAIN, SECRET, address_of, report

PATIENCE = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_the_process_takes_a_report_and_ends_when_told(post, database_url, tmp_path):
    """What `quxun up` and the compose file start; nobody's address stands in its log."""
    mail_id = post.sent(post.reader())
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if "QUXUN" not in name} | {
        "QUXUN_HOME": str(tmp_path), "QUXUN_DATABASE_URL": database_url,
        "QUXUN_SECRET_KEY": SECRET, "QUXUN_BOUNCE_DOMAIN": DOMAIN,
        "QUXUN_BOUNCE_LISTEN": f"127.0.0.1:{port}",
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "quxun", "bounces"],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stderr.readline()
        assert "taking bounces" in line, line
        with smtplib.LMTP("127.0.0.1", port, timeout=PATIENCE) as client:
            assert client.sendmail("", [address_of(mail_id)], report("x@y.example")) == {}
            assert client.sendmail("", ["nobody@y.example"], report("nobody@y.example")) == {}
        process.send_signal(signal.SIGTERM)
        log = line + process.communicate(timeout=PATIENCE)[1]
        assert process.returncode == 0
    finally:
        process.kill()
        process.wait()

    assert post.held_back() == {"reader@inbox.example": "hard"}
    assert post.returns.counted() == {"foreign": 1, "hard": 1}
    assert re.search(r"effect=suppressed", log)
    assert "@" not in log
