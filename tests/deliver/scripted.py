"""A mail server that answers as a script says: by the local part of each recipient."""

from __future__ import annotations

import contextlib
import email
import socket
import threading
from collections import Counter

#: What a recipient's server says to RCPT, and to the final dot, where it is not 250.
RCPT = {
    "grey": "450 4.2.0 greylisted, come back",
    "full": "452 4.2.2 mailbox full",
    "full5": "552 5.2.2 mailbox is full",
    "nouser": "550 5.1.1 user unknown",
    "access": "550 Mailbox unavailable or access denied",
    "qqdomain": "550 Domain frequency limited",
    "qqsender": "550 Sender frequency limited",
    "qqconnection": "550 Connection frequency limited",
    "drc": "450 RP:DRC 163 smtp13",
    "many": "250-one\r\n250-two\r\n250 three",
    "bare": "250",
    "nospace": "250OK",
    "tabbed": "250\tOK",
    "longline": "250 " + "x" * 20_000,
    "endless": "250-more\r\n" * 20_000,
    "garbage": "\x00\x01\x02 what",
    "html": "<html><body>502 Bad Gateway</body></html>",
    "closing": "421 4.3.2 shutting down",
}
DOT = {
    "spam": "554 5.7.1 looks like spam",
    "netease": "554 DT:SUM 163 smtp",
    "toolarge": "552 5.3.4 message too large",
    "spm": "451 DT:SPM 163 smtp",
    "sfq": "451 MI:SFQ 163 smtp",
    "later": "451 4.3.0 try again",
    "dotbare": "250",
    "dotnospace": "250queued",
    "badcode": "999 what",
    "dotgarbage": "\xff\xfe\xfd",
    "dotclosing": "421 4.3.2 shutting down",
    "dotmany": "250-queued\r\n250 as 1",
}


class Scripted:
    """Listens on loopback; ``mails`` are the messages it took, by Message-ID.

    Args:
        pipelining: whether it offers it.
        keeps: whether it keeps to it; else it forgets what came before its answer.
        greeting: its first line.
        answers: what it says to a command instead, by its first word: one answer for each time.
    """

    def __init__(self, *, pipelining=True, keeps=True, greeting="220 scripted", answers=None):
        self.pipelining = pipelining
        self.keeps = keeps
        self.greeting = greeting
        self.answers = {word: list(said) for word, said in (answers or {}).items()}
        self.mails = Counter()
        self.messages = []
        self.senders = []
        self.recipients = []
        self.connections = 0
        self.commands = []
        self.on_dot = None
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"smtp://127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self):
        self._server.close()

    def _listen(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with contextlib.suppress(OSError), connection:
            _Talk(self, connection).run()


class _Talk:
    def __init__(self, server, connection):
        self.server = server
        self.connection = connection
        self.unread = b""
        self.local = ""
        self.sender = ""

    def run(self):
        self.say(self.server.greeting)
        while (line := self.line()) is not None:
            word = line.split(b" ")[0].decode("latin-1").upper()
            self.server.commands.append(line.decode("latin-1"))
            said = self.server.answers.get(word)
            if said:
                answer = said.pop(0)
                if answer is None:
                    return
                self.say(answer)
                continue
            if not getattr(self, f"do_{word.lower()}", self.unknown)(line):
                return

    def line(self):
        while b"\r\n" not in self.unread:
            more = self.connection.recv(65536)
            if not more:
                return None
            self.unread += more
        line, _, self.unread = self.unread.partition(b"\r\n")
        return line

    def say(self, text):
        if not self.server.keeps:
            self.unread = b""
        self.connection.sendall(text.encode("latin-1") + b"\r\n")
        return not text.startswith("421")

    def unknown(self, _line):
        return self.say("502 what?")

    def do_ehlo(self, _line):
        offers = ["scripted", "SIZE 1000000", *(["PIPELINING"] if self.server.pipelining else [])]
        return self.say("\r\n".join([*(f"250-{one}" for one in offers), "250 HELP"]))

    def do_rset(self, _line):
        self.sender = ""
        return self.say("250 flushed")

    def do_quit(self, _line):
        self.say("221 bye")
        return False

    def do_mail(self, line):
        if self.sender:
            return self.say("503 nested MAIL command")
        self.sender = line.decode("latin-1").partition("<")[2].partition(">")[0]
        return self.say("250 sender ok")

    def do_rcpt(self, line):
        if not self.sender:
            return self.say("503 MAIL first")
        address = line.decode("latin-1").partition("<")[2].partition(">")[0]
        local = address.partition("@")[0]
        if local == "closercpt":
            return False
        if local == "hang":
            self.connection.recv(1)  # until the client has had enough
            return False
        answer = RCPT.get(local, "250 ok")
        self.local = local if answer.startswith("250") else ""
        if self.local:
            self.server.recipients.append(address)
            self.server.senders.append(self.sender)
        if local == "twice":
            answer += "\r\n250 ok"
        return self.say(answer)

    def do_data(self, _line):
        if not self.local:
            return self.say("503 no valid recipients")
        if self.local == "closedata":
            return False
        if self.local == "nodata":
            self.sender = ""
            return self.say("451 4.3.0 not now")
        self.say("354 go on")
        while b"\r\n.\r\n" not in self.unread:
            more = self.connection.recv(65536)
            if not more:
                return False
            self.unread += more
        content, _, self.unread = self.unread.partition(b"\r\n.\r\n")
        return self.dot(content.replace(b"\r\n..", b"\r\n.") + b"\r\n")

    def dot(self, content):
        local, self.sender, self.local = self.local, "", ""
        message = email.message_from_bytes(content)
        if self.server.on_dot:
            self.server.on_dot(message)
        answer = DOT.get(local, "250 queued")
        if answer.startswith(("250", "\xff", "999", "421")) and local != "closedot":
            self.server.messages.append(content)
            self.server.mails[message["Message-ID"]] += 1
        if local in ("ambiguous", "closedot"):
            return False
        if local == "slow":
            threading.Event().wait(0.5)
        if local == "dottwice":
            answer += "\r\n250 queued"
        return self.say(answer)
