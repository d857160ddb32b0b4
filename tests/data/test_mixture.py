import math
import re
from collections import Counter
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.data.document import Document
from common.data.mixture import mix, mixture_sizes, mixture_weights

SIZES = {"web": 9000, "books": 900, "code": 100}
sizes_of_sources = st.dictionaries(
    st.sampled_from("abcde"), st.integers(1, 10**13), min_size=1, max_size=5
)


def sources(**counts):
    return {
        name: [Document(f"{name}{i}", "", name[0] * (5 + i % 4)) for i in range(count)]
        for name, count in counts.items()
    }


def bytes_of(documents):
    return sum(len(document.text.encode()) for document in documents)


def test_weights_at_temperature_1_are_proportional():
    assert mixture_weights({"web": 5, "books": 2, "code": 1}) == {
        "web": 0.625,
        "books": 0.25,
        "code": 0.125,
    }


def test_weights_at_temperature_2_are_proportional_to_roots():
    weights = mixture_weights({"web": 1600, "books": 100}, temperature=2)
    assert weights == {"web": 0.8, "books": 0.2}


def test_weights_at_infinite_temperature_are_equal():
    assert mixture_weights(SIZES, temperature=math.inf) == dict.fromkeys(SIZES, 1 / 3)


@given(sizes_of_sources, st.floats(0.3, 50))
def test_weights_sum_to_1_in_the_order_of_sizes(sizes, temperature):
    weights = mixture_weights(sizes, temperature=temperature)
    assert math.isclose(sum(weights.values()), 1)
    by_size = sorted(sizes, key=sizes.get)
    assert sorted(weights.values()) == [weights[name] for name in by_size]


def test_sizes_follow_the_weights():
    parts = mixture_sizes(SIZES, 1000, weights={"web": 0.5, "books": 0.3, "code": 0.2})
    assert parts == {"web": 500, "books": 300, "code": 200}


def test_sizes_give_to_others_what_a_source_may_not_give():
    # code may give 400; the 600 that it lacks go 5 : 3 to the others
    parts = mixture_sizes(SIZES, 5000, weights={"web": 0.5, "books": 0.3, "code": 0.2})
    assert parts == {"web": 2875, "books": 1725, "code": 400}


def test_sizes_give_nothing_from_a_source_without_weight():
    assert mixture_sizes(SIZES, 90, weights={"web": 1, "books": 0, "code": 0}) == {
        "web": 90,
        "books": 0,
        "code": 0,
    }


@given(sizes_of_sources, st.floats(0, 1), st.floats(0.3, 9), st.data())
def test_sizes_sum_to_the_total_within_the_limits(sizes, part, max_epochs, data):
    weights = {name: data.draw(st.floats(0.001, 1)) for name in sizes}
    limits = {name: math.floor(max_epochs * size) for name, size in sizes.items()}
    total = int(part * sum(limits.values()))
    parts = mixture_sizes(sizes, total, weights=weights, max_epochs=max_epochs)
    assert sum(parts.values()) == total
    assert all(0 <= parts[name] <= limits[name] for name in sizes)


def test_mix_gives_each_source_its_part_to_within_half_a_document():
    counts = Counter()
    for name, document in mix(sources(web=200, books=40), 900, weights={"web": 2, "books": 1}):
        counts[name] += bytes_of([document])
    assert abs(counts["web"] - 600) <= 4 and abs(counts["books"] - 300) <= 4


@given(st.integers(1, 3), st.integers(0, 2000), st.integers(0, 9))
def test_mix_keeps_the_proportion_in_every_beginning(weight, total, seed):
    parts = {"a": total * weight / (weight + 1), "b": total / (weight + 1)}
    counts = {"a": 0, "b": 0}
    for name, document in mix(sources(a=90, b=90), total, weights={"a": weight, "b": 1}, seed=seed):
        counts[name] += bytes_of([document])
        ahead = counts["a"] * parts["b"] - counts["b"] * parts["a"]
        assert abs(ahead) <= 4 * (parts["a"] + parts["b"]) + 8


def test_mix_counts_bytes_and_gives_a_document_whose_middle_is_within_the_part():
    document = Document("a", "", "é" * 10)
    assert list(mix({"web": [document]}, 10, weights={"web": 1})) == [("web", document)]
    assert list(mix({"web": [document]}, 9, weights={"web": 1})) == []
    assert len(list(mix({"web": [document]}, 30, weights={"web": 1}))) == 2


