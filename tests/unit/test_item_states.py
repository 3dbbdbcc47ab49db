"""States of many items as bytes: counted, aggregated, and told as changes; the rate of a run."""

from hypothesis import given
from hypothesis import strategies as st

from nbfaas.model.invocation import InvocationState
from nbfaas.pictures.drawing import COLOURS, GLYPHS, grid
from nbfaas.pictures.histogram import histogram
from nbfaas.pictures.rate import Rate
from nbfaas.pictures.states import NAMES, change, name_of, squares, tally

DONE, FAILED = InvocationState.SUCCEEDED.code, InvocationState.FAILED.code


def test_every_state_has_a_name_a_colour_and_a_glyph_of_its_own():
    assert [name_of(state) for state in InvocationState] == list(NAMES)
    assert [state.code for state in InvocationState] == list(range(len(NAMES)))
    for looks in (COLOURS, GLYPHS):
        assert set(NAMES) <= set(looks)
        assert len({looks[name] for name in NAMES}) == len(NAMES)


def test_states_are_counted_by_name():
    counts = tally(bytes([DONE, DONE, FAILED, 0]))
    assert {name: number for name, number in counts.items() if number} == {
        "done": 2,
        "failed": 1,
        "queued": 1,
    }


def test_a_square_for_many_items_shows_the_state_that_most_asks_for_a_look():
    states = bytearray([DONE]) * 100
    states[55] = FAILED
    shown, each = squares(bytes(states), 10)
    assert each == 10
    assert shown == ["done"] * 5 + ["failed"] + ["done"] * 4
    assert squares(b"", 10) == ([], 1)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=700))
def test_a_change_makes_the_new_states_of_the_old(pairs):
    old, new = bytes(was for was, _ in pairs), bytes(now for _, now in pairs)
    part = change(old, new)
    if part is None:
        return
    places, codes = part
    made = bytearray(old)
    for number, code in enumerate(codes):
        made[int.from_bytes(places[4 * number : 4 * number + 4], "little")] = code
    assert bytes(made) == new


def test_few_changes_are_few_bytes_and_many_are_told_as_a_whole():
    old = bytes(100_000)
    new = bytearray(old)
    new[99_999] = DONE
    places, codes = change(old, bytes(new)) or (b"", b"")
    assert (len(places), len(codes)) == (4, 1)
    assert change(old, bytes([DONE]) * 100_000) is None


def test_a_rate_is_that_of_the_last_seconds():
    rate = Rate()
    for second in range(100):
        rate.add(float(second), 10 * second)
    assert rate.per_second == 10
    for second in range(100, 120):
        rate.add(float(second), 990 + 2 * (second - 99))
    assert 1.9 < rate.per_second < 2.1
    assert 9 < (rate.left(20) or 0) < 11


def test_no_end_is_foretold_while_nothing_ends():
    rate = Rate()
    assert rate.left(5) is None
    for second in range(30):
        rate.add(float(second), 7)
    assert rate.left(5) is None
    assert rate.left(0) == 0


def test_items_that_are_run_again_begin_a_new_rate():
    rate = Rate()
    rate.add(0.0, 0)
    rate.add(10.0, 1000)
    rate.add(10.5, 990)
    rate.add(11.5, 995)
    assert rate.per_second == 5


def test_a_rate_keeps_few_samples_however_often_it_is_told():
    rate = Rate()
    for step in range(100_000):
        rate.add(step / 1000, step)
    assert len(rate._samples) < 100
    assert 990 < rate.per_second < 1010


def test_a_still_picture_tells_states_by_shape_too_and_no_text_becomes_markup():
    shapes = {}
    for name in NAMES:
        drawn = grid([name], "<b>one</b>")
        shapes[name] = drawn.partition(' d="')[2].partition('"')[0]
        assert COLOURS[name] in drawn
        assert "<b>" not in drawn
    assert len(set(shapes.values())) == len(NAMES)


def test_a_picture_of_many_items_stays_small():
    states, _ = squares(bytes(range(7)) * 15_000, 2000)
    assert len(grid(states, "many")) < 100_000
    assert grid([], "none").startswith("<svg")


def test_a_histogram_counts_every_duration():
    drawn = histogram([0.001] * 5 + [10.0])
    assert "<title>5</title>" in drawn
    assert "<title>1</title>" in drawn
    assert "logarithmic" in drawn
    assert "logarithmic" not in histogram([1.0, 1.0])
