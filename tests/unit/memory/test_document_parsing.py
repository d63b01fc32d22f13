"""Each kind of document is read, and each way of being unreadable is told, by the process that parses."""

import subprocess
import sys
import zipfile
from io import BytesIO

import pytest

from liftos.kernel.deadlines import Deadline, TookTooLong, use_deadline
from memory.documents import errors, sandbox
from memory.documents.parsing.types import Kind, Limits
from tests.factories.files import (
    W,
    make_bomb,
    make_docx,
    make_mail,
    make_pdf,
    make_pptx,
    make_xlsx,
    make_zip,
    paragraph,
)

LIMITS = Limits(memory_mb=768, seconds=20, pages=50, unpacked_bytes=64 * 1024 * 1024, characters=1_000_000)


def read(content, name="", media_type="", charset="", limits=LIMITS):
    return sandbox.parse(content, name=name, media_type=media_type, charset=charset, limits=limits)


def marks_at(parsed, text):
    """Return (page, heading) where a text stands."""
    at = parsed.text.index(text)
    held = [mark for mark in parsed.marks if mark[0] <= at]
    return held[-1][1:] if held else (None, "")


def test_pdf_has_pages_headings_by_size_and_whole_paragraphs():
    body = ["The plant in Porto opened in May and pro-", "duced forty turbines by the end of", "the year."]
    parsed = read(
        make_pdf(
            [[("Annual report", 20), *body], [("Risks", 14), "Copper prices doubled."]], title="Report 2026"
        )
    )
    assert (parsed.kind, parsed.title, parsed.pages) == (Kind.PDF, "Report 2026", 2)
    assert "opened in May and produced forty turbines by the end of the year." in parsed.text
    assert marks_at(parsed, "forty turbines") == (1, "Annual report")
    assert marks_at(parsed, "Copper") == (2, "Annual report > Risks")


def test_pdf_bookmarks_are_its_headings():
    parsed = read(
        make_pdf([["Intro", "some words"], ["Body words"]], bookmarks=[("Intro", 0), ("Chapter two", 1)])
    )
    assert marks_at(parsed, "some words") == (1, "Intro")
    assert marks_at(parsed, "Body words") == (2, "Chapter two")


def test_docx_has_headings_tables_insertions_and_notes_but_no_deletions():
    inserted = "<w:p><w:ins><w:r><w:t>added </w:t></w:r></w:ins><w:del><w:r><w:delText>removed</w:delText></w:r></w:del></w:p>"
    controlled = f"<w:sdt><w:sdtContent>{paragraph('from a form')}</w:sdtContent></w:sdt>"
    table = (
        "<w:tbl>"
        + "".join(
            f"<w:tr>{''.join(f'<w:tc>{paragraph(cell)}</w:tc>' for cell in row)}</w:tr>"
            for row in (("City", "Price"), ("Porto", "5"))
        )
        + "</w:tbl>"
    )
    notes = f"<w:footnotes {W}><w:footnote w:type='separator'>{paragraph('----')}</w:footnote><w:footnote>{paragraph('a note')}</w:footnote></w:footnotes>"
    body = (
        paragraph("Plan", "Title")
        + paragraph("Costs", "Heading1")
        + inserted
        + controlled
        + paragraph("Detail", "Heading2")
        + table
    )
    parsed = read(make_docx(body, **{"word/footnotes.xml": notes}))
    assert (parsed.kind, parsed.title, parsed.pages) == (Kind.DOCX, "Plan", None)
    assert {"added", "from a form", "City | Price", "Porto | 5", "a note"} <= set(parsed.text.split("\n\n"))
    assert "removed" not in parsed.text
    assert "----" not in parsed.text
    assert marks_at(parsed, "from a form") == (None, "Costs")
    assert marks_at(parsed, "Porto | 5") == (None, "Costs > Detail")


def test_docx_styles_name_their_level_in_any_language():
    styles = (
        f"<w:styles {W}><w:style w:styleId='berschrift1'><w:name w:val='heading 1'/></w:style>"
        "<w:style w:styleId='Eigen'><w:basedOn w:val='berschrift1'/></w:style></w:styles>"
    )
    parsed = read(make_docx([("Kosten", "Eigen"), "Es kostet 5 Euro."], **{"word/styles.xml": styles}))
    assert marks_at(parsed, "Es kostet") == (None, "Kosten")


def test_text_boxes_of_word_are_read_once():
    box = f"<w:txbxContent>{paragraph('boxed')}</w:txbxContent>"
    mc = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    both = f"<mc:AlternateContent {mc}><mc:Choice>{box}</mc:Choice><mc:Fallback>{box}</mc:Fallback></mc:AlternateContent>"
    parsed = read(make_docx(f"<w:p><w:r><w:t>around</w:t></w:r><w:r>{both}</w:r></w:p>"))
    assert parsed.text == "around\n\nboxed"


