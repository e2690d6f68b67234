"""The operator's way into their pages: what the tests of these share."""

from __future__ import annotations

import re

TOKEN = "the-operators-token-of-these-tests"
HOLDER = "/operator/hold"


def log_in(web, token=TOKEN, **headers):
    answer = web.post("/operator/login", {"token": token}, **headers)
    cookie = answer.headers.get("set-cookie", "").partition(";")[0]
    return answer, cookie


class Desk:
    """A browser of the operator's: keeps the cookie, posts forms with their word."""

    def __init__(self, web):
        self.web = web
        answer, self.cookie = log_in(web)
        assert answer.status == 303

    def get(self, path, **headers):
        return self.web.ask(path, Cookie=self.cookie, **headers)

    @property
    def word(self):
        return re.search(r'name="word" value="(\w+)"', self.get("/operator/").text)[1]

    def post(self, path, form=None, **headers):
        return self.web.post(
            path, {"word": self.word, **(form or {})}, Cookie=self.cookie, **headers
        )
