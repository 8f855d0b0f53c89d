"""Places that several processes share."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

from appliance.dimse.places import Crowd, Places
from tests.support.files import ROOT


def test_each_place_is_taken_once_at_a_time() -> None:
    places = Places(3)
    taken = [places.take() for _ in range(4)]
    assert taken == [0, 1, 2, None]
    places.free(1)
    assert places.take() == 1
    places.close()


def test_the_first_places_may_be_spared_for_others() -> None:
    places = Places(4)
    assert [places.take(spare=2) for _ in range(3)] == [2, 3, None]
    assert [places.take() for _ in range(3)] == [0, 1, None]
    places.close()


def in_processes(body: str) -> str:
    """Run `body` in a process without threads, which may fork."""
    script = "import os, signal\nfrom appliance.dimse.places import Crowd, Places\n" + textwrap.dedent(body)
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=False,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_places_count_across_processes_and_are_freed_by_death() -> None:
    told = in_processes("""
        places = Places(2)
        came, go = os.pipe(), os.pipe()
        if (pid := os.fork()) == 0:
            os.write(came[1], str(places.take()).encode())
            os.read(go[0], 1)
            os._exit(0)
        print(os.read(came[0], 1).decode(), places.take(), places.take())
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        print(places.take(), places.take())
    """)
    assert told.split() == ["0", "1", "None", "0", "None"]


def test_the_least_busy_process_is_asked_first() -> None:
    told = in_processes("""
        crowd = Crowd(2)
        if (pid := os.fork()) == 0:
            crowd.be(1)
            crowd.tell(2)
            os._exit(0)
        os.waitpid(pid, 0)
        crowd.be(0)
        for mine in (0, 2, 3):
            crowd.tell(mine)
            print(crowd.is_our_turn())
    """)
    assert told.split() == ["True", "True", "False"]


def test_that_the_least_busy_took_one_is_told_and_that_it_lost_one_is_not() -> None:
    told = in_processes("""
        crowd = Crowd(2)
        crowd.tell(2)
        seen = [crowd.least()]
        for connections in (1, 0, 1):
            if (pid := os.fork()) == 0:
                crowd._mine = 1
                crowd.tell(connections)
                os._exit(0)
            os.waitpid(pid, 0)
            seen.append(crowd.least())
        print(*(new != old for old, new in zip(seen, seen[1:])))
    """)
    assert told.split() == ["True", "False", "True"]


def test_alone_it_is_always_our_turn() -> None:
    crowd = Crowd()
    crowd.tell(7)
    assert crowd.is_our_turn()


def test_an_owners_places_count_across_processes_and_no_more_after_its_death() -> None:
    told = in_processes("""
        places = Places(8)
        came, go = os.pipe(), os.pipe()
        if (pid := os.fork()) == 0:
            counts = [places.own(places.take(), "a"), places.own(places.take(), "a")]
            os.write(came[1], bytes(counts))
            os.read(go[0], 1)
            os._exit(0)
        print(*os.read(came[0], 2))
        third = places.take()
        print(places.own(third, "b"), places.own(third, "a"))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        print(places.own(third, "a"))
    """)
    assert told.split() == ["1", "2", "1", "3", "1"]
