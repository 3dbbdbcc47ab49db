"""The line that shows how far a map is."""

from nbfaas.remote.map_run import Counts
from nbfaas.remote.progress import progress_line


def counts(total=0, done=0, failed=0, cancelled=0, running=0, elapsed=0.0) -> Counts:
    return Counts(total, done, failed, cancelled, running, elapsed)


def test_nothing_is_estimated_before_anything_is_done():
    assert progress_line("score", counts(total=3)) == "score: 0/3 done, 3 queued"


def test_what_is_left_is_estimated_from_the_rate_so_far():
    line = progress_line("score", counts(total=1000, done=117, failed=3, running=8, elapsed=2.0))
    assert line == "score: 117/1000 done, 8 running, 3 failed, 872 queued, 60/s, 14.7 s left"


def test_low_rates_have_a_decimal():
    assert ", 0.5/s, 18.0 s left" in progress_line("f", counts(total=10, done=1, elapsed=2.0))


def test_at_the_end_the_time_it_took_is_shown():
    line = progress_line("f", counts(total=4, done=3, cancelled=1, elapsed=2.0))
    assert line == "f: 3/4 done, 1 cancelled, 2.0/s, 2.0 s"


def test_a_map_of_nothing_is_a_line_too():
    assert progress_line("f", counts()) == "f: 0/0 done"
