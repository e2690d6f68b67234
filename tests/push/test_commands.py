"""``quxun webhooks`` and ``quxun hub`` as an operator types them, in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from push_subscriber import NETS


@pytest.fixture
def quxun(house, database_url, broker_url, tmp_path):
    """Runs a command: exit code, stdout, stderr. Its clock is the real one, ours is ahead of it."""
    house.later(datetime.now(UTC) + timedelta(minutes=5) - house.parts.now())

    def run(*words: str):
        done = subprocess.run(
            [sys.executable, "-m", "quxun", *words],
            env={
                **{k: v for k, v in os.environ.items() if not k.startswith(("QUXUN_", "COV_"))},
                "QUXUN_HOME": str(tmp_path), "QUXUN_DATABASE_URL": database_url,
                "QUXUN_BROKER_URL": broker_url, "QUXUN_ALLOW_NETS": ",".join(NETS),
            },
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    return run


def test_a_webhook_from_add_to_remove(house, quxun):
    """The secret is shown once, the log tells every call, and a place is never lost."""
    who = house.callbacks(take=lambda _: 200 if len(who.pings) > 2 else 500)
    url = who.url("/hook")
    code, out, _ = quxun("webhooks", "add", url, "--filter", "kind=policy", "--json")
    added = json.loads(out)
    assert (code, added["filter"], added["cursor"]) == (0, "kind=policy", 0)
    assert added["secret"].startswith("whsec_")
    assert quxun("webhooks", "add", url)[0] == 1
    assert quxun("webhooks", "add", "http://127.0.0.1/")[0] == 2
    assert quxun("webhooks", "add", url + "2", "--secret", "short")[0] == 2
    assert quxun("webhooks", "add", url + "3", "--filter", "colour=red")[0] == 2

    code, out, err = quxun("webhooks", "test", url, "--json")
    assert (code, json.loads(out)["status"]) == (1, 500)
    assert err.count("\n") == 1
    house.publish(1)
    house.call_hooks()
    code, out, _ = quxun("webhooks", "show", "1", "--json")
    shown = json.loads(out)
    assert [one["status"] for one in shown["deliveries"]] == [500, 500]
    assert "secret" not in shown
    assert added["secret"] not in out
    assert shown["failing_since"]
    assert quxun("webhooks", "pause", "1")[0] == 0
    assert quxun("webhooks", "resume", "1")[0] == 0
    house.call_hooks()
    [listed] = json.loads(quxun("webhooks", "list", "--json")[1])
    assert (listed["behind"], listed["failing_since"]) == (0, None)
    assert url in quxun("webhooks", "list")[1]
    assert quxun("webhooks", "redeliver", "1", "--since", "9")[0] == 2
    assert quxun("webhooks", "redeliver", "1")[0] == 0
    house.call_hooks()
    assert who.bodies[-1] == who.bodies[-2]
    assert quxun("webhooks", "remove", "1")[0] == 0
    code, _, err = quxun("webhooks", "show", "1")
    assert code == 1
    assert "no webhook '1'; \"quxun webhooks list\" shows them" in err


def test_an_operator_sees_who_follows_and_drops_one(house, quxun):
    """With the reason, which its callback is told."""
    who = house.callbacks()
    house.follow(who)
    [row] = json.loads(quxun("hub", "list", "--json")[1])
    assert (row["topic"], row["callback"]) == (house.topic(), who.url())
    assert quxun("hub", "drop", str(row["id"]), "--reason", "asked by phone")[0] == 0
    assert quxun("hub", "drop", str(row["id"]))[0] == 1
    house.verify()

    assert who.questions[-1].reason == "asked by phone"
    assert "asked by phone" in quxun("hub", "list")[1]
