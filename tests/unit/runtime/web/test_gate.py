"""The gate reads a request's headers and leaves its environment as it is."""

from io import BytesIO

from liftos.runtime.web.gate import may_send


def test_a_path_beyond_ascii_is_decoded_once(acme):
    path = "/api/v1/conversations/wçÞ\x9d£/turns".encode().decode("latin-1")
    environ = {
        "REQUEST_METHOD": "POST", "PATH_INFO": path, "SCRIPT_NAME": "", "SERVER_NAME": "a", "SERVER_PORT": "80",
        "wsgi.input": BytesIO(), "HTTP_X_API_KEY": acme.token, "REMOTE_ADDR": "127.0.0.1",
    }  # fmt: skip
    before = dict(environ)
    assert may_send(environ)
    assert not may_send(environ | {"HTTP_X_API_KEY": "liftos_a_b"})
    assert environ == before
