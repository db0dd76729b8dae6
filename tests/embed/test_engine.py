import contextlib
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from reprcheck.datasets.images.values import FACTS, Values, measure
from reprcheck.digest import digest
from reprcheck.embed.cache import Cache
from reprcheck.embed.engine import count_missing, embed, load_decoded
from reprcheck.embed.fill import SHARD, ImageView
from reprcheck.errors import UserError
from reprcheck.types import Image


@dataclass
class Source:
    """Images by number; ``names`` stand for files, which may change without their pixels changing."""

    numbers: list[int]
    names: list[str] = field(default_factory=list)
    reads: list[int] = field(default_factory=list)

    def content(self, index):
        return digest(self.names[index] if self.names else "", self.numbers[index])

    def read(self, index):
        self.reads.append(index)
        return Image(np.random.default_rng(self.numbers[index]).random((2, 8, 8), np.float32))


@dataclass
class Means:
    """Counts what it is shown."""

    weight: float = 1.0
    shown: int = 0
    name: str = "means"

    def digest(self):
        return digest("means", self.weight)

    def encode(self, images):
        self.shown += len(images)
        return np.stack([i.pixels.mean((1, 2)) * self.weight for i in images]).astype(np.float32)


@contextlib.contextmanager
def quiet(total, title):
    yield lambda _: None


def run(source, *encoders, cache, channels=(0, 1), rows=None):
    rows = np.arange(len(source.numbers)) if rows is None else np.asarray(rows)
    return embed(ImageView(source, rows, channels), encoders, cache, quiet)


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path)


def test_vectors_are_the_encoders_in_the_order_asked(cache):
    source, encoder = Source([5, 3, 4]), Means()
    (block,) = run(source, encoder, cache=cache, rows=[2, 0])
    expected = encoder.encode([source.read(2), source.read(0)])
    assert np.array_equal(block.vectors, expected)


def test_what_lacks_is_counted_without_decoding(cache):
    encoders, source = [Means(), Means(weight=2.0)], Source([1, 2, 3, 4])
    run(source, encoders[0], cache=cache, rows=[0, 1])
    run(source, encoders[1], cache=cache, rows=[1, 2, 3])
    source.reads.clear()
    assert count_missing(ImageView(source, np.arange(4), (0, 1)), encoders, cache) == (2, 1)
    assert source.reads == []


def test_a_second_run_decodes_and_encodes_nothing(cache):
    (first,) = run(Source([1, 2, 3]), Means(), cache=cache)
    source, encoder = Source([1, 2, 3]), Means()
    (second,) = run(source, encoder, cache=cache)
    assert (encoder.shown, source.reads) == (0, [])
    assert second.digest == first.digest
    assert np.array_equal(second.vectors, first.vectors)


@dataclass
class Remarked(Source):
    """Even images are remarked on, each in its own words."""

    def read(self, index):
        number = self.numbers[index]
        return replace(super().read(index), remarks=("turned", "é" * number) if number % 2 == 0 else ())


def test_remarks_outlast_the_run_that_decoded(cache):
    expected = [("turned", "é" * 4), (), ("turned", "é" * 20), ()]
    run(Remarked([4, 5, 20, 7]), Means(), cache=cache)
    source = Remarked([4, 5, 20, 7])
    assert [image.remarks for image in load_decoded(ImageView(source, np.arange(4), (0, 1)), cache)] == expected
    assert source.reads == []
    run(Remarked([1, 2, 3]), Means(), cache=cache)
    some = load_decoded(ImageView(source, np.array([2, 0]), (0, 1)), cache)
    assert [image.remarks for image in some] == [expected[2], expected[0]]


def test_two_files_of_the_same_pixels_keep_their_own_remarks(cache):
    class Either(Source):
        def read(self, index):
            return replace(super().read(index), remarks=("inverted",) if index else ())

    source = Either([3, 3], names=["plain", "inverted"])
    run(source, Means(), cache=cache)
    assert [image.remarks for image in load_decoded(ImageView(source, np.arange(2), (0, 1)), cache)] == [
        (),
        ("inverted",),
    ]


def test_two_files_of_the_same_pixels_keep_facts_of_their_own_values(cache):
    class Depths(Source):
        def read(self, index):
            shallow = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)
            stored = shallow * np.uint16(257) if index else shallow
            return Image((shallow / 255).astype(np.float32), values=measure(stored, None))

    encoder = Means()
    run(Depths([3, 3], names=["8 bits", "16 bits"]), encoder, cache=cache, rows=[0, 1])
    source = Depths([3, 3], names=["8 bits", "16 bits"])
    shown = ImageView(source, np.arange(2), (1,))
    run(source, Means(), cache=cache, rows=[0, 1])
    assert source.reads == []
    values = Values(np.stack([image.values for image in load_decoded(ImageView(source, np.arange(2), (0, 1)), cache)]))
    assert values["bits"].tolist() == [[8, 8], [16, 16]]
    assert values["highest"].tolist() == [[8, 17], [8 * 257, 17 * 257]]
    assert encoder.shown == 1  # the pixels are the same
    embed(shown, [Means()], cache, quiet)
    assert [image.values.shape for image in load_decoded(shown, cache)] == [(1, len(FACTS))] * 2


