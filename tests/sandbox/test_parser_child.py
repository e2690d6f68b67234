"""The parser child: bounded, restarted, never a reason for another request to fail."""

import asyncio
import contextlib
import os
import signal
from datetime import UTC, datetime

import pytest

from aggregator.errors import ParseError
from aggregator.model import Entry, Page, Source, SourceId, SourceKind
from aggregator.sandbox import Limits, ParserChild

NOW = datetime(2025, 8, 20, 4, 0, tzinfo=UTC)
URL = "http://www.qushu.example/zwgk/"
LIST = """<html><head><title>政策文件</title></head><body><ul>
<li><a href="a1.html">关于支持企业扩大生产的若干措施</a><span>2025-08-13</span></li>
<li><a href="a2.html">关于组织申报技术改造项目的通知</a><span>2025-08-12</span></li>
<li><a href="a3.html">关于公布第三批重点项目名单的公告</a><span>2025-08-11</span></li>
</ul></body></html>""".encode()
SOURCE = Source(id=SourceId(1), slug="q", name="q", kind=SourceKind.COLUMN, url=URL)


def page(body: bytes) -> Page:
    return Page(url=URL, requested_url=URL, status=200, body=body, fetched_at=NOW)


@pytest.fixture
def reader():
    child = ParserChild()
    yield child
    child.close()


async def read(reader, body=LIST):
    return await reader.read_list(page(body), source=SOURCE, now=NOW)


def test_one_child_answers_from_one_loop_to_the_next(reader):
    """Celery tasks have a loop each; the child is started once, not with every task."""
    first = asyncio.run(read(reader))
    pid = reader.pid
    kind, again = asyncio.run(reader.detect(page(LIST), now=NOW))

    assert [entry.date for entry in first.entries] == ["2025-08-13", "2025-08-12", "2025-08-11"]
    assert kind is SourceKind.COLUMN
    assert again.entries == first.entries
    assert reader.pid == pid != os.getpid()


def test_an_answer_larger_than_a_pipe_comes_whole(reader):
    """A page and its answer may both be larger than what a pipe holds."""
    row = (
        '<li><a href="a{0}.html">关于第{0}号工业用地出让结果的公告</a><span>2025-08-13</span></li>'
    )
    body = f"<ul>{''.join(row.format(n) for n in range(1500))}</ul>".encode()

    reading = asyncio.run(read(reader, body))

    assert len(body) > 100_000
    assert len(reading.entries) == 1500


def test_a_killed_child_costs_one_request_at_most(reader):
    """Kill -9 from outside, out of memory, a crash of a library: the batch goes on."""

    async def story():
        await read(reader)
        old = reader.pid
        os.kill(old, signal.SIGKILL)
        with contextlib.suppress(ParseError):  # the one that met the dead child
            await read(reader)
        return old, await read(reader)

    old, reading = asyncio.run(story())

    assert len(reading.entries) == 3
    assert reader.pid != old


def test_a_page_that_takes_all_memory_fails_alone():
    """A page that really grows beyond the bound ends the child, and only itself."""
    reader = ParserChild(Limits(memory_bytes=60 * 1024 * 1024))
    hungry = b"<ul>" + b"<li><i>a</i><b>b</b>" * 300_000 + b"</ul>"

    async def story():
        good = await read(reader)
        results = await asyncio.gather(
            read(reader, hungry), read(reader), read(reader), return_exceptions=True
        )
        return good, results

    good, (poisoned, *others) = asyncio.run(story())
    reader.close()

    assert isinstance(poisoned, ParseError)
    assert poisoned.reason == "crash"
    assert URL in str(poisoned)
    assert all(other.entries == good.entries for other in others)


def test_a_page_that_takes_all_time_fails_alone():
    """The bound is CPU time: a busy machine does not turn good pages into crashes."""
    reader = ParserChild(Limits(cpu_seconds=0.05))
    slow = b"<ul>" + b"<li><a href=x>y<b>z</b></a>" * 100_000 + b"</ul>"

    async def story():
        with pytest.raises(ParseError) as caught:
            await read(reader, slow)
        return caught.value, await read(reader)

    error, good = asyncio.run(story())
    reader.close()

    assert error.reason == "crash"
    assert "SIGPROF" in str(error)
    assert len(good.entries) == 3


def test_what_is_wrong_with_a_page_is_told_as_it_is(reader):
    """An operator reads the reason of the parser, not that of the pipe."""
    with pytest.raises(ParseError) as caught:
        asyncio.run(read(reader, b"%PDF-1.7 ..."))

    assert caught.value.reason == "parse"
    assert "file" in str(caught.value)


def test_an_article_and_a_bare_row_both_become_records(reader):
    """The child makes the clean record too: nothing a stranger wrote is parsed outside it."""
    entry = Entry(
        key="k", url=URL + "a1.html", title="关于支持企业扩大生产的若干措施", date="2025-08-13"
    )
    text = "<p>为支持企业扩大生产，结合实际，制定本措施，请各单位认真执行。</p>" * 3
    body = (
        f"<h1>{entry.title}</h1><div>发布时间：2025-08-13</div><div id=zoom>{text}</div>".encode()
    )

    article, draft = asyncio.run(
        reader.read_article(page(body), source=SOURCE, entry=entry, now=NOW)
    )
    row = asyncio.run(reader.draft_row(entry, source=SOURCE, now=NOW))

    assert article.title == draft.title == row.title == entry.title
    assert draft.posted_at.date().isoformat() == "2025-08-13"
    assert "制定本措施" in draft.body_text


def test_close_leaves_no_process():
    """Stopping a worker must not leave parsers behind."""
    reader = ParserChild()
    asyncio.run(read(reader))
    pid = reader.pid

    reader.close()

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_close_waits_for_no_page():
    """A worker that stops has a few seconds; hundreds of pages may wait, each with its bounds."""
    reader = ParserChild()

    async def story():
        await read(reader)
        pages = [asyncio.create_task(read(reader)) for _ in range(50)]
        os.kill(reader.pid, signal.SIGSTOP)  # the first will never be read
        await asyncio.sleep(0)
        reader.close()
        return await asyncio.gather(*pages, return_exceptions=True)

    ends = asyncio.run(story())

    assert reader.pid is None
    assert {type(one) for one in ends} <= {ParseError, asyncio.CancelledError}
