"""No address of a channel, no name and no answer leads us to our own network."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import contextmanager

import pytest
from chat_services import BOT_TOKEN, FEISHU_TOKEN, WECOM_KEY, ChatService

from aggregator.channels import Outcome
from aggregator.errors import UsageError
from aggregator.fetch import Courier


@contextmanager
def canary(host: str = "127.0.0.1"):
    """A listener of ours that nobody may reach; the list of who did."""
    reached: list[object] = []
    with socket.create_server((host, 0)) as listener:
        port = listener.getsockname()[1]

        def listen() -> None:
            while True:
                try:
                    client, address = listener.accept()
                except OSError:
                    return
                reached.append(address)
                client.close()

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        yield port, reached
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(60)


REFUSED = (
    "file:///etc/passwd", "exec://id", "syslog://", "dbus://", "mailto://a:b@example.org",
    "mailtos://a:b@example.org", "xml://example.org", "form://example.org", "apprise://x/y",
    "http://example.org/config", "https://example.org/", "slack://a/b/c", "config://x", "",
    "wecombot", "://x", "json:///etc/passwd", "jsons://", "wecombot://a b", "wecombot://",
    f"wecombot://{WECOM_KEY}?verify=no", f"wecombot://{WECOM_KEY}?overflow=split",
    f"wecombot://{WECOM_KEY}?redirect=yes", f"wecombot://{WECOM_KEY}?rto=600",
    f"tgram://{BOT_TOKEN}/", f"tgram://{BOT_TOKEN}/1/2", f"tgram://{BOT_TOKEN}/1?to=2",
    f"tgram://{BOT_TOKEN}/1?template=/etc/passwd", f"tgram://{BOT_TOKEN}/1?image=yes",
    "ntfys://h.example/a/b", "ntfys://h.example/a?attach=file:///etc/passwd",
    "ntfys://h.example/a?email=x@example.org", "jsons://h.example/?method=DELETE",
    "jsons://h.example/?+Host=intern", "jsons://h.example/?+Content-Length=0",
    "jsons://h.example/?+X=a%0d%0aY:b", f"feishu://{FEISHU_TOKEN}?format=markdown",
    f"wecombot://{'k' * 1200}",
)  # fmt: skip


def test_only_seven_services_and_one_chat_each(house):
    """Files, shells and mail, which apprise knows too, are not ours to write to."""
    owner = house.subscriber()
    for address in REFUSED:
        with pytest.raises(UsageError) as caught:
            house.channel(address, owner=owner)
        assert "\n" not in str(caught.value), address
    assert house.parts.channels.list() == []


OURS = (
    "json://127.0.0.1/", "json://127.0.0.1:6379/", "json://2130706433/", "json://0x7f.1/",
    "json://localhost/", "json://[::1]/", "json://[::ffff:127.0.0.1]/", "json://10.0.0.1/",
    "json://169.254.169.254/latest/meta-data", "ntfy://192.168.1.1/topic", "json://0/",
    "jsons://100.100.100.200/", "json://8.8.8.8:8080/", "json://8.8.8.8:22/",
)  # fmt: skip


def test_an_address_that_names_our_network_is_refused_when_it_is_added(house):
    """In every spelling, and public ones at no port but 80 and 443."""
    owner = house.subscriber()
    for address in OURS:
        with pytest.raises(UsageError):
            house.channel(address, owner=owner)
    assert house.parts.channels.list() == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_program_beside_us_is_written_to_as_the_refusal_says(house, host):
    """An operator's own webhook is why networks can be exempted; the words must be enough for it."""
    service = ChatService("json", host="127.0.0.1")
    house.stack.callback(service.close)
    owner, address = house.subscriber(), service.address.replace(service.host, host)
    house.set(allow_nets=("127.0.0.0/8",))
    with pytest.raises(UsageError) as caught:
        house.channel(address, owner=owner)
    said = str(caught.value).partition("QUXUN_ALLOW_NETS=")[2].partition(" ")[0]
    assert said == "127.0.0.1/32"

    house.set(allow_nets=(said,))
    assert house.test(house.channel(address, owner=owner)).outcome is Outcome.TAKEN
    assert len(service.texts) == 1