def test_pptx_has_a_page_for_each_slide_with_its_notes():
    parsed = read(make_pptx([("Growth", ["We grew by 12%"], "say it slowly"), ("End", ["Thank you"])]))
    assert (parsed.kind, parsed.title, parsed.pages) == (Kind.PPTX, "Growth", 2)
    assert marks_at(parsed, "12%") == (1, "Growth")
    assert marks_at(parsed, "slowly") == (1, "Growth")
    assert marks_at(parsed, "Thank you") == (2, "End")


def test_xlsx_rows_say_their_columns():
    parsed = read(
        make_xlsx({"Sales": [["Region", "Revenue"], ["North", 12], ["South", 3.5]], "Costs": [["rent", 900]]})
    )
    assert (parsed.kind, parsed.pages) == (Kind.XLSX, 2)
    assert "Region: North; Revenue: 12" in parsed.text
    assert marks_at(parsed, "Region: South; Revenue: 3.5") == (1, "Sales")
    assert marks_at(parsed, "rent | 900") == (2, "Costs")


@pytest.mark.parametrize(("separator", "name"), [(",", "a.csv"), (";", "a.csv"), ("\t", "a.tsv")])
def test_csv_rows_say_their_columns(separator, name):
    rows = [["name", "city"], ["Bo", "Lund"], ["Al", "Oslo"]]
    parsed = read("\n".join(separator.join(row) for row in rows).encode(), name)
    assert parsed.text == "name | city\nname: Bo; city: Lund\nname: Al; city: Oslo"


def test_html_is_its_visible_text_with_headings():
    page = (
        "<!doctype html><html><head><title>The  plan</title><style>p{}</style></head><body><nav>menu</nav><h1>Costs</h1>"
        "<p>It <b>co</b>sts 5&nbsp;&euro;.<script>alert(1)</script><p hidden>unseen</p><h2>Detail</h2>"
        "<table><tr><td><p>a</p></td><td>b</td></tr></table><ul><li>one<li>two</ul></body></html>"
    )
    parsed = read(page.encode(), media_type="text/html")
    assert (parsed.kind, parsed.title) == (Kind.HTML, "The plan")
    assert parsed.text.split("\n\n") == ["Costs", "It costs 5 €.", "Detail", "a | b", "- one", "- two"]
    assert marks_at(parsed, "a | b") == (None, "Costs > Detail")


def test_html_states_its_charset():
    parsed = read('<html><meta charset="windows-1251"><p>Завод в Порту</p></html>'.encode("cp1251"), "a.html")
    assert parsed.text == "Завод в Порту"


def test_deeply_nested_html_is_read_to_its_end_or_refused():
    assert read(b"<html>" + b"<div>" * 1_000 + b"the end", "a.html").text == "the end"
    with pytest.raises(errors.TooComplex):
        read(b"<html>" + b"<div>" * 5_000 + b"the end", "a.html")


def test_markdown_is_kept_and_its_headings_are_found():
    text = (
        "---\ntitle: The plan\n---\n\n# Costs\n\nFive.\n\n```\n# no heading\n```\n\nDetail\n------\n\nMore."
    )
    parsed = read(text.encode(), "a.md")
    assert (parsed.kind, parsed.title, parsed.text) == (Kind.MARKDOWN, "The plan", text)
    assert marks_at(parsed, "# no heading") == (None, "Costs")
    assert marks_at(parsed, "More.") == (None, "Costs > Detail")


FRENCH = (
    "Les élèves préfèrent l'été à l'hiver, où il fait très froid. Voilà une leçon sur la météo française."
)
TEXTS = {
    "utf-8": FRENCH, "utf-8-sig": FRENCH, "utf-16": FRENCH, "utf-16-le": FRENCH, "utf-16-be": FRENCH, "utf-32": FRENCH,
    "latin-1": FRENCH, "cp1252": f"{FRENCH} Ça coûte 5 €, n\u2019est-ce pas ?",
    "cp1250": "Příliš žluťoučký kůň úpěl ďábelské ódy a zítra přijede do Brna vlakem.",
    "cp1251": "Завод в Порту открылся в мае и выпустил сорок турбин. Цена меди удвоилась за год.",
    "shift_jis": "東京の工場は五月に開業し、四十基のタービンを生産しました。銅の価格は二倍になりました。",
    "gb18030": "波尔图的工厂于五月开业生产了四十台涡轮机。铜的价格翻了一番。我们对此感到非常高兴。",
}  # fmt: skip


