"""The pages in a real browser: what a reader does, on a phone too, with nothing from elsewhere."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not CHROMIUM and not os.environ.get("CI"), reason="NO BROWSER: Chromium is not installed"
    ),
]


@pytest.fixture(params=[(360, 740), (1280, 800)], ids=["phone", "desktop"])
def page(request: pytest.FixtureRequest) -> Iterator[object]:
    """A page that remembers what went wrong in it."""
    from playwright.sync_api import sync_playwright

    width, height = request.param
    with sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        made = browser.new_page(viewport={"width": width, "height": height})
        made.wrong = []
        made.asked = []
        made.on(
            "console", lambda said: made.wrong.append(said.text) if said.type == "error" else None
        )
        made.on("pageerror", lambda error: made.wrong.append(str(error)))
        made.on("request", lambda sent: made.asked.append(sent.url))
        yield made
        browser.close()


def test_a_reader_finds_a_notice_and_subscribes(web, page, make_draft):
    """Search, open, subscribe and confirm, as a person does it, without a line of script."""
    web.publish(*(make_draft(number) for number in range(1, 40)))
    base = f"http://127.0.0.1:{web.port}"

    page.goto(f"{base}/")
    page.get_by_label("关键词").fill("第7类")
    page.get_by_role("button", name="筛选").click()
    page.get_by_role("link", name="关于支持第7类产业发展的若干措施").click()
    assert "第7条" in page.inner_text("main")
    page.goto(f"{base}/subscribe")
    page.locator("#email").fill("reader@mail.example")
    page.get_by_role("button", name="订阅 Subscribe").click()
    page.goto(base + mailed(web, "confirm"))
    assert web.parts.subscribers.get("reader@mail.example").state == "pending"
    page.locator("main form[method=post] button").first.click()

    assert web.parts.subscribers.get("reader@mail.example").state == "confirmed"
    assert page.wrong == []


def mailed(web, door: str) -> str:
    """The path of a link in the newest mail."""
    waiting = web.parts.outbox.claim_mails(web.time[0], limit=9, lease=timedelta(minutes=1))
    link = next(word for word in waiting[-1].mail.text.split() if f"/{door}/" in word)
    return link[link.index(f"/{door}/") :]


def test_a_reader_lives_with_a_subscription_from_the_first_try_to_the_last_stop(
    web, page, make_draft
):
    """Try, subscribe, confirm, change, pause, move, stop, say why: as a person does it."""
    web.publish(make_draft(99))
    web.pass_time(timedelta(days=1))
    web.publish(*(make_draft(number, posted_at=web.time[0]) for number in range(1, 5)))
    base = f"http://127.0.0.1:{web.port}"

    def fits() -> bool:
        return page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0

    page.goto(f"{base}/subscribe")
    page.get_by_label("地区").fill("江津区")
    page.locator("summary", has_text="分类").click()
    page.get_by_role("checkbox", name="招商政策").check()
    page.get_by_role("button", name="先试一试").click()
    assert page.locator(".tried strong").inner_text() == "4"
    assert fits()
    page.get_by_label("电子邮箱").first.fill("reader@mail.example")
    page.get_by_role("radio", name="每周").check()
    page.get_by_role("button", name="订阅 Subscribe").click()
    page.goto(base + mailed(web, "confirm"))
    page.get_by_role("button", name="确认订阅").click()
    assert "关于支持第1类产业发展的若干措施" in page.inner_text("main")
    assert fits()
    page.get_by_role("link", name="订阅设置").click()
    page.locator("summary", has_text="更改条件").click()
    page.get_by_label("关键词").first.fill("储能")
    page.get_by_role("button", name="保存条件").click()
    assert page.get_by_role("heading", name="含“储能”").count() == 1
    page.get_by_label("暂停到").fill("2026-10-20")
    page.get_by_role("button", name="暂停").click()
    page.get_by_role("button", name="恢复").click()
    assert fits()
    page.get_by_label("新邮箱").fill("new@mail.example")
    page.get_by_role("button", name="发送确认信").click()
    page.goto(base + mailed(web, "address"))
    page.get_by_role("button", name="改送到这里").click()
    who = web.parts.subscribers.get("new@mail.example")
    assert [(s.frequency, s.state) for s in who.subscriptions] == [("weekly", "active")]

    page.goto(base + mailed(web, "unsubscribe"))
    page.get_by_role("button", name="退订").click()
    page.get_by_role("radio", name="不再需要").check()
    page.get_by_role("button", name="告诉你们").click()
    assert page.get_by_role("heading", name="谢谢").count() == 1
    [ended] = web.parts.subscribers.get("new@mail.example").subscriptions
    assert (ended.state, ended.end_reason) == ("ended", "stop-link")
    assert page.wrong == []
    assert all(url.startswith(base) for url in page.asked)


def test_the_columns_of_sources_are_wide_enough_to_be_read(web, page, make_draft):
    """On a phone, too: no region with one character a line, and the state is seen at once."""
    web.publish(make_draft(1))
    page.goto(f"http://127.0.0.1:{web.port}/status")
    cell = page.locator(".sources tbody tr").first.locator("td")
    letter, region = page.evaluate(
        "cell => [parseFloat(getComputedStyle(cell).fontSize), cell.clientWidth]",
        cell.nth(1).element_handle(),
    )
    seen = cell.nth(2).locator(".badge").bounding_box()

    assert region >= 5 * letter
    assert seen["x"] + seen["width"] <= page.viewport_size["width"]


@pytest.mark.parametrize("path", ["/", "/feeds", "/subscribe", "/status", "/about"])
def test_a_page_fits_asks_nobody_else_and_says_no_error(web, page, path, make_draft):
    """No sideways scrolling on a phone, no request to another host, a quiet console."""
    web.publish(*(make_draft(number) for number in range(1, 12)))

    page.goto(f"http://127.0.0.1:{web.port}{path}")
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")

    assert wide <= 0
    assert page.wrong == []
    assert all(url.startswith(f"http://127.0.0.1:{web.port}/") for url in page.asked)
    assert page.locator("h1").count() == 1


def test_an_address_is_copied_with_one_click(web, page, make_draft):
    """A reader takes the feed's address to another program; on a phone nothing else is easy."""
    web.publish(make_draft(1))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])

    page.goto(f"http://127.0.0.1:{web.port}/feeds/?region=500116&kind=policy")
    page.locator(".addresses code + button").first.click()
    page.get_by_role("button", name="已复制 Atom").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")

    assert copied == "http://quxun.example/feeds/policies/500116.atom"
    assert page.wrong == []


