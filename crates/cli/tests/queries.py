"""Runs every query of the chapter "Questions to a sweep" in the README over a sweep's folder: each finds rows, and DuckDB and polars agree.

usage: queries.py README FOLDER
"""

import math
import os
import re
import sys

import duckdb
import polars


def same(a, b):
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)
    return a == b


text = open(sys.argv[1], encoding="utf-8").read()
chapter = text.split("\n## Questions to a sweep\n", 1)[1].split("\n## ", 1)[0]
queries = re.findall(r"```sql\n(.*?)```", chapter, re.S)
snippets = re.findall(r"```python\n(.*?)```", chapter, re.S)
assert len(queries) == 5, f"{len(queries)} queries"
# The first snippet reads the files, the others answer.
assert len(snippets) == 6, f"{len(snippets)} snippets"
os.chdir(sys.argv[2])
names = {}
exec(snippets[0], names)
for query, snippet in zip(queries, snippets[1:]):
    found = duckdb.sql(query)
    rows = found.fetchall()
    assert rows, f"no row: {query}"
    exec(snippet, names)
    answer = names["answer"]
    assert answer.columns == found.columns, (answer.columns, found.columns)
    others = answer.rows()
    assert len(rows) == len(others), (query, rows, others)
    for row, other in zip(rows, others):
        assert all(same(a, b) for a, b in zip(row, other)), (query, row, other)
print(f"{len(queries)} queries, duckdb {duckdb.__version__}, polars {polars.__version__}")
