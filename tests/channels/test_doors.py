"""The page of one's channels, and the commands."""

from __future__ import annotations

import json
import re
from datetime import timedelta

from chat_services import NETS, WECOM_KEY

from aggregator.notify import tokens


def page_of(house, who) -> str:
    keys = tokens.Keys.of(house.parts.settings.secret_key.get_secret_value())
    ticket = tokens.Ticket(
        purpose=tokens.Purpose.MANAGE, subscriber_id=who.id, epoch=who.epoch,
        expires_at=house.now + timedelta(days=7),
    )  # fmt: skip
    return f"/preferences/{tokens.sign(keys, ticket)}/channels"


def test_an_owner_adds_tests_pauses_and_removes_a_chat(doors):
    """Without password, by the signed link alone; nobody else sees it."""
    service = doors.service("wecom")
    owner, stranger = doors.subscriber(), doors.subscriber("other@example.org")
    path, post = page_of(doors, owner), doors.web.post
    form = {"act": "add", "address": f"  {service.address} ", "frequency": "immediate",
            "query": "region=500116"}  # fmt: skip

    tried = post(path, {"act": "try", "address": service.address, "region": "江津区 500000"})
    assert "tried" in tried.text
    assert f'href="{path.removesuffix("/channels")}"' in tried.text
    assert f'href="{path}"' in doors.web.ask(path.removesuffix("/channels")).text
    added = post(path, form)
    assert added.status == 200, added.text
    [channel] = doors.parts.channels.list()
    one = {"id": str(channel.id)}
    tested = post(path, {"act": "test", **one})
    assert tested.status == 200, tested.text
    assert "测试消息" in service.texts[0]
    crowded = post(path, {"act": "test", **one})
    assert crowded.status == 400
    assert len(service.texts) == 1

    shown = doors.web.ask(path)
    assert "wecombot://693…" in shown.text
    assert WECOM_KEY not in shown.text
    assert shown.headers["referrer-policy"] == "no-referrer"
    other = page_of(doors, stranger)
    assert "693…" not in doors.web.ask(other).text
    assert post(other, {"act": "remove", **one}).status == 404
    assert post(path.replace("preferences/", "preferences/x"), form).status == 404
    refused = post(path, {"act": "add", "address": "file:///etc/passwd", "frequency": "daily"})
    assert refused.status == 400
    assert "这个地址用不了" in refused.text
    assert post(path, form, Origin="https://evil.example").status == 403

    assert "已暂停" in post(path, {"act": "pause", **one}).text
    assert "进行中" in post(path, {"act": "resume", **one}).text
    assert post(path, {"act": "remove", **one}).status == 200
    assert doors.parts.channels.list() == []


def test_the_commands_add_list_test_and_remove(house, database_url, tmp_path):
    """Scripts and operators; the address may come from stdin, so that no history keeps it."""
    import subprocess
    import sys

    service = house.service("telegram")
    house.subscriber()
    env = {
        "PATH": "/usr/bin:/bin", "QUXUN_DATABASE_URL": database_url, "QUXUN_HOME": str(tmp_path),
        "QUXUN_ALLOW_NETS": ",".join(NETS), "QUXUN_CHANNEL_RELAYS": service.relay,
        "QUXUN_SECRET_KEY": "a-secret-of-the-tests-long-enough",
    }  # fmt: skip

    def run(*words: str, typed: str = "", code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "quxun", "channels", *words], input=typed, env=env, timeout=120,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        assert "AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw" not in done.stdout + done.stderr
        return done.stdout or done.stderr

    added = json.loads(
        run("add", "reader@example.org", "-", "--frequency", "weekly", "--filter", "kind=policy",
            "--json", typed=f"{service.address}\n")
    )  # fmt: skip
    assert (added["service"], added["state"]) == ("tgram", "active")
    assert added["wishes"] == [{"frequency": "weekly", "filter": "kind=policy"}]
    [listed] = json.loads(run("list", "--json"))
    assert re.fullmatch(r"tgram://110201543:…/-1001234567890", listed["address"])
    run("test", str(added["id"]))
    assert "测试消息" in service.texts[0]
    assert "once" not in run("add", "reader@example.org", "exec://id", code=2)
    run("remove", str(added["id"]))
    assert json.loads(run("list", "--json")) == []
    assert "no channel" in run("test", str(added["id"]), code=1)
