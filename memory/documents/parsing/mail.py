"""E-mails: headers, text, and the names of what is attached. No Django."""

from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any

from memory.documents.parsing.failures import Failure
from memory.documents.parsing.html import read_markup
from memory.documents.parsing.outline import Outline
from memory.documents.parsing.plain import decode

HEADERS = ("From", "To", "Cc", "Date", "Subject")
MAX_PARTS = 1_000


def read_mail(content: bytes, outline: Outline) -> tuple[str, dict[str, Any]]:
    """Write an e-mail; return its subject and what its metadata should say.

    Raises:
        Failure: it has no headers, or too many parts.
    """
    message = BytesParser(policy=policy.default).parsebytes(content)
    assert isinstance(message, EmailMessage)  # noqa: S101  by the policy
    headers = {name: text for name in HEADERS if (text := _header(message, name))}
    if not headers:
        raise Failure("broken")
    outline.add("\n".join(f"{name}: {text}" for name, text in headers.items()))
    attached: list[str] = []
    for place, part in enumerate(_parts(message)):
        if place == MAX_PARTS:
            raise Failure("too_complex")
        kind = part.get_content_type()
        if kind in {"text/plain", "text/html"} and part.get_content_disposition() != "attachment":
            text = decode(_payload(part), part.get_content_charset() or "")
            if kind == "text/html":
                read_markup(text, outline)
            else:
                outline.add(text)
        else:
            attached.append(_describe(part))
    if attached:
        outline.add("Attachments: " + "; ".join(attached))
    facts: dict[str, Any] = {name.lower(): text for name, text in headers.items() if name != "Subject"}
    return headers.get("Subject", ""), facts | ({"attachments": attached} if attached else {})


def _parts(message: EmailMessage) -> list[EmailMessage]:
    """Return the parts to read or name, the plain text of alternatives first; attached messages are not opened."""
    if not message.is_multipart() or message.get_content_type() == "message/rfc822":
        return [message]
    children = [each for each in message.iter_parts() if isinstance(each, EmailMessage)]
    if message.get_content_subtype() == "alternative":
        texts = [
            each for each in children if each.get_content_type() == "text/plain" and _payload(each).strip()
        ]
        children = texts[:1] or children[-1:]
    return [part for child in children for part in _parts(child)]


def _payload(part: EmailMessage) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _describe(part: EmailMessage) -> str:
    if part.get_content_type() == "message/rfc822":
        inner = part.get_payload()
        subject = _header(inner[0], "Subject") if isinstance(inner, list) and inner else ""
        return f"message {subject!r}" if subject else "message"
    name = " ".join((part.get_filename() or "unnamed").split())
    return f"{name} ({part.get_content_type()}, {len(_payload(part))} bytes)"


def _header(message: Any, name: str) -> str:
    try:
        return " ".join(str(message.get(name, "")).split())
    except (ValueError, IndexError, AttributeError, TypeError, LookupError):
        # the standard library fails on some malformed headers
        return ""