@pytest.mark.parametrize("encoding", TEXTS)
def test_plain_text_in_any_encoding(encoding):
    parsed = read(TEXTS[encoding].encode(encoding), "a.txt", "text/plain")
    assert (parsed.kind, parsed.text) == (Kind.TEXT, TEXTS[encoding])


def test_declared_charset_is_believed_where_it_fits():
    assert (
        read("Źródło wody".encode("iso8859-2"), media_type="text/plain", charset="iso-8859-2").text
        == "Źródło wody"
    )
    assert read("déjà vu".encode(), media_type="text/plain", charset="latin-1").text == "déjà vu"


def test_mail_has_its_headers_text_and_names_what_is_attached():
    parsed = read(
        make_mail(
            "Offer", "Dear all,\nthe price is 5.", "<b>html</b>", [("offer.pdf", "application/pdf", b"%PDF-")]
        )
    )
    assert (parsed.kind, parsed.title) == (Kind.EMAIL, "Offer")
    assert "the price is 5." in parsed.text
    assert "html" not in parsed.text
    assert "Attachments: offer.pdf (application/pdf, 5 bytes)" in parsed.text
    assert parsed.facts["from"] == "Ada Lovelace <ada@example.com>"
    assert parsed.facts["attachments"] == ["offer.pdf (application/pdf, 5 bytes)"]


def test_mail_of_html_alone_is_read():
    assert read(make_mail("Offer", html="<p>Hi <b>you</b></p>"), "a.eml").text.endswith(
        "Subject: Offer\n\nHi you"
    )


def test_damaged_headers_of_mail_leave_only_what_can_be_stored():
    parsed = read(
        b"From: a\xff\x00b <x@y>\r\nSubject: =?utf-8?q?bad=ff=00?=\r\nDate: never\r\nTo: (((\r\n\r\nwords",
        "a.eml",
    )
    for text in (parsed.title, parsed.text, *map(str, parsed.facts.values())):
        text.encode()
        assert "\x00" not in text
    assert parsed.text.endswith("words")


def test_content_decides_before_name_and_media_type():
    assert read(make_pdf([["words"]]), "notes.txt", "text/plain").kind is Kind.PDF
    assert read(make_docx(["words"]), "a.xlsx", str(Kind.XLSX)).kind is Kind.DOCX
    assert read(b"<!DOCTYPE html><p>words</p>").kind is Kind.HTML
    assert read(b"<p>source</p>", "a.txt", "text/plain").kind is Kind.TEXT


def broken_zip():
    good = bytearray(make_docx([f"word {n * n}" for n in range(500)]))
    good[1_000:1_060] = b"x" * 60
    return bytes(good)


def old_office(stream):
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 500 + stream.encode("utf-16-le") + b"\x00" * 100


def encrypted_zip():
    content = bytearray(make_docx(["words"]))
    for at in range(len(content) - 4):
        if content[at : at + 4] == b"PK\x01\x02":
            content[at + 8] |= 1
    return bytes(content)


LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "lol">'
    + "".join(f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">' for i in range(9))
    + f"]><w:document {W}><w:body><w:p><w:r><w:t>&j;</w:t></w:r></w:p></w:body></w:document>"
)
OUTSIDE = f'<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><w:document {W}><w:body><w:p><w:r><w:t>&x;</w:t></w:r></w:p></w:body></w:document>'
UNREADABLE = {
    "empty": (b"", "", errors.EmptyDocument),
    "blank": (b" \n\t ", "a.txt", errors.EmptyDocument),
    "encrypted pdf": (make_pdf([["secret"]], encrypted=True), "", errors.EncryptedDocument),
    "encrypted office": (old_office("EncryptedPackage"), "a.docx", errors.EncryptedDocument),
    "encrypted zip": (encrypted_zip(), "a.docx", errors.EncryptedDocument),
    "old office": (old_office("WordDocument"), "a.doc", errors.UnsupportedDocument),
    "cut pdf": (make_pdf([["words"]])[:150], "a.pdf", errors.BrokenDocument),
    "no pdf": (b"just words", "a.pdf", errors.MislabelledDocument),
    "no docx": (b"just words", "a.docx", errors.MislabelledDocument),
    "cut docx": (make_docx(["words"])[:-30], "a.docx", errors.BrokenDocument),
    "damaged docx": (broken_zip(), "a.docx", errors.BrokenDocument),
    "no xml": (make_docx("<w:p>", **{"word/document.xml": "<w:document"}), "", errors.BrokenDocument),
    "xlsx without sheets": (make_zip({"xl/workbook.xml": "<workbook/>"}), "", errors.BrokenDocument),
    "pptx without slide": (make_zip({"ppt/presentation.xml": '<p:presentation xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"><p:sldId/></p:presentation>'}), "", errors.BrokenDocument),
    "scanned pdf": (make_pdf([[], []]), "", errors.NoText),
    "docx without text": (make_docx([]), "", errors.NoText),
    "zip": (make_zip({"a.txt": "words"}), "a.zip", errors.UnsupportedDocument),
    "image": (b"\x89PNG\r\n\x1a\n" + b"x" * 100, "a.pdf", errors.UnsupportedDocument),
    "noise": (bytes(range(256)) * 20, "", errors.UnsupportedDocument),
    "docx bomb": (make_bomb(), "", errors.UnpacksTooLarge),
    "xlsx bomb": (make_bomb("xl/workbook.xml"), "", errors.UnpacksTooLarge),
    "billion laughs": (make_docx([], **{"word/document.xml": LAUGHS}), "", errors.HasEntities),
    "billion laughs in xlsx": (make_xlsx({"a": [["b"]]}, **{"xl/sharedStrings.xml": LAUGHS}), "", errors.HasEntities),
    "external entity": (make_docx([], **{"word/document.xml": OUTSIDE}), "", errors.HasEntities),
    "external entity in utf-16": (make_docx([], **{"word/document.xml": OUTSIDE.encode("utf-16")}), "", errors.HasEntities),
    "deep docx": (make_docx("<w:sdt><w:sdtContent>" * 90 + "</w:sdtContent></w:sdt>" * 90), "", errors.TooComplex),
}  # fmt: skip


