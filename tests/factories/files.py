"""Documents of each kind, made by hand: small, and exactly as the test needs them."""

import zipfile
from email.message import EmailMessage
from io import BytesIO
from xml.sax.saxutils import escape

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
TYPES = '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def make_pdf(pages, *, title="", bookmarks=(), encrypted=False):
    """Return a PDF.

    Args:
        pages: for each page its lines, each a text or (text, size in points).
        title: in its properties.
        bookmarks: (title, page from 0).
        encrypted: with a password that is not empty.
    """
    objects = []

    def add(body):
        objects.append(body if isinstance(body, bytes) else body.encode("latin-1"))
        return len(objects)

    font = add("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>")
    tree = len(objects) + 1
    add("")
    kids = []
    for lines in pages:
        y, drawn = 780.0, ["BT"]
        for line in lines:
            text, size = line if isinstance(line, tuple) else (line, 11)
            y -= size * 1.3 if text else 14
            if text:
                shown = (
                    text.encode("cp1252")
                    .decode("latin-1")
                    .replace("\\", r"\\")
                    .replace("(", r"\(")
                    .replace(")", r"\)")
                )
                drawn.append(f"/F1 {size} Tf 1 0 0 1 60 {y:.1f} Tm ({shown}) Tj")
        drawn.append("ET")
        stream = "\n".join(drawn).encode("latin-1")
        content = add(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
        kids.append(
            add(
                f"<< /Type /Page /Parent {tree} 0 R /MediaBox [0 0 595 842] /Contents {content} 0 R "
                f"/Resources << /Font << /F1 {font} 0 R >> >> >>"
            )
        )
    objects[tree - 1] = (
        f"<< /Type /Pages /Count {len(kids)} /Kids [{' '.join(f'{k} 0 R' for k in kids)}] >>".encode()
    )
    outlines = ""
    if bookmarks:
        root = len(objects) + 1
        first, last = root + 1, root + len(bookmarks)
        add(f"<< /Type /Outlines /First {first} 0 R /Last {last} 0 R /Count {len(bookmarks)} >>")
        for place, (name, page) in enumerate(bookmarks):
            following = f"/Next {first + place + 1} 0 R" if place + 1 < len(bookmarks) else ""
            before = f"/Prev {first + place - 1} 0 R" if place else ""
            add(
                f"<< /Title ({name}) /Parent {root} 0 R {following} {before} /Dest [{kids[page]} 0 R /XYZ 0 800 0] >>"
            )
        outlines = f"/Outlines {root} 0 R"
    catalogue = add(f"<< /Type /Catalog /Pages {tree} 0 R {outlines} >>")
    info = add(f"<< /Title ({title}) >>")
    out, offsets = BytesIO(b""), []
    out.write(b"%PDF-1.7\n")
    for number, body in enumerate(objects, start=1):
        offsets.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    start = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    out.write(b"".join(b"%010d 00000 n \n" % offset for offset in offsets))
    guard = (
        f"/Encrypt << /Filter /Standard /V 2 /R 3 /Length 128 /P -44 /O <{'61' * 32}> /U <{'62' * 32}> >> "
        f"/ID [<{'63' * 16}> <{'63' * 16}>]"
        if encrypted
        else ""
    )
    trailer = f"trailer\n<< /Size {len(objects) + 1} /Root {catalogue} 0 R /Info {info} 0 R {guard} >>\n"
    out.write(f"{trailer}startxref\n{start}\n%%EOF\n".encode())
    return out.getvalue()


def make_zip(parts):
    """Return an archive of parts, name to text or bytes."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def paragraph(text, style="", inside=""):
    """Return a Word paragraph."""
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{properties}<w:r><w:t>{escape(text)}</w:t></w:r>{inside}</w:p>"


def make_docx(body, *, title="", **parts):
    """Return a Word document; `body` is WordprocessingML, or texts for paragraphs with optional style."""
    if not isinstance(body, str):
        body = "".join(paragraph(*each) if isinstance(each, tuple) else paragraph(each) for each in body)
    return make_zip(
        {
            "[Content_Types].xml": TYPES,
            "word/document.xml": f'<?xml version="1.0" encoding="UTF-8"?><w:document {W}><w:body>{body}</w:body></w:document>',
            **({"docProps/core.xml": core(title)} if title else {}),
            **parts,
        }
    )


def core(title):
    """Return an Office document's properties."""
    return f'<c:p xmlns:c="urn:c" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{escape(title)}</dc:title></c:p>'


def make_pptx(slides):
    """Return a presentation; each slide is (title, texts) or (title, texts, notes)."""
    p = 'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
    a = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
    rel = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'

    def shape(text, place=""):
        holder = f'<p:nvPr><p:ph type="{place}"/></p:nvPr>' if place else "<p:nvPr/>"
        return f"<p:sp><p:nvSpPr>{holder}</p:nvSpPr><p:txBody><a:p><a:r><a:t>{escape(text)}</a:t></a:r></a:p></p:txBody></p:sp>"

    ids = "".join(f'<p:sldId id="{256 + n}" r:id="rId{n}"/>' for n in range(1, len(slides) + 1))
    parts = {
        "[Content_Types].xml": TYPES,
        "ppt/presentation.xml": f'<p:presentation {p} xmlns:r="{RELATIONS}"><p:sldIdLst>{ids}</p:sldIdLst></p:presentation>',
        "ppt/_rels/presentation.xml.rels": f"<Relationships {rel}>"
        + "".join(
            f'<Relationship Id="rId{n}" Type="{RELATIONS}/slide" Target="slides/slide{n}.xml"/>'
            for n in range(1, len(slides) + 1)
        )
        + "</Relationships>",
    }
    for number, (title, texts, *notes) in enumerate(slides, start=1):
        shapes = shape(title, "title") + "".join(map(shape, texts))
        parts[f"ppt/slides/slide{number}.xml"] = (
            f"<p:sld {p} {a}><p:cSld><p:spTree>{shapes}</p:spTree></p:cSld></p:sld>"
        )
        if notes:
            parts[f"ppt/slides/_rels/slide{number}.xml.rels"] = (
                f'<Relationships {rel}><Relationship Id="r1" Type="{RELATIONS}/notesSlide" '
                f'Target="../notesSlides/notes{number}.xml"/></Relationships>'
            )
            parts[f"ppt/notesSlides/notes{number}.xml"] = (
                f"<p:notes {p} {a}><p:spTree>{shape(notes[0], 'body')}</p:spTree></p:notes>"
            )
    return make_zip(parts)


def make_xlsx(sheets, **parts):
    """Return a workbook; sheets is name to rows of cells."""
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    rel = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'

    def cell(value, column, row):
        place = f"{chr(65 + column)}{row}"
        if isinstance(value, int | float):
            return f'<c r="{place}"><v>{value}</v></c>'
        return f'<c r="{place}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'

    listed = "".join(
        f'<sheet name="{escape(n)}" sheetId="{i}" r:id="rId{i}"/>' for i, n in enumerate(sheets, start=1)
    )
    made = {
        "[Content_Types].xml": TYPES,
        "_rels/.rels": f'<Relationships {rel}><Relationship Id="r1" Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook {main} xmlns:r="{RELATIONS}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f"<Relationships {rel}>"
        + "".join(
            f'<Relationship Id="rId{i}" Type="{RELATIONS}/worksheet" Target="worksheets/sheet{i}.xml"/>'
            for i in range(1, len(sheets) + 1)
        )
        + "</Relationships>",
    }
    for number, rows in enumerate(sheets.values(), start=1):
        data = "".join(
            f'<row r="{r}">{"".join(cell(value, c, r) for c, value in enumerate(row))}</row>'
            for r, row in enumerate(rows, start=1)
        )
        made[f"xl/worksheets/sheet{number}.xml"] = (
            f"<worksheet {main}><sheetData>{data}</sheetData></worksheet>"
        )
    return make_zip(made | parts)


def make_mail(subject, text="", html="", attachments=()):
    """Return an e-mail; attachments are (name, media type, bytes)."""
    message = EmailMessage()
    message["From"] = "Ada Lovelace <ada@example.com>"
    message["To"] = "Charles <charles@example.com>"
    message["Date"] = "Mon, 05 Oct 2026 09:30:00 +0200"
    message["Subject"] = subject
    if text:
        message.set_content(text)
    if html:
        (message.add_alternative if text else message.set_content)(html, subtype="html")
    for name, media_type, content in attachments:
        main, sub = media_type.split("/")
        message.add_attachment(content, maintype=main, subtype=sub, filename=name)
    return message.as_bytes()


def make_bomb(name="word/document.xml", megabytes=400):
    """Return an Office document that unpacks to far more than it holds."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("[Content_Types].xml", TYPES)
        with archive.open(name, "w", force_zip64=True) as part:
            for _ in range(megabytes):
                part.write(b" " * 1024 * 1024)
    return out.getvalue()
