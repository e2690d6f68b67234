"""What children and commands are told: the settings of the service, all of them."""

from __future__ import annotations

import json
import subprocess
import sys

from pydantic import SecretStr

from aggregator.settings import Settings, inherited_environment, load_settings
from quxun.embedded import Urls, settings_of
from quxun.embedded.home import Home
from quxun.embedded.service import _environment

ODD = {
    "str": "区 讯; \"'$HOME",
    "SecretStr": SecretStr("s3cret"),
    "int": 3,
    "float": 7.5,
    "bool": True,
}


def test_child_reads_every_setting_as_we_read_it(tmp_path):
    """A setting that is documented must not end at the supervisor."""
    given = {
        name: ODD[field.annotation.__name__]
        for name, field in Settings.model_fields.items()
        if getattr(field.annotation, "__name__", "") in ODD
    }
    given |= {
        "allow_nets": ("127.0.0.2/32", "10.0.0.0/8"), "log_level": "DEBUG",
        "public_url": "https://news.example", "home": tmp_path, "dkim_key_file": tmp_path / "key",
        "bounce_domain": "b.example", "bounce_listen": "[::1]:2424",
        "bounce_imap": SecretStr("imaps://u:p%40@h.example/f"), "post_secret": SecretStr("s" * 24),
        "dkim_domain": "d.example", "dkim_selector": "2026.quxun", "canary": "c@d.example",
        "operator_token": SecretStr("of the test, and long enough"),
    }  # fmt: skip
    settings = load_settings(**given)
    urls = Urls(
        database="postgresql://db", broker="unix:///b", smtp="smtp://127.0.0.1:25", demo=True,
        allow_nets=settings.allow_nets, delay_seconds=0.0, floor_seconds=5.0, immediate_seconds=1.0,
    )  # fmt: skip

    env = _environment(settings, Home(tmp_path), urls, "token-of-the-operator")
    code = (
        "import json; from aggregator.settings import load_settings\n"
        "print(json.dumps(load_settings().as_environment()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    )

    read = json.loads(done.stdout)
    assert read == {name: word for name, word in env.items() if name.startswith("QUXUN_")}
    assert len(read) == len(Settings.model_fields)
    expected = {
        "QUXUN_DATABASE_URL": "postgresql://db", "QUXUN_SMTP_URL": "smtp://127.0.0.1:25",
        "QUXUN_DELAY_SECONDS": "0.0", "QUXUN_ALLOW_NETS": "127.0.0.2/32,10.0.0.0/8",
        "QUXUN_SMTP_PER_SECOND": "7.5", "QUXUN_LOG_JSON": "1", "QUXUN_OPERATOR_TOKEN": "token-of-the-operator",
        "QUXUN_SECRET_KEY": "s3cret", "QUXUN_EMBEDDED": "1",
    }  # fmt: skip
    assert expected.items() <= read.items()


def test_nothing_of_our_own_settings_leaks_past_what_children_are_told():
    """A variable of ours that the service overrides must not come through beside it."""
    assert not [name for name in inherited_environment() if name.startswith("QUXUN_")]


def test_command_beside_a_demonstration_waits_as_little_as_the_demonstration(tmp_path):
    """No delay is a delay of nought, not the default of two seconds."""
    urls = Urls(
        database="postgresql://db", broker="unix:///b", demo=True,
        allow_nets=("127.0.1.0/24",), delay_seconds=0.0, floor_seconds=5.0,
    )  # fmt: skip

    told = load_settings(**settings_of(load_settings(home=tmp_path), urls))

    assert told.delay_seconds == 0
    assert told.floor_seconds == 5
    assert told.allow_nets == ("127.0.1.0/24",)
