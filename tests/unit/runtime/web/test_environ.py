from io import BytesIO

import pytest

from liftos.runtime.web.environ import environ_of


def scope(*headers, path=b"/search", query=b""):
    return {
        "method": "POST", "raw_path": path, "query_string": query, "http_version": "1.1", "scheme": "http",
        "server": ("127.0.0.1", 8003), "client": ("10.0.0.7", 40123), "headers": list(headers),
    }  # fmt: skip


def test_wsgi_environ_of_a_request():
    body = BytesIO(b"{}")
    environ = environ_of(scope((b"content-type", b"application/json"), query=b"limit=5"), body, 2)
    assert environ["REQUEST_METHOD"] == "POST"
    assert environ["QUERY_STRING"] == "limit=5"
    assert environ["CONTENT_TYPE"] == "application/json"
    assert environ["CONTENT_LENGTH"] == "2"
    assert environ["REMOTE_ADDR"] == "10.0.0.7"
    assert environ["wsgi.input"] is body


def test_repeated_header_is_joined_with_a_comma():
    environ = environ_of(scope((b"x-org-id", b"acme"), (b"x-org-id", b"other")), BytesIO(), 0)
    assert environ["HTTP_X_ORG_ID"] == "acme,other"


def test_header_names_with_underscores_are_dropped():
    environ = environ_of(scope((b"x_org_id", b"other")), BytesIO(), 0)
    assert "HTTP_X_ORG_ID" not in environ


@pytest.mark.parametrize(
    ("raw", "text"),
    [(b"/caf%C3%A9", "/café"), (b"/%ff", None), (b"/a%2Fb", "/a/b"), (b"/%F0%9F%9A%80", "/🚀")],
)
def test_a_path_is_bytes_in_latin_1(raw, text):
    path = environ_of(scope(path=raw), BytesIO(), 0)["PATH_INFO"].encode("latin-1")
    assert path == (b"/\xff" if text is None else text.encode())


def test_content_length_is_what_was_read():
    environ = environ_of(
        scope((b"content-length", b"999"), (b"transfer-encoding", b"chunked")), BytesIO(b"abc"), 3
    )
    assert environ["CONTENT_LENGTH"] == "3"
    assert "HTTP_TRANSFER_ENCODING" not in environ
