"""Reads report.xlsx with openpyxl and events.parquet with pyarrow and DuckDB, and prints what they hold.

{"xlsx": {"sheets": {...}, "text": [...]}, "parquet": {...}, "duckdb": {...}}; sums are by part, kind
and currency, in cents, as text "events/cents".
"""

import json
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import openpyxl
import pyarrow.parquet

DECIMALS = {"JPY": 0}
PARTS = {
    "tracked": "tracked",
    "already_tracked": "tracked",
    "non_referral": "non_referral",
    "failed": "failed",
    "unconfirmed": "failed",
    "not_sent": "failed",
}


def add(sums, part, kind, currency, cents):
    count, total = sums.setdefault(part, {}).get(f"{kind} {currency or ''}", (0, 0))
    sums[part][f"{kind} {currency or ''}"] = (count + 1, total + (cents or 0))


def cents_of(cell, currency):
    """The cents of a cell that has to be a number, in its currency's format."""
    if cell.value is None:
        return 0
    assert isinstance(cell.value, (int, float)), repr(cell.value)
    decimals = DECIMALS.get(currency, 2)
    shown = "#,##0" + ("." + "0" * decimals if decimals else "") + f" [${currency}]"
    assert cell.number_format == shown, cell.number_format
    cents = Decimal(repr(cell.value)) * 10**decimals
    assert cents == cents.to_integral_value(), cell.value
    return int(cents)


def table(sheet):
    rows = sheet.iter_rows()
    header = [cell.value for cell in next(rows)]
    assert sheet.freeze_panes == "A2", sheet.freeze_panes
    assert sheet.auto_filter.ref is not None
    for row in rows:
        yield dict(zip(header, row))


def xlsx(path):
    book = openpyxl.load_workbook(path)
    values = openpyxl.load_workbook(path, data_only=True)
    sums, rows, formulas = {}, {}, 0
    for sheet in book:
        name = sheet.title.split(" ")[0].lower().replace("-", "_")
        if name in ("tracked", "non_referral", "failed"):
            for row in table(sheet):
                part = PARTS[row["outcome"].value]
                assert part == name, (part, name)
                currency = row["currency"].value
                add(sums, part, row["kind"].value, currency, cents_of(row["amount"], currency))
                for column in ("created_at", "first_attempt_at", "settled_at"):
                    assert row[column].value is None or row[column].is_date, row[column].value
        elif name in ("held", "rejected"):
            rows[name] = rows.get(name, 0) + sum(1 for _ in table(sheet))
        if name != "balance":
            for row in sheet.iter_rows():
                formulas += sum(cell.data_type == "f" for cell in row)
    differences = 0
    sheet = values["Balance"]
    header = [cell.value for cell in sheet[1]]
    for row in sheet.iter_rows(min_row=2, values_only=True):
        assert len(row) == len(header)
        for at, title in enumerate(header):
            if title == "difference":
                assert row[at] == 0, row
                differences += 1
        # What is read is what the plan made of it, and what was to be sent what came of it.
        figures = [Decimal(repr(value)) for value in row[3:]]
        assert figures[0] == sum(figures[1:7]), row
        assert figures[8] == sum(figures[9:15]), row
    assert differences > 0
    summary = {}
    for row in values["Summary"].iter_rows(values_only=True):
        if row[0] in ("read", "with events", "ignored", "rejected") and row[2] is None:
            summary[row[0]] = row[1]
    return {
        "sums": sums,
        "rows": rows,
        "formulas": formulas,
        "sheets": book.sheetnames,
        "summary": summary,
    }


def parquet(path):
    table = pyarrow.parquet.read_table(path)
    kinds = {field.name: str(field.type) for field in table.schema}
    for name in ("created_at", "first_attempt_at", "settled_at"):
        assert kinds[name] == "timestamp[ms, tz=UTC]", kinds[name]
    for name in ("amount_cents", "commission_cents", "line", "attempts", "http_status"):
        assert kinds[name] == "int64", kinds[name]
    sums = {}
    for row in table.to_pylist():
        add(sums, PARTS[row["outcome"]], row["kind"], row["currency"], row["amount_cents"])
    return {"sums": sums, "columns": table.column_names}


def duck(path):
    rows = duckdb.execute(
        "SELECT outcome, kind, currency, count(*), sum(coalesce(amount_cents, 0))"
        " FROM read_parquet(?) GROUP BY ALL",
        [str(path)],
    ).fetchall()
    sums = {}
    for outcome, kind, currency, count, cents in rows:
        part = sums.setdefault(PARTS[outcome], {})
        before = part.get(f"{kind} {currency or ''}", (0, 0))
        part[f"{kind} {currency or ''}"] = (before[0] + count, before[1] + int(cents))
    return {"sums": sums}


def main():
    directory = Path(sys.argv[1])
    found = {"xlsx": xlsx(directory / "report.xlsx")}
    if (directory / "events.parquet").exists():
        found["parquet"] = parquet(directory / "events.parquet")
        found["duckdb"] = duck(directory / "events.parquet")
    json.dump(found, sys.stdout)


main()
