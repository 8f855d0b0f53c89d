"""Damaged commands and data sets: out comes a value or the error that is documented, nothing else, and soon."""

from __future__ import annotations

import io
import zlib
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.dicom import elements, header, inflate, part10, peek, tolerant
from appliance.dicom.kinds import Unsure
from appliance.dicom.model import Origin
from appliance.dimse import command, identifier
from appliance.dimse.client import pdu
from appliance.errors import UnreadableInstanceError
from tests.support.files import SHARED, pydicom_files
from tests.support.fuzzing import bounded, damaged, little_memory
from tests.support.receiving import instance
from tests.support.scu import EXPLICIT, IMPLICIT, store_command

pytestmark = pytest.mark.filterwarnings("ignore")
"""pydicom's, of what it takes nevertheless."""
_BIG = "1.2.840.10008.1.2.2"
_LONGEST = 20_000
_START = 6_000
"""Of the data set, of longer files: headers are there."""
COMMANDS = [store_command("1.2.840.10008.5.1.4.1.1.2", "1.2.3.4"), command.encode({0x0002: "1.2", 0x0900: 0})]


def _short_files() -> list[bytes]:
    found = []
    others = [path for folder in ("odd", "broken") for path in sorted((SHARED / folder).glob("*")) if path.is_file()]
    for path in (*pydicom_files(), *others):
        data = path.read_bytes()
        found.append(data if len(data) <= _LONGEST else data[:_START])
    return found


FILES = _short_files()


def _data_sets() -> list[tuple[str, bytes]]:
    found = []
    for path in pydicom_files():
        with suppress(UnreadableInstanceError):
            meta, data = instance(path)
            found.append((meta.transfer_syntax_uid, data[:_START]))
    return found


DATA_SETS = _data_sets()
PLAIN = {syntax: [data for found, data in DATA_SETS if found == syntax] for syntax in (EXPLICIT, IMPLICIT, _BIG)}


def test_command_sets() -> None:
    @bounded(250)
    @given(damaged(COMMANDS) | st.binary(max_size=200))
    def check(data: bytes) -> None:
        for read in (command.decode, pdu.read_command):
            with suppress(ValueError):
                read(data)

    check()


def test_what_a_peer_answers() -> None:
    """A-ASSOCIATE-AC and P-DATA-TF, as our client reads them."""
    accepted = (
        bytes(68) + b"\x21\0\0\x19\1\0\0\0\x40\0\0\x11" + b"1.2.840.10008.1.2" + b"\x50\0\0\x08\x51\0\0\4\0\0\x40\0"
    )
    values = b"\0\0\0\6\1\3abcd" * 3

    @bounded(150)
    @given(damaged([accepted, values]))
    def check(data: bytes) -> None:
        for read in (pdu.acceptance, lambda body: list(pdu.data_values(body))):
            with suppress(ValueError):
                read(data)

    check()


@pytest.mark.parametrize("syntax", PLAIN)
def test_identifiers_of_queries(syntax: str) -> None:
    @bounded(120)
    @given(damaged(PLAIN[syntax]))
    def check(data: bytes) -> None:
        with suppress(ValueError):
            identifier.read(data, syntax)

    with little_memory(150):
        check()


def test_files(tmp_path: Path) -> None:
    """As the indexer reads them, their Part 10 header included."""
    path = tmp_path / "damaged.dcm"

    @bounded(350)
    @given(damaged(FILES))
    def check(data: bytes) -> None:
        path.write_bytes(data)
        for read in (header.read, header.read_uids, header.digest):
            with suppress(UnreadableInstanceError):
                read(path)

    with little_memory(250):
        check()


def test_both_readers() -> None:
    """The lean one may be unsure, the tolerant one says what is wrong."""
    texts = [(syntax, data) for syntax, found in PLAIN.items() for data in found]

    @bounded(200)
    @given(st.sampled_from(texts).flatmap(lambda one: st.tuples(st.just(one[0]), damaged([one[1]]))))
    def check(sent: tuple[str, bytes]) -> None:
        syntax, data = sent
        for whole in (False, True):
            with suppress(Unsure):
                elements.read(data, 0, syntax, whole)
            with suppress(Unsure):
                elements.read_uids(data, 0, syntax, whole)
        file = io.BytesIO(part10.encode("1.2.3", "1.2.4", syntax, Origin(via="C-STORE")) + data)
        with suppress(UnreadableInstanceError):
            tolerant.read(file)
        with suppress(UnreadableInstanceError):
            tolerant.read_uids(file)

    with little_memory(250):
        check()


def test_the_beginning_of_what_arrives() -> None:
    """Over and over by one finder, which remembers what it saw before."""
    finder = peek.Finder()

    @bounded(350)
    @given(st.sampled_from(DATA_SETS).flatmap(lambda one: st.tuples(st.just(one[0]), damaged([one[1]]), st.booleans())))
    def check(sent: tuple[str, bytes, bool]) -> None:
        syntax, data, whole = sent
        finder.uids(data, syntax, whole)

    check()


def test_deflated_data_sets() -> None:
    packing = zlib.compressobj(wbits=-15)
    packed = [packing.compress(PLAIN[EXPLICIT][0] + bytes(100_000)) + packing.flush()]

    @bounded(200)
    @given(damaged(packed))
    def check(data: bytes) -> None:
        with suppress(UnreadableInstanceError):
            inflate.beginning(io.BytesIO(data), 1 << 20)

    with little_memory(100):
        check()
