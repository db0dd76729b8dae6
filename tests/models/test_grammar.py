from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprcheck.errors import UserError
from reprcheck.models.grammar import _read, parse
from reprcheck.models.spec import Spec

from .made import elsewhere, line

letters = st.characters(exclude_categories=["Cs"])
texts = st.text(letters, max_size=20).filter(lambda text: _read(text) == text and isinstance(_read(text), str))
numbers = st.floats(allow_nan=False, allow_infinity=False).filter(lambda x: _read(repr(x)) == x)
values = st.booleans() | st.integers() | numbers | texts
keys = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True)
specs = st.builds(
    Spec,
    st.sampled_from(["emb", "py", "timm"]),
    st.text(letters, min_size=1),
    st.dictionaries(keys, values, max_size=4),
)


@given(specs)
def test_a_spec_survives_being_written(spec: Spec) -> None:
    again = parse(str(spec))
    assert again == spec
    assert [type(value) for value in again.options.values()] == [type(value) for value in spec.options.values()]


@given(st.text(letters, max_size=30))
def test_any_text_is_a_spec_or_a_user_error(text: str) -> None:
    try:
        spec = parse(text)
    except UserError:
        return
    assert parse(str(spec)) == spec


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("demo", Spec("demo")),
        ("timm:resnet18", Spec("timm", "resnet18")),
        ("timm:vit?pretrained=false&size=96", Spec("timm", "vit", {"pretrained": False, "size": 96})),
        ("py:a/b c.py:make?lr=0.5&n=007", Spec("py", "a/b c.py:make", {"lr": 0.5, "n": "007"})),
        ("emb:odd%3Fname.npy?name=a%26b", Spec("emb", "odd?name.npy", {"name": "a&b"})),
        ("timm:m?checkpoint=a=b+c.pth", Spec("timm", "m", {"checkpoint": "a=b+c.pth"})),
    ],
)
def test_texts_and_what_they_mean(text: str, spec: Spec) -> None:
    assert parse(text) == spec


def test_a_registered_name_stands_for_its_spec_and_takes_options() -> None:
    names = {"cells": "timm:resnet18?size=96", "alias": "cells", "named": "timm:x?name=y"}
    assert parse("cells", names) == Spec("timm", "resnet18", {"name": "cells", "size": 96})
    assert parse("cells?size=64", names).options["size"] == 64
    assert parse("alias", names) == Spec("timm", "resnet18", {"name": "cells", "size": 96})
    assert parse("named", names).options["name"] == "y"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dmo", "model=dmo: no model is called 'dmo'; did you mean demo?"),
        ("cels", "model=cels: no model is called 'cels'; did you mean cells?"),
        ("tflite:a", "model=tflite:a: unknown model source 'tflite'; known: clip, emb, exec, "),
        ("tim:resnet18", "model=tim:resnet18: unknown model source 'tim'; did you mean timm?"),
        ("timm:", "model=timm:: nothing follows timm:; write timm:NAME"),
        ("timm", "model=timm: nothing follows timm:; write timm:NAME"),
        ("demo:x", "model=demo:x: demo takes no target; write demo"),
        ("timm:x?size", "model=timm:x?size: option 'size' isn't key=value"),
        ("timm:x?a=1&a=2", "model=timm:x?a=1&a=2: option 'a' is given twice; keep one"),
        ("v.npy", "model=v.npy: no model is called 'v.npy'; for a file of vectors write emb:v.npy"),
        ("loop", "model=loop: no model is called 'loop'"),
    ],
)
def test_mistakes(text: str, expected: str) -> None:
    assert line(lambda: parse(text, {"cells": "demo", "loop": "loop"})).startswith(expected)


def test_a_name_that_ships_is_parsed_without_what_other_sources_need() -> None:
    code = "import sys; from reprcheck.models import parse; parse('demo?seed=1'); print('pandas' in sys.modules)"
    assert elsewhere(code) == "False"
