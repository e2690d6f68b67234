"""TLS to the relay: used where it is offered, with the certificate checked, before any password."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from desks import SENDER, Desk, row

from aggregator.deliver import SmtpMailer, wire

PEM = Path(__file__).resolve().parents[1] / "fetch" / "strong.pem"


class Inbox:
    def __init__(self):
        self.mails = []
        self.logins = []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        self.mails.append((session.ssl is not None, session.authenticated))
        return "250 queued"

    def log_in(self, server, session, envelope, mechanism, data):
        self.logins.append((mechanism, data.login, data.password))
        return AuthResult(success=data.password == b"pa:ss", handled=False)


@pytest.fixture
def relay(request):
    """A server with TLS from the start, or by STARTTLS; gives its inbox and address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)
    inbox = Inbox()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    way = {"ssl_context": context} if request.param == "smtps" else {"tls_context": context}
    logs_in = {"authenticator": inbox.log_in, "auth_require_tls": request.param != "smtps"}
    controller = Controller(inbox, hostname="127.0.0.1", port=port, **way, **logs_in)
    controller.start()
    yield inbox, f"{request.param}://user:pa%3Ass@127.0.0.1:{port}"
    controller.stop()


def deliver(url):
    mailer = SmtpMailer(url, mail_from=SENDER)
    desk = Desk(row(1), row(2))
    mailer.deliver(desk)
    mailer.close()
    return desk


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_certificate_that_nobody_vouches_for_gets_no_password_and_no_mail(scheme):
    """Whoever sits between reads nothing; the operator reads why nothing leaves."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)
    heard = []

    def serve(server):
        connection, _ = server.accept()
        with connection, contextlib.suppress(OSError):
            if scheme == "smtp":
                for answer in (b"220 hello", b"250-hello\r\n250 STARTTLS", b"220 go on"):
                    connection.sendall(answer + b"\r\n")
                    if answer != b"220 go on":
                        connection.recv(4096)
            with context.wrap_socket(connection, server_side=True) as wrapped:
                heard.append(wrapped.recv(4096))

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        desk = deliver(f"{scheme}://user:pa%3Ass@127.0.0.1:{server.getsockname()[1]}")
        thread.join()

    assert set(desk.states.values()) == {"deferred"}
    assert "certificate" in desk.told[1].answer
    assert not any(heard)


@pytest.mark.parametrize("relay", ["smtp", "smtps"], indirect=True)
def test_mails_go_encrypted_after_the_login(relay, monkeypatch):
    """STARTTLS where it is offered, or TLS from the start; then the password, then mails."""
    trusting = ssl.create_default_context(cafile=PEM)
    trusting.check_hostname = False  # the certificate is one of the portals'
    monkeypatch.setattr(wire, "_context", lambda: trusting)
    inbox, url = relay

    desk = deliver(url)

    assert set(desk.states.values()) == {"sent"}
    assert {password for _, _, password in inbox.logins} == {b"pa:ss"}
    assert all(authenticated for _, authenticated in inbox.mails)


@pytest.mark.parametrize("relay", ["smtp"], indirect=True)
def test_a_password_that_is_refused_is_said(relay, monkeypatch):
    """535 is the operator's to mend, and no reader's mail is lost for it."""
    trusting = ssl.create_default_context(cafile=PEM)
    trusting.check_hostname = False
    monkeypatch.setattr(wire, "_context", lambda: trusting)
    inbox, url = relay

    desk = deliver(url.replace("pa%3Ass", "wrong"))

    assert set(desk.states.values()) == {"deferred"}
    assert desk.told[1].answer.startswith("535")
    assert inbox.mails == []
