"""The operator's pages in a real browser, on a phone too: log in, look, hold, resend."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from pydantic import SecretStr
from sqlalchemy import text

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
TOKEN = "the-operators-token-of-these-tests"
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not CHROMIUM and not os.environ.get("CI"), reason="NO BROWSER: Chromium is not installed"
    ),
]


@pytest.fixture(params=[(360, 740), (1100, 800)], ids=["phone", "desktop"])
def page(request: pytest.FixtureRequest) -> Iterator[object]:
    """A page that remembers what went wrong in it, without scripts."""
    from playwright.sync_api import sync_playwright

    width, height = request.param
    with sync_playwright() as engine:
        browser = engine.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--no-first-run"]
        )
        context = browser.new_context(
            viewport={"width": width, "height": height}, java_script_enabled=False
        )
        made = context.new_page()
        made.set_default_timeout(60_000)
        made.asked = []
        made.on("request", lambda sent: made.asked.append(sent.url))
        yield made
        browser.close()


def test_an_operator_logs_in_holds_everything_and_sends_one_mail_again(served, page):
    """A morning with one refused mail, from the token to the second try, without a script."""
    web = served(operator_token=SecretStr(TOKEN))
    with web.parts.engine.begin() as connection:
        run = connection.execute(
            text(
                "insert into runs (frequency, due_at, planned_at, people_due, people_planned)"
                " values ('daily', :at, :at, 3, 1) returning id"
            ),
            {"at": web.time[0]},
        ).scalar_one()
        mail = connection.execute(
            text(
                "insert into outbox (key, lane, state, recipient, mail, message_id, created_at,"
                " due_at, run_id, domain, attempts, answer) values ('k', 2, 'failed', 'a@b.example',"
                ' \'{"subject": "区讯 1 条", "text": "正文", "html": "<p>正文在此</p>"}\', \'<m@q>\','
                " :at, :at, :run, 'b.example', 1, '554 no') returning id"
            ),
            {"at": web.time[0], "run": run},
        ).scalar_one()
    base = f"http://127.0.0.1:{web.port}"

    page.goto(f"{base}/operator/runs/{run}")
    assert page.url == f"{base}/operator/login"
    page.get_by_label("令牌").fill(TOKEN)
    page.get_by_role("button", name="登录").click()
    assert "需要处理" in page.inner_text("h1")
    page.get_by_role("link", name=f"#{run}", exact=True).click()
    page.get_by_role("link", name="失败 failed").click()
    page.get_by_role("link", name=f"#{mail}", exact=True).click()
    assert page.frame_locator("iframe.letter").locator("p").inner_text() == "正文在此"
    page.get_by_role("button", name="重发").click()
    assert web.parts.runs.mail(mail).state == "queued"
    page.get_by_role("link", name="总览").click()
    page.get_by_label("原因").fill("数字有误")
    page.get_by_role("button", name="暂停").click()
    page.get_by_role("link", name="批次 Runs").click()
    assert "数字有误" in page.inner_text(".held")
    assert web.parts.holds.held() is not None
    page.get_by_role("button", name="恢复发送").click()
    assert web.parts.holds.held() is None
    page.get_by_role("button", name="退出").click()
    page.goto(f"{base}/operator/")
    assert page.url == f"{base}/operator/login"
    assert all(url.startswith(f"{base}/") for url in page.asked)
