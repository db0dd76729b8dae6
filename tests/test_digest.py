import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprcheck.digest import digest, file_digest, installed
from reprcheck.seeding import rng, seed

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.lists(plain, max_size=3), st.lists(plain, max_size=3))
def test_two_lists_share_a_digest_only_if_they_are_the_same(a, b):
    if repr(a) == repr(b):
        assert digest(a) == digest(b)
    elif a != b:
        assert digest(a) != digest(b)


@given(st.dictionaries(st.text(), st.integers(), min_size=2))
def test_the_order_of_a_mapping_does_not_matter(mapping):
    assert digest(mapping) == digest(dict(reversed(mapping.items())))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (("ab", "c"), ("a", "bc")),
        (([1, 2], [3]), ([1], [2, 3])),
        ((1,), (1.0,)),
        ((1,), (True,)),
        (("1",), (1,)),
        ((np.zeros((2, 3)),), (np.zeros((3, 2)),)),
        ((np.zeros(2, np.float32),), (np.zeros(1, np.float64),)),
        ((None,), ("None",)),
    ],
)
def test_what_looks_alike_is_told_apart(a, b):
    assert digest(*a) != digest(*b)


def test_arrays_are_known_by_value_not_by_layout():
    x = np.arange(12).reshape(3, 4)
    assert digest(x) == digest(np.asfortranarray(x)) == digest(x[:, ::-1][:, ::-1])
    assert digest(np.array(["a", "bb"])) == digest(np.array(["a", "bb"], dtype="U9"))


def test_what_has_no_stable_bytes_is_refused():
    with pytest.raises(TypeError, match="object"):
        digest(object())


def test_another_process_agrees():
    code = "from reprcheck.digest import digest; print(digest('a', {'b': [1, 2.5]}, None))"
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert there == digest("a", {"b": [1, 2.5]}, None)


def test_a_file_is_known_by_its_bytes(tmp_path):
    (tmp_path / "a").write_bytes(b"x")
    (tmp_path / "b").write_bytes(b"x")
    assert file_digest(tmp_path / "a") == file_digest(tmp_path / "b")


def test_distributions_are_named():
    assert installed("numpy").startswith("numpy==")
    assert installed("no-such-package") == "no-such-package==none"


def test_seeds_come_from_names():
    assert seed("twin", 0) == seed("twin", 0) != seed("twin", 1)
    assert rng("a").random() == rng("a").random()
