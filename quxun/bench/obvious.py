"""The obvious way to make a digest: render, inline the CSS, ``EmailMessage``, one by one."""

from __future__ import annotations

import time
from email.message import EmailMessage

import css_inline
from jinja2 import Environment

_ITEMS = 15
_HTML = """<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>{{ subject }}</title>
<style>
body { margin: 0; background: #f4f5f7; font-family: "PingFang SC", "Microsoft YaHei", sans-serif }
table { border-collapse: collapse } .card { width: 100%; max-width: 640px; background: #ffffff }
h1 { font-size: 20px; line-height: 1.5; margin: 0; padding: 16px } h2 { font-size: 16px }
.item { padding: 12px 16px; border-top: 1px solid #e3e6ea } .item a { color: #0b57a4 }
.meta { color: #5b6470; font-size: 14px; line-height: 1.7 } .foot { color: #5b6470; padding: 16px }
</style></head><body><table role="presentation" class="card"><tr><td><h1>{{ subject }}</h1></td></tr>
{% for item in items %}<tr><td class="item"><a href="{{ item.url }}">{{ item.title }}</a>
<div class="meta">{{ item.meta }}</div></td></tr>{% endfor %}
<tr><td class="foot">{{ name }} · <a href="{{ stop }}">退订</a> · <a href="{{ choices }}">设置</a>
· 非政府网站,以原文为准</td></tr></table></body></html>
"""
_TEXT = """{{ subject }}
{% for item in items %}
- {{ item.title }}
  {{ item.meta }}
  {{ item.url }}
{% endfor %}
退订：{{ stop }}
设置：{{ choices }}
"""


def obvious_rate(seconds: float) -> float:
    """Mails a second of one core, made and not sent, over so many seconds of it."""
    env = Environment(autoescape=True)
    html, plain = env.from_string(_HTML), env.from_string(_TEXT)
    inliner = css_inline.CSSInliner(keep_at_rules=True)
    items = [
        {
            "title": f"关于组织申报二〇二六年度第{number}批科技创新专项资金项目的通知",
            "meta": f"政策 · 某区科学技术局 · 某科发〔2026〕{number}号 · 截止 9月30日(剩17天) · 最高500万元",
            "url": f"https://quxun.example/a/00000000-0000-4000-8000-{number:012}",
        }
        for number in range(_ITEMS)
    ]
    made, began = 0, time.process_time()
    while time.process_time() - began < seconds:
        values = {
            "subject": "某区:3条新政策、1项申报5天后截止", "items": items, "name": f"reader{made}",
            "stop": f"https://quxun.example/unsubscribe/{made:0103}",
            "choices": f"https://quxun.example/preferences/{made:0103}",
        }  # fmt: skip
        message = EmailMessage()
        message["From"], message["To"] = "digest@quxun.example", f"reader{made}@mail.example"
        message["Subject"] = str(values["subject"])
        message.set_content(plain.render(values), cte="base64")
        message.add_alternative(inliner.inline(html.render(values)), subtype="html", cte="base64")
        message.as_bytes()
        made += 1
    return made / (time.process_time() - began)
