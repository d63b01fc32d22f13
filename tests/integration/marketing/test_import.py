"""`manage.py import_marketing`: CSV and Parquet, progress by batches, refused rows in a file."""

import json
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command


def total(caller):
    return caller.get("/api/v1/marketing/insights").json()["totals"]["spend"]


def test_exports_are_imported_once_and_refused_rows_are_in_a_file(acme, tmp_path, capsys):
    file = tmp_path / "ads.csv"
    file.write_text(
        "id,campaign_id,spend,date\n1,007,0.10,2024-01-01\n2,007,0.20,2024-01-02\n3,007,lots,2024-01-03\n"
    )
    for said in (
        "2 stored, 0 unchanged, 0 changed, 1 refused",
        "0 stored, 2 unchanged, 0 changed, 1 refused",
    ):
        with pytest.raises(CommandError, match="row 3: spend"):
            call_command("import_marketing", acme.slug, "manual", str(file))
        assert said in capsys.readouterr().out
    assert total(acme) == 0.3
    assert json.loads((tmp_path / "ads.csv.errors").read_text()) == {
        "row": 3, "field": "spend", "error": "Input should be a valid number",
    }  # fmt: skip
    [campaign] = acme.get("/api/v1/marketing/insights").json()["top_campaigns"]
    assert campaign["campaign_id"] == "007"

    table = tmp_path / "ads.parquet"
    pq.write_table(pa.table({"id": ["4"], "spend": [2.5], "date": [date(2024, 1, 4)]}), table)
    call_command("import_marketing", acme.slug, "snowflake", str(table))
    assert total(acme) == 2.8


def test_a_file_that_is_none_says_so(acme, tmp_path):
    for name, content, said in (
        ("a.csv", b"", "name each column once"), ("b.csv", b"id,id\n1,2\n", "name each column once"),
        ("c.csv", b"id,spend\n1\n", "number of cells"), ("d.csv", b"id,spend\n\xff,1\n", "codec"), ("e.parquet", b"PAR", "e.parquet"),
        ("missing.csv", None, "No such file"),
    ):  # fmt: skip
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(CommandError, match=said):
            call_command("import_marketing", acme.slug, "manual", str(tmp_path / name))
    assert total(acme) is None
