import errno
import os
import shutil
from collections import namedtuple

import pytest

from liftos.runtime.embedded import EmbeddedError, preflight
from liftos.runtime.embedded.preflight import Address, address, check_port, check_space, only_supervisor


@pytest.mark.parametrize("text", ["http", "0", "65536", "80a", "-1", "٨٠"])
def test_invalid_port_is_refused(monkeypatch, text):
    monkeypatch.setenv("LIFTOS_PORT", text)
    with pytest.raises(EmbeddedError, match=r"LIFTOS_PORT is .* not a port number"):
        address()


def test_address_defaults_to_loopback(monkeypatch):
    monkeypatch.delenv("LIFTOS_PORT", raising=False)
    monkeypatch.delenv("LIFTOS_BIND", raising=False)
    assert address() == Address("127.0.0.1", 8003)


@pytest.mark.parametrize(
    ("bind", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("::", "http://[::1]:80"),
        ("10.0.0.5", "http://10.0.0.5:80"),
    ],
)
def test_base_url_can_be_reached_from_here(bind, url):
    assert Address(bind, 80).base_url == url


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EADDRINUSE, "port 8003 on 127.0.0.1 is already in use .*LIFTOS_PORT=8006 make up"),
        (errno.EACCES, "no permission to listen on port 8003"),
        (errno.EADDRNOTAVAIL, "can.t listen on LIFTOS_BIND 127.0.0.1"),
    ],
)
def test_unavailable_port_says_what_to_do(monkeypatch, number, words):
    def bind_error(wanted):
        return OSError(number, os.strerror(number)) if wanted.port < 8006 else None

    monkeypatch.setattr(preflight, "_bind_error", bind_error)
    with pytest.raises(EmbeddedError, match=words) as caught:
        check_port(Address("127.0.0.1", 8003))
    assert "\n" not in str(caught.value)
    check_port(Address("127.0.0.1", 8006))


def test_a_nearly_full_disk_is_refused(monkeypatch, tmp_path):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**12, 10**12, 255_999_999))
    with pytest.raises(EmbeddedError, match=r"255 MB free, 256 MB needed"):
        check_space(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**12, 10**12, 256_000_000))
    check_space(tmp_path)


def test_one_supervisor_per_home(tmp_path):
    (tmp_path / "state").mkdir()
    with (
        only_supervisor(tmp_path),
        pytest.raises(EmbeddedError, match=rf"already running from {tmp_path} .process {os.getpid()}."),
        only_supervisor(tmp_path),
    ):
        pytest.fail("a second supervisor came in")
    with only_supervisor(tmp_path):
        pass
