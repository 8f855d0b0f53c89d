"""A share's life: made, opened, locked, re-armed, expired, revoked."""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from appliance import events
from appliance.box import Box
from appliance.config import Shares
from appliance.dicom.model import moment
from appliance.errors import NotFoundError
from appliance.shares.sharing import NewShare, Refusal, ShareRefusedError, Sharing, Status
from appliance.storage.rows import Share
from tests.conftest import Fill
from tests.support.files import PYDICOM

CT = PYDICOM / "test_files" / "CT_small.dcm"
MR = PYDICOM / "test_files" / "MR_small.dcm"


@pytest.fixture
def uid(box: Box, fill: Fill) -> str:
    """A study that is in the box."""
    fill([CT])
    return box.storage.studies.search("", 1)[0].study_instance_uid


@pytest.fixture
def new(box: Box, uid: str) -> NewShare:
    return box.sharing.create(uid)


def code(new: NewShare) -> str:
    return new.link.rsplit("/", 1)[1]


def wrong(new: NewShare) -> str:
    return "135790" if new.pin != "135790" else "246801"


def refusal(share: Any, *arguments: Any) -> Refusal:
    with pytest.raises(ShareRefusedError) as caught:
        share(*arguments)
    return caught.value.refusal


def expire(box: Box) -> None:
    past = events.stamp(datetime.now(UTC) - timedelta(milliseconds=1))
    with box.storage.transaction():
        box.storage._db.conn.execute("UPDATE share SET expires = ?", (past,))  # type: ignore[attr-defined]


def test_a_link_is_short_random_and_under_the_public_url(box: Box, uid: str) -> None:
    made = [box.sharing.create(uid) for _ in range(5)]
    assert len({one.link for one in made}) == 5
    for one in made:
        assert re.fullmatch(re.escape(box.config.public_url) + "/s/[A-Za-z0-9_-]{22}", one.link)
        assert re.fullmatch(r"\d{6}", one.pin)


def test_neither_code_nor_pin_is_kept(box: Box, new: NewShare) -> None:
    box.close()
    kept = b"".join(path.read_bytes() for path in box.index_path.parent.iterdir())
    assert new.share.code_hash.encode() in kept
    assert code(new).encode() not in kept
    assert new.pin.encode() not in kept
    assert new.share.pin_hash.startswith("$argon2id$")


def test_it_lives_as_long_as_asked_or_as_the_box_is_told(box: Box, uid: str) -> None:
    for asked, days in ((None, 30), (1, 1), (3650, 3650)):
        left = moment(box.sharing.create(uid, asked).share.expires) - datetime.now(UTC)
        assert timedelta(days=days) - left < timedelta(minutes=1)
    for days in (0, -1, 3651):
        with pytest.raises(ValueError, match="1 to 3650 days"):
            box.sharing.create(uid, days)


def test_an_unknown_study_cannot_be_shared(box: Box) -> None:
    with pytest.raises(NotFoundError, match=r"no study 1\.2\.3"):
        box.sharing.create("1.2.3")


def test_a_weak_pin_is_refused_and_so_is_none_where_policy_wants_one(box: Box, uid: str) -> None:
    for pin in ("12345", "123456", "000000", "987654", "abcdef", "1" * 13, ""):
        with pytest.raises(ValueError, match="PIN"):
            box.sharing.create(uid, pin=pin)
    with pytest.raises(ValueError, match=r"shares\.pin is required"):
        box.sharing.create(uid, no_pin=True)
    lenient = Sharing(box.storage, Shares(pin="optional"), lambda: "https://x.example")
    assert lenient.create(uid, no_pin=True).pin == ""
    assert box.sharing.create(uid, pin="193755").pin == "193755"


def test_the_right_pin_opens_and_is_logged_and_told(box: Box, new: NewShare) -> None:
    share = box.sharing.unlock(code(new), new.pin, "192.0.2.1")
    assert share.id == new.share.id
    assert box.sharing.session(code(new), share.id, share.session_epoch).id == share.id
    assert [(one.address, one.what) for one in box.sharing.openings(share.id)] == [("192.0.2.1", "opened")]
    assert [event.detail["what"] for event in box.storage.events.since(0) if event.kind == events.SHARE_CHANGED] == [
        "created",
        "opened",
    ]


def test_a_code_that_nobody_made_is_unknown(box: Box, new: NewShare) -> None:
    assert refusal(box.sharing.look_up, "A" * 22) is Refusal.UNKNOWN
    assert refusal(box.sharing.unlock, "A" * 22, new.pin, "") is Refusal.UNKNOWN


def test_wrong_pins_count_for_the_share_s_whole_life(box: Box, new: NewShare) -> None:
    for left in range(9, 0, -1):
        with pytest.raises(ShareRefusedError) as caught:
            box.sharing.unlock(code(new), wrong(new), "")
        assert (caught.value.refusal, caught.value.attempts_left) == (Refusal.WRONG_PIN, left)
        box.sharing.unlock(code(new), new.pin, "")
    assert refusal(box.sharing.unlock, code(new), wrong(new), "") is Refusal.LOCKED
    assert box.sharing.status(box.sharing.get(new.share.id)) is Status.LOCKED
    assert refusal(box.sharing.unlock, code(new), new.pin, "") is Refusal.LOCKED
    assert box.sharing.openings(new.share.id)[0].what == "locked"


