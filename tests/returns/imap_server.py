"""A small IMAP server on loopback: what ``imaplib`` needs to read a mailbox (RFC 3501, RFC 4315)."""

from __future__ import annotations

import re
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Mail:
    uid: int
    body: bytes
    flags: set[str] = field(default_factory=set)


@dataclass
class Server:
    """One mailbox of one user; ``refuse`` names commands that are answered NO."""

    mails: list[Mail] = field(default_factory=list)
    user: str = "us@er"
    password: str = "pass word/%"
    folder: str = "Bounces"
    wire_folder: str = "Bounces"
    uidplus: bool = True
    uid_behind: bool = False
    refuse: set[str] = field(default_factory=set)
    cut_after: int | None = None
    #: UIDs that FETCH leaves out though they are there, and whether clients must say who they are.
    withheld: set[int] = field(default_factory=set)
    wants_id: bool = False
    commands: list[str] = field(default_factory=list)
    port: int = 0

    def deliver(self, *bodies: bytes) -> None:
        for body in bodies:
            uid = max([one.uid for one in self.mails], default=6) + 1
            self.mails.append(Mail(uid=uid, body=body))

    def unread(self) -> int:
        return sum(r"\Seen" not in one.flags for one in self.mails)


class _Handler(socketserver.StreamRequestHandler):
    def setup(self) -> None:
        if self.server.context is not None:
            self.request = self.server.context.wrap_socket(self.request, server_side=True)
        super().setup()

    def handle(self) -> None:
        self.say("* OK ready")
        while line := self.rfile.readline():
            tag, _, rest = line.decode("utf-8").rstrip("\r\n").partition(" ")
            words = rest.split(" ")
            verb = words[1].upper() if words[0].upper() == "UID" else words[0].upper()
            it = self.server.box
            it.commands.append(verb)
            if it.cut_after is not None and len(it.commands) > it.cut_after:
                return
            if verb in it.refuse:
                self.say(f"{tag} NO not today")
                continue
            done = getattr(self, f"on_{verb.lower()}", self.unknown)(rest)
            self.say(f"{tag} {done}")
            if verb == "LOGOUT":
                return

    def say(self, line: str | bytes) -> None:
        self.wfile.write((line.encode() if isinstance(line, str) else line) + b"\r\n")

    def unknown(self, rest: str) -> str:
        return "BAD what"

    def on_capability(self, rest: str) -> str:
        more = (" UIDPLUS" if self.server.box.uidplus else "") + (
            " ID" if self.server.box.wants_id else ""
        )
        self.say("* CAPABILITY IMAP4rev1" + more)
        return "OK done"

    def on_id(self, rest: str) -> str:
        self.say('* ID ("name" "server")')
        return "OK done"

    def on_noop(self, rest: str) -> str:
        return "OK done"

    def on_logout(self, rest: str) -> str:
        self.say("* BYE")
        return "OK done"

    def on_login(self, rest: str) -> str:
        it = self.server.box
        user, password = re.findall(r'"((?:[^"\\]|\\.)*)"|(\S+)', rest.partition(" ")[2])
        given = tuple("".join(one).replace("\\", "") for one in (user, password))
        return (
            "OK in" if given == (it.user, it.password) else f"NO {given[1]} is wrong for {given[0]}"
        )

    def on_select(self, rest: str) -> str:
        it = self.server.box
        if it.wants_id and "ID" not in it.commands:
            return "NO Unsafe Login"
        if rest.split(" ", 1)[1].strip('"') != it.wire_folder:
            return "NO no such folder"
        self.say(f"* {len(it.mails)} EXISTS")
        self.say("* FLAGS (\\Seen \\Deleted)")
        return "OK [READ-WRITE]"

    def on_search(self, rest: str) -> str:
        found = [
            str(one.uid) for one in self.server.box.mails if not {r"\Seen", r"\Deleted"} & one.flags
        ]
        self.say("* SEARCH" + "".join(f" {uid}" for uid in found))
        return "OK done"

    def on_fetch(self, rest: str) -> str:
        it = self.server.box
        wanted = rest.split(" ")[2].split(",")
        start, many = map(int, re.search(r"PEEK\[\]<(\d+)\.(\d+)>", rest).groups())
        for number, one in enumerate(it.mails, 1):
            # Servers tell of what happens meanwhile whenever they like (RFC 3501 §7).
            self.say(f"* {len(it.mails)} EXISTS")
            if str(one.uid) in wanted and one.uid not in it.withheld:
                self.say(f"* {number} FETCH (FLAGS (\\Recent) UID {one.uid})")
                piece = one.body[start : start + many]
                head = "" if it.uid_behind else f"UID {one.uid} "
                behind = f" UID {one.uid})" if it.uid_behind else ")"
                self.wfile.write(
                    f"* {number} FETCH ({head}BODY[]<{start}> {{{len(piece)}}}\r\n".encode()
                    + piece
                    + behind.encode()
                    + b"\r\n"
                )
        return "OK done"

    def on_store(self, rest: str) -> str:
        uids, flags = rest.split(" ")[2].split(","), re.findall(r"\\\w+", rest)
        for one in self.server.box.mails:
            if str(one.uid) in uids:
                one.flags |= set(flags)
        return "OK done"

    def on_expunge(self, rest: str) -> str:
        it = self.server.box
        uids = rest.split(" ")[2].split(",") if rest.upper().startswith("UID") else None
        it.mails = [
            one
            for one in it.mails
            if r"\Deleted" not in one.flags or (uids is not None and str(one.uid) not in uids)
        ]
        return "OK done"


class _Threads(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, box: Server, context: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.box = box
        self.context = context

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that breaks off is no error of ours."""


@contextmanager
def serving(box: Server, context: ssl.SSLContext | None = None) -> Iterator[Server]:
    """The server on a free port of loopback."""
    with _Threads(box, context) as server:
        box.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield box
        finally:
            server.shutdown()
            thread.join(60)
