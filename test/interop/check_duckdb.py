"""Runs the SQL of docs/catalogue.md on a catalogue, and compares what DuckDB prints with what the page says."""
import os
import re

import duckdb


def check(page, zoo):
    with open(page, encoding="utf8") as file:
        text = file.read()
    queries = re.findall(r"^```sql\n(.*?)^```\n+```\n(.*?)^```", text, re.M | re.S)
    assert len(queries) >= 1, "the page has no SQL"
    os.chdir(os.path.dirname(zoo))
    connection = duckdb.connect()
    for query, said in queries:
        rows = connection.sql(query).fetchall()
        found = "\n".join("  ".join("" if cell is None else str(cell) for cell in row) for row in rows)
        expected = "\n".join(re.sub(r"\s{2,}", "  ", line.strip()) for line in said.strip().splitlines())
        assert found == expected, f"{query}\n{found}\nthe page says\n{expected}"
    return f"{len(queries)} answers as the page has them"