def test_one_more_image_costs_one_more_embedding(cache):
    run(Source([1, 2, 3]), Means(), cache=cache)
    encoder = Means()
    run(Source([1, 9, 2, 3]), encoder, cache=cache)
    assert encoder.shown == 1


def test_a_renamed_file_costs_no_embedding(cache):
    (first,) = run(Source([1, 2], ["a", "b"]), Means(), cache=cache)
    encoder = Means()
    (second,) = run(Source([1, 2], ["c", "d"]), encoder, cache=cache)
    assert encoder.shown == 0
    assert second.digest == first.digest


def test_one_changed_image_weight_or_channel_is_a_miss(cache):
    (first,) = run(Source([1, 2, 3]), Means(), cache=cache)
    for source, encoder, channels, misses in [
        (Source([1, 2, 4]), Means(), (0, 1), 1),
        (Source([1, 2, 3]), Means(weight=1.5), (0, 1), 3),
        (Source([1, 2, 3]), Means(), (1,), 3),
    ]:
        (block,) = run(source, encoder, cache=cache, channels=channels)
        assert encoder.shown == misses
        assert block.digest != first.digest


def test_types_are_in_the_identity_of_an_image_that_has_them_and_in_no_other(cache):
    image, types = Source([1]).read(0), np.ones((8, 8), np.int32)

    class Typed(Source):
        def read(self, index):
            return replace(image, mask=types, types=None if self.numbers[index] else types * 2)

    encoder = Means()
    (block,) = run(Typed([0, 1]), encoder, cache=cache)
    assert block.ids == (digest(image.pixels, types, types * 2), digest(image.pixels, types))
    assert encoder.shown == 2
    assert ImageView(Typed([0]), np.arange(1), (1,)).read(0).types is not None


def test_images_are_decoded_once_for_all_encoders(cache):
    source = Source([1, 2, 3])
    run(source, Means(1.0), Means(2.0), Means(3.0), cache=cache)
    assert sorted(source.reads) == [0, 1, 2]


def test_the_same_image_twice_is_encoded_once(cache):
    encoder = Means()
    (block,) = run(Source([7, 7, 7]), encoder, cache=cache)
    assert encoder.shown == 1
    assert block.vectors.shape == (3, 2)


def test_a_damaged_shard_is_computed_again(cache):
    run(Source([1, 2, 3]), Means(), cache=cache)
    (shard,) = (cache.folder / "vectors").rglob("*.safetensors")
    shard.write_bytes(b"nothing")
    encoder = Means()
    with pytest.warns(UserWarning, match="damaged"):
        run(Source([1, 2, 3]), encoder, cache=cache)
    assert encoder.shown == 3


def test_a_failure_loses_nothing_already_encoded(cache):
    class Breaks(Source):
        def read(self, index):
            if index == SHARD + 70:
                raise UserError("image", "truncated")
            return super().read(index)

    numbers = list(range(SHARD + 100))
    with pytest.raises(UserError, match="truncated"):
        run(Breaks(numbers), Means(), cache=cache)
    encoder = Means()
    run(Source(numbers), encoder, cache=cache)
    assert 0 < encoder.shown <= 100


@pytest.mark.parametrize(
    "wrong",
    [
        lambda n: np.zeros((n, 2, 2), np.float32),
        lambda n: np.zeros((n + 1, 2), np.float32),
        lambda n: np.zeros(n, np.float32),
        lambda n: np.zeros((n, 2), np.int64),
    ],
)
def test_a_wrong_output_shape_is_one_clear_line_and_is_not_cached(cache, wrong):
    encoder = Means()
    encoder.encode = lambda images: wrong(len(images))
    with pytest.raises(UserError, match=r"means: wrong output shape: .* for 3 images; return float32 \[3, D\]"):
        run(Source([1, 2, 3]), encoder, cache=cache)
    assert list((cache.folder / "vectors").rglob("*.safetensors")) == []


def test_values_that_are_not_finite_are_kept_for_the_verdict(cache):
    encoder = Means(weight=float("nan"))
    (block,) = run(Source([1, 2]), encoder, cache=cache)
    assert np.isnan(block.vectors).all()