@pytest.fixture
def other_site() -> Iterator[Callable[[str], str]]:
    """Another site on loopback: shows whatever markup it is given, and says where."""
    shown: list[bytes] = []

    class Host(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(shown[-1])

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Host)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()

    def show(markup: str) -> str:
        shown.append(f"<!doctype html><link rel=icon href=data:,><h1>x</h1>{markup}".encode())
        return f"http://localhost:{server.server_port}/"

    yield show
    server.shutdown()
    server.server_close()
    thread.join(60)


def test_a_list_stands_in_another_sites_page(web, page, other_site, make_draft):
    """The frame of the snippet shows our list in our style, runs nothing, and links lead out."""
    web.publish(make_draft(1))
    base = f"http://127.0.0.1:{web.port}"
    page.goto(f"{base}/feeds/?region=500116")
    code = page.locator("#embed pre code").first.inner_text()

    page.goto(other_site(code.replace("http://quxun.example", base)))
    frame = page.frame_locator("iframe")
    link = frame.locator("a.quxun-title")
    link.wait_for()

    assert link.inner_text() == make_draft(1).title
    assert link.get_attribute("target") == "_blank"
    styled = frame.locator("ul").evaluate("e => getComputedStyle(e).listStyleType")
    assert styled == "none"
    assert page.wrong == []
