"""What is new in the list of studies."""

from __future__ import annotations

import pytest

from appliance import events
from tests.support.files import brainix, knee
from tui.news import CHUNK, read


@pytest.fixture
def filled(box, fill, fill_with):
    fill_with(box, CHUNK * 2)
    return box


def names(news) -> set[str]:
    return {study.patient_name for study in news.studies}


def test_the_first_reading_brings_the_newest_only(filled):
    first = read(filled, "", None, 0, more=False)
    assert first.afresh and not first.complete
    assert len(first.studies) == CHUNK
    assert first.seq == filled.storage.events.last()


def test_nothing_new_costs_no_search(filled):
    seq = filled.storage.events.last()
    assert read(filled, "", seq, CHUNK, more=False).studies == []


def test_other_news_than_studies_brings_none(filled):
    seq = filled.storage.events.last()
    filled.peers.add("A", "A", "host", 104)
    news = read(filled, "", seq, CHUNK, more=False)
    assert (news.studies, news.seq) == ([], seq + 1)


def test_arrivals_are_among_what_is_read(filled, fill):
    seq = filled.storage.events.last()
    fill(brainix()[:1])
    assert "BRAINIX" in names(read(filled, "", seq, CHUNK, more=False))


def test_more_follows_what_is_known(filled):
    seq = filled.storage.events.last()
    news = read(filled, "", seq, CHUNK, more=True)
    assert not news.complete
    assert f"Nr{CHUNK - 1:06}^Ann" in names(news)
    assert read(filled, "", seq, CHUNK * 2, more=True).complete


def test_what_was_deleted_is_gone(filled, fill):
    fill(knee()[:1])
    seq = filled.storage.events.last()
    uid = filled.storage.studies.search("knee", 1)[0].study_instance_uid
    with filled.storage.transaction():
        filled.storage.studies.remove_study(uid)
        filled.storage.events.add(events.STUDY_DELETED, uid)
    assert read(filled, "", seq, CHUNK, more=False).gone == {uid}


def test_a_flood_and_an_index_that_was_made_again_are_read_afresh(filled):
    assert read(filled, "", 0, 10, more=False).afresh  # more studies than are read at a time
    assert read(filled, "", filled.storage.events.last() + 100, 10, more=False).afresh
