"""What a published table or array must be, and the sentence when it isn't."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from reprcheck.datasets.public.checks import read_array, read_columns
from reprcheck.errors import UserError


def test_columns_are_text_whatever_stands_beside_them(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(",id ,grade,\n0,007,[],x\n1,1e3,2,y\n", encoding="utf-8")
    table = read_columns(path, ("grade", "id"))
    assert table.columns.tolist() == ["grade", "id"]
    assert table["id"].tolist() == ["007", "1e3"]
    assert table["grade"].isna().tolist() == [True, False]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (b"", "can't be read as a table (No columns to parse from file)"),
        (b"id\n\xff\xfe\n", "can't be read as a table ("),
        (b"id\n1\n2,3,4\n", "can't be read as a table ("),
        (b"id,grade\n1,2,3\n4,5,6\n", "rows longer than the header"),
        (b"id,grade\n", "no rows, and the published table has some"),
        (b"name,grade\n1,2\n", "no column 'id', which the published table has"),
    ],
)
def test_another_table_is_refused(tmp_path: Path, text: bytes, what: str) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(text)
    with pytest.raises(UserError) as caught:
        read_columns(path, ("id",))
    assert str(caught.value).startswith(f"{path}: {what}")
    assert "\n" not in str(caught.value)


def test_pickled_objects_are_no_array(tmp_path: Path) -> None:
    path = tmp_path / "types.npy"
    np.save(path, np.array(["Breast", None], dtype=object), allow_pickle=True)
    with pytest.raises(UserError, match="can't be read, truncated or damaged"):
        read_array(path, (None,))
