"""Each service gets one message a run, as it wants it, and its answers are understood."""

from __future__ import annotations

import pytest

SERVICES = ("wecom", "dingtalk", "feishu", "lark", "telegram", "ntfy", "json")


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_takes_one_message_a_run_and_no_notice_twice(house, name):
    """A chat gets a summary and no stream, through the service's own checks and signatures."""
    service = house.service(name)
    channel = house.channel(service.address)
    house.publish(1, 2, 3)

    assert house.run() == 1
    [text] = service.texts
    assert text.startswith("区讯 江津区：3条新政策（即时）\n1. [江津区] 关于支持第")
    assert text.count("http://quxun.example/a/") == 3
    assert house.states(channel) == ["sent"]
    assert house.run() == 0
    house.publish(4)
    house.run()
    assert "第4类" in service.texts[1]
    assert "第3类" not in service.texts[1]
    assert len(service.calls) == len(service.texts) == 2
    assert all(call.headers["User-Agent"].startswith("Quxun/") for call in service.calls)
