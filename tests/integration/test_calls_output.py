"""What calls write and what they use: shown, kept and measured for each, in each backend."""

import os
import subprocess
import sys
import time

import pytest
from waiting import until

from nbfaas import remote
from nbfaas.model.records import LogWritten

pytestmark = pytest.mark.usefixtures("service")

MB = 1024 * 1024


def test_output_is_kept_with_the_call_in_the_order_it_was_written():
    @remote
    def talk():
        print("out")
        print("err", file=sys.stderr)
        sys.stdout.write("no newline")

    call = talk.spawn()
    call.result(20)
    assert call.logs == "out\nerr\nno newline"


def test_output_past_the_streams_of_python_is_kept_too():
    @remote
    def talk():
        os.write(1, b"raw\n")
        os.write(2, b"raw error\n")
        subprocess.run(["sh", "-c", "echo child; echo child error >&2"], check=True)

    call = talk.spawn()
    call.result(20)
    assert sorted(call.logs.splitlines()) == ["child", "child error", "raw", "raw error"]


def test_carriage_returns_and_any_bytes_are_kept_as_they_are(records):
    @remote
    def talk():
        print("10 %\r20 %\r", end="")
        os.write(1, b"\xff\xfe\n")

    call = talk.spawn()
    call.result(20)
    written = b"".join(record.data for record in records if isinstance(record, LogWritten))
    assert written == b"10 %\r20 %\r\xff\xfe\n"
    assert call.logs == "10 %\r20 %\r\ufffd\ufffd\n"


def test_output_is_told_while_the_call_still_runs():
    @remote
    def talk():
        print("begun")
        time.sleep(60)

    call = talk.spawn()
    until(lambda: call.logs == "begun\n")
    assert call.running()
    call.cancel()


def test_each_item_of_a_map_has_the_output_it_wrote():
    @remote(max_containers=2)
    def talk(n):
        print("item", n)
        os.write(1, f"raw {n}\n".encode())

    run = talk.map(range(50))
    run.wait(20)
    for n in range(50):
        assert sorted(run[n].logs.splitlines()) == [f"item {n}", f"raw {n}"]


def test_a_call_that_is_waited_for_shows_its_output_here(capsys):
    @remote
    def talk():
        print("größer")
        print("oops", file=sys.stderr)

    talk.remote()
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("größer\n", "oops\n")


def test_a_map_shows_whole_lines_with_the_number_of_their_item(capsys):
    @remote(max_containers=1)
    def talk(n):
        print("item", n)

    talk.map(range(3)).results()
    assert capsys.readouterr().out == "[0] item 0\n[1] item 1\n[2] item 2\n"


def test_output_is_not_shown_where_that_is_switched_off(capsys, setting):
    setting(echo=False)

    @remote
    def talk():
        print("quiet")

    @remote
    def talk_of(n):
        print("quiet", n)

    talk.remote()
    talk_of.map(range(3)).results()
    assert capsys.readouterr().out == ""


def test_output_past_the_limit_is_cut_with_its_end_and_a_marker(setting):
    setting(log_limit=100_000)

    @remote
    def flood():
        for n in range(100_000):
            print("line", n)
        print("the end")
        return "done"

    call = flood.spawn()
    assert call.result(30) == "done"
    assert call.logs.startswith("line 0\nline 1\n")
    assert "of output cut: the limit is 97.7 KB for each call" in call.logs
    assert call.logs.endswith("line 99999\nthe end\n")
    assert len(call.logs) < 120_000


def test_a_gigabyte_of_output_neither_takes_its_memory_nor_its_time():
    @remote
    def flood():
        chunk = b"x" * MB
        for _ in range(1024):
            os.write(1, chunk)
        print("\nthe end")

    before = _resident()
    call = flood.spawn()
    call.result(60)
    assert _resident() - before < 64 * MB
    assert len(call.logs) < 2 * MB
    assert "of output cut" in call.logs
    assert call.logs.endswith("the end\n")


def _resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


# -- figures


def test_the_figures_of_a_call_are_those_of_the_call_alone():
    @remote(max_containers=1, memory="512MB")
    def work(megabytes, seconds):
        data = bytearray(megabytes * 1024 * 1024)
        end = time.process_time() + seconds
        while time.process_time() < end:
            pass
        return len(data)

    small, large, again = work.map([0, 100, 0], [0.0, 0.2, 0.0]).calls
    for call in (small, large, again):
        call.result(20)
    assert large.stats.peak_memory > again.stats.peak_memory + 80 * MB
    assert 0 < small.stats.peak_memory < 80 * MB
    assert large.stats.user + large.stats.system >= 0.19
    assert again.stats.user + again.stats.system < 0.15
    assert large.stats.wall >= 0.19 > again.stats.wall
    assert large.stats.overhead >= 0
    assert again.stats.queued > 0.19, "it waited for the one before it"
    assert small.stats.started_at == pytest.approx(time.time(), abs=30)
    assert "peak 1" in str(large.stats)


def test_the_processes_a_call_starts_count_as_its_own():
    @remote
    def work():
        code = "import time\nwhile time.process_time() < 0.3: pass"
        subprocess.run([sys.executable, "-c", code], check=True)

    call = work.spawn()
    call.result(20)
    assert call.stats.user + call.stats.system >= 0.29


def test_only_the_first_call_in_a_sandbox_is_a_cold_start():
    # Another size of /tmp than the prewarmed sandboxes': one has to be started for it.
    @remote(max_containers=1, scratch="10MB")
    def nothing():
        pass

    first, second = nothing.spawn(), nothing.spawn()
    first.result(20), second.result(20)
    assert first.stats.cold_start
    assert not second.stats.cold_start
    assert first.stats.sandbox == second.stats.sandbox


def test_what_goes_past_pythons_streams_keeps_its_place(service):
    @remote(cpu=0.2)
    def mixed():
        for number in range(20):
            os.write(1, f"{number} raw\n".encode())
            print(number, "printed")

    call = mixed.spawn()
    call.result()
    expected = [f"{number} {how}" for number in range(20) for how in ("raw", "printed")]
    assert call.logs.splitlines() == expected


def test_many_short_lines_are_not_taken_for_a_flood(service):
    @remote(cpu=0.2)
    def lines():
        for _ in range(20_000):
            print("x" * 20)

    call = lines.spawn()
    call.result()
    assert call.logs == ("x" * 20 + "\n") * 20_000