def test_parallel_guesses_get_not_one_try_more(box: Box, new: NewShare) -> None:
    outcomes: list[Refusal] = []
    together = threading.Barrier(20)

    def guess() -> None:
        together.wait()
        outcomes.append(refusal(box.sharing.unlock, code(new), wrong(new), ""))
        box.close()

    threads = [threading.Thread(target=guess) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert box.sharing.get(new.share.id).failed_attempts == 10
    assert [one.what for one in box.sharing.openings(new.share.id)].count("wrong pin") == 10
    assert len(outcomes) == 20


def test_rearming_gives_a_new_pin_and_ends_sessions(box: Box, new: NewShare) -> None:
    share = box.sharing.unlock(code(new), new.pin, "")
    for _ in range(10):
        refusal(box.sharing.unlock, code(new), wrong(new), "")
    pin = box.sharing.rearm(share.id)
    assert pin != new.pin
    assert refusal(box.sharing.session, code(new), share.id, share.session_epoch) is Refusal.NO_SESSION
    assert refusal(box.sharing.unlock, code(new), new.pin, "") is Refusal.WRONG_PIN
    assert box.sharing.unlock(code(new), pin, "").session_epoch == share.session_epoch + 1


def test_a_share_that_is_over_or_has_no_pin_cannot_be_rearmed(box: Box, new: NewShare, uid: str) -> None:
    without = Sharing(box.storage, Shares(pin="optional"), str).create(uid, no_pin=True)
    with pytest.raises(ValueError, match="has no PIN"):
        box.sharing.rearm(without.share.id)
    box.sharing.revoke(new.share.id)
    with pytest.raises(ValueError, match="is revoked"):
        box.sharing.rearm(new.share.id)
    with pytest.raises(NotFoundError, match="no share 99"):
        box.sharing.rearm(99)


def test_revoking_ends_everything_at_once_and_only_once(box: Box, new: NewShare) -> None:
    share = box.sharing.unlock(code(new), new.pin, "")
    box.sharing.revoke(share.id)
    revoked = box.sharing.get(share.id).revoked
    box.sharing.revoke(share.id)
    assert box.sharing.get(share.id).revoked == revoked
    for ask in (
        lambda: box.sharing.session(code(new), share.id, share.session_epoch),
        lambda: box.sharing.look_up(code(new)),
        lambda: box.sharing.unlock(code(new), new.pin, ""),
    ):
        assert refusal(ask) is Refusal.REVOKED


def test_an_expired_share_refuses_sessions_and_pins(box: Box, new: NewShare) -> None:
    share = box.sharing.unlock(code(new), new.pin, "")
    expire(box)
    assert refusal(box.sharing.session, code(new), share.id, share.session_epoch) is Refusal.EXPIRED
    assert refusal(box.sharing.unlock, code(new), new.pin, "") is Refusal.EXPIRED
    assert box.sharing.status(box.sharing.get(share.id)) is Status.EXPIRED


def test_a_session_opens_the_link_it_was_made_for_and_no_other(box: Box, new: NewShare, uid: str) -> None:
    other = box.sharing.create(uid)
    share = box.sharing.unlock(code(new), new.pin, "")
    assert refusal(box.sharing.session, code(other), share.id, share.session_epoch) is Refusal.NO_SESSION
    assert refusal(box.sharing.session, "A" * 22, share.id, share.session_epoch) is Refusal.UNKNOWN


def test_a_share_outlives_its_study_and_says_so(box: Box, new: NewShare, uid: str) -> None:
    share = box.sharing.unlock(code(new), new.pin, "")
    with box.storage.transaction():
        box.storage.studies.remove_study(uid)
    assert refusal(box.sharing.session, code(new), share.id, share.session_epoch) is Refusal.GONE
    assert refusal(box.sharing.album, share) is Refusal.GONE
    assert box.sharing.openings(share.id)


def test_an_album_is_of_one_study(box: Box, new: NewShare, fill: Fill) -> None:
    fill([MR])
    assert box.storage.studies.count() == (2, 2)
    album = box.sharing.album(new.share)
    assert [one.study_instance_uid for _, one in album.files] == [new.share.study_instance_uid]


def test_shares_are_listed_newest_first_for_all_or_for_a_study(box: Box, new: NewShare, uid: str, fill: Fill) -> None:
    fill([MR])
    other = box.sharing.create(next(one for one in box.storage.studies.study_uids() if one != uid))

    def ids(shares: list[Share]) -> list[int]:
        return [share.id for share in shares]

    assert ids(box.sharing.all()) == [other.share.id, new.share.id]
    assert ids(box.sharing.all(uid)) == [new.share.id]