@pytest.mark.parametrize("case", UNREADABLE)
def test_unreadable_file_has_an_error_of_its_own(case):
    content, name, expected = UNREADABLE[case]
    with pytest.raises(expected) as caught:
        read(content, name)
    assert type(caught.value) is expected
    assert caught.value.loc == ("file",)


def test_declared_image_is_unsupported():
    with pytest.raises(errors.UnsupportedDocument):
        read(b"words", media_type="image/png")


def test_pages_are_limited():
    with pytest.raises(errors.TooManyPages, match="51 pages; at most 50"):
        read(make_pdf([["words"]] * 51))


def test_text_is_limited():
    with pytest.raises(errors.TextTooLong, match="more than 1000 characters"):
        read(b"word " * 300, "a.txt", limits=Limits(768, 20, 50, 10_000_000, 1_000))


def test_archive_that_lies_about_its_size_is_stopped():
    content = bytearray(make_bomb(megabytes=80))
    # the size in the directory of the archive, where readers look
    at = content.rindex(b"PK\x01\x02")
    content[at + 24 : at + 28] = (100).to_bytes(4, "little")
    with pytest.raises((errors.UnpacksTooLarge, errors.BrokenDocument)):
        read(bytes(content))


def test_process_is_ended_when_it_takes_too_much_memory():
    with pytest.raises(errors.TooComplex):
        read(b"<p>" * 3_000_000, "a.html", limits=Limits(256, 20, 50, 10_000_000, 1_000_000))


# takes seconds to read
NESTED = "".join("  " * depth + "- a\n" for depth in range(900)).encode()


def test_process_is_ended_when_it_takes_too_much_processor_time():
    with pytest.raises(errors.TooComplex):
        read(NESTED, "a.md", limits=Limits(768, 1, 50, 10_000_000, 1_000_000))


def test_process_is_ended_at_its_callers_deadline():
    with use_deadline(Deadline(0.3)), pytest.raises(TookTooLong):
        read(NESTED, "a.md")


def test_nothing_is_parsed_after_the_deadline(monkeypatch):
    monkeypatch.setattr(subprocess, "Popen", lambda *args, **kwargs: pytest.fail("a process was started"))
    with use_deadline(Deadline(0.0)), pytest.raises(TookTooLong):
        read(b"a", "a.txt")


def test_parser_can_open_neither_files_nor_sockets():
    program = (
        "import sys, socket; sys.path.insert(0, sys.argv[1]); from memory.documents.parsing import child; child._close_off()\n"
        "for attempt in (lambda: open('/etc/hostname'), lambda: socket.socket()):\n"
        "    try: attempt()\n"
        "    except OSError: print('refused')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, sandbox._ROOT], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["refused", "refused"]


def test_nested_archives_are_not_unpacked():
    inner = make_bomb(megabytes=80)
    parsed = read(make_docx(["words"], **{"word/embeddings/a.docx": inner}))
    assert parsed.text == "words"


def test_office_document_is_an_archive_as_python_reads_it():
    with zipfile.ZipFile(BytesIO(make_docx(["words"]))) as archive:
        assert archive.testzip() is None