def test_mix_reads_a_source_whole_before_it_reads_it_again():
    [books] = sources(books=10).values()
    total = 3 * bytes_of(books)
    ids = [document.id for _, document in mix({"books": books}, total, weights={"books": 1})]
    readings = [ids[:10], ids[10:20], ids[20:]]
    assert all(sorted(reading) == sorted({d.id for d in books}) for reading in readings)
    assert readings[0] != readings[1] != readings[2]


def test_mix_does_not_depend_on_the_order_of_documents():
    given_sources = sources(web=50, books=9)
    turned = {name: documents[::-1] for name, documents in given_sources.items()}
    weights = {"web": 1, "books": 1}
    assert list(mix(given_sources, 200, weights=weights)) == list(mix(turned, 200, weights=weights))


def test_mix_depends_on_the_seed():
    weights = {"web": 1}
    first, second = (
        [d.id for _, d in mix(sources(web=50), 200, weights=weights, seed=seed)] for seed in (0, 1)
    )
    assert first != second


def test_mix_of_nothing_is_empty():
    assert list(mix(sources(web=5), 0, weights={"web": 1})) == []


def test_mix_is_lazy():
    stream = mix(sources(web=5), 10**6, weights={"web": 1}, max_epochs=10**6)
    assert len(list(islice(stream, 3))) == 3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mixture_weights({}), "a mixture needs at least one source"),
        (
            lambda: mixture_weights({"web": 0}),
            "source web has size 0, which must be at least 1, and finite",
        ),
        (
            lambda: mixture_weights(SIZES, temperature=0),
            "temperature must be positive, got 0",
        ),
        (
            lambda: mixture_sizes({"web": 10}, 41, weights={"web": 1}),
            "total 41 must lie in 0..40, which is max_epochs 4.0 of every source with a weight",
        ),
        (
            lambda: mixture_sizes({"web": 10, "books": 9}, 41, weights={"web": 1, "books": 0}),
            "total 41 must lie in 0..40, which is max_epochs 4.0 of every source with a weight",
        ),
        (
            lambda: mixture_sizes({"web": 10}, -1, weights={"web": 1}),
            "total -1 must lie in 0..40, which is max_epochs 4.0 of every source with a weight",
        ),
        (
            lambda: mixture_sizes({"web": 10}, 5, weights={"web": math.inf}),
            "weight inf of source web must not be negative or infinite",
        ),
        (
            lambda: mixture_sizes({"web": 10}, 5, weights={"web": 1}, max_epochs=math.inf),
            "max_epochs must be positive and finite, got inf",
        ),
        (
            lambda: mixture_sizes({"web": 10}, 0, weights={"web": 1}, max_epochs=-1),
            "max_epochs must be positive and finite, got -1",
        ),
        (
            lambda: mixture_sizes({"web": 10}, 5, weights={"wed": 1}),
            "weights for ['wed'] do not fit sources ['web']",
        ),
        (
            lambda: mixture_sizes({"web": 10}, 5, weights={"web": -1}),
            "weight -1 of source web must not be negative or infinite",
        ),
    ],
)
def test_error_says_the_rule_and_the_numbers(call, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        call()


@pytest.mark.parametrize("size", [0, math.nan, math.inf])
def test_sizes_that_are_none_are_refused(size):
    with pytest.raises(ValueError, match=f"source b has size {size}, which must be"):
        mixture_weights({"a": 1, "b": size})


@pytest.mark.parametrize("total", [0.5, math.nan, math.inf])
def test_total_that_is_no_whole_number_is_refused(total):
    with pytest.raises(ValueError, match=f"total must be a whole number, got {total}"):
        mixture_sizes({"a": 9}, total, weights={"a": 1})


def test_whole_number_written_as_a_float_is_a_total():
    assert mixture_sizes({"a": 9, "b": 9}, 1e1, weights={"a": 1, "b": 1}) == {"a": 5, "b": 5}


def test_mix_reads_a_generator_as_often_as_a_list():
    """A generator that is empty after its sizes are known would be read for ever."""
    documents = [Document("x", "", "abc"), Document("y", "", "de")]
    mixed, again = (mix({"a": made}, 10, weights={"a": 1}) for made in (iter(documents), documents))
    assert list(islice(mixed, 9)) == list(again)