def test_a_name_of_an_exempted_network_is_written_to_and_others_are_not(house):
    """Machines of one's own have such names; where they lead is judged when the socket opens."""
    service, owner = house.service("json"), house.subscriber()
    names = {"hooks.internal": service.host, "printer.local": "127.0.0.1"}
    house.parts.chat_courier = Courier(
        user_agent="Quxun", clock=house.parts.now, own_ports=False,
        allow_nets=house.parts.settings.allow_nets, lookup=lambda name, _port: [names[name]],
    )  # fmt: skip
    verdicts = [
        house.test(house.channel(service.address.replace(service.host, name), owner=owner))
        for name in names
    ]

    assert [one.outcome for one in verdicts] == [Outcome.TAKEN, Outcome.DEAD]
    assert "not on the public net" in verdicts[1].words
    assert len(service.texts) == 1


def test_a_name_that_turns_to_loopback_reaches_nobody(house):
    """Judged when the socket is opened: what a name said before counts for nothing."""
    with canary() as (port, reached):
        channel = house.channel(f"json://rebind.example.org:{port}/")
        other = house.channel("json://rebind.example.org/")
        house.parts.chat_courier = Courier(
            user_agent="Quxun", clock=house.parts.now, own_ports=False,
            allow_nets=house.parts.settings.allow_nets,
            lookup=lambda name, _port: ["8.8.8.8" if name.startswith("public") else "127.0.0.1"],
        )  # fmt: skip
        port_of_others = house.channel("json://public.example.org:8443/")
        for one in (channel, other, port_of_others):
            verdict = house.test(one)
            assert verdict.outcome is Outcome.DEAD
            assert "not on the public net" in verdict.words
    assert reached == []


def test_a_redirect_to_loopback_is_not_followed(house):
    """A robot's server may answer whatever it likes."""
    service = house.service("json")
    channel = house.channel(service.address)
    with canary() as (port, reached):

        def away(request) -> None:
            request.send_response(307)
            request.send_header("Location", f"http://127.0.0.1:{port}/")
            request.send_header("Content-Length", "0")
            request.end_headers()

        service.instead = [away]
        verdict = house.test(channel)
    assert verdict.outcome is Outcome.WAIT
    assert "redirects" in verdict.words
    assert reached == []


def test_a_relay_passes_the_guard_like_any_host(house):
    """A setting leads a service elsewhere, but to no place that is not exempted."""
    with canary() as (port, reached):
        house.set(channel_relays=(f"qyapi.weixin.qq.com=http://127.0.0.1:{port}",))
        with pytest.raises(UsageError):
            house.channel(f"wecombot://{WECOM_KEY}")
    assert reached == []


def test_proxies_of_the_environment_are_not_asked(house, monkeypatch):
    """``requests`` would have sent every secret there."""
    service = house.service("wecom")
    channel = house.channel(service.address)
    with canary("127.0.0.1") as (port, reached):
        for name in ("http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setitem(os.environ, name, f"http://127.0.0.1:{port}")
        assert house.test(channel).outcome is Outcome.TAKEN
    assert reached == []


def test_an_endless_answer_is_cut_off(house):
    """Sixteen kilobytes are more than any service says."""
    service = house.service("json")
    channel = house.channel(service.address)

    def flood(request) -> None:
        request.send_response(500)
        request.end_headers()
        try:
            while True:
                request.wfile.write(b"x" * 65_536)
        except OSError:
            request.close_connection = True

    service.instead = [flood]
    assert house.test(channel).outcome is Outcome.WAIT


def test_apprise_of_others_is_as_it_was(house):
    """Our pen is in a copy of the plugin's module and nowhere else."""
    import apprise.plugins.wecombot as theirs
    import requests

    service = house.service("wecom")
    assert house.test(house.channel(service.address)).outcome is Outcome.TAKEN
    assert theirs.requests is requests
    assert requests.post.__module__ == "requests.api"
