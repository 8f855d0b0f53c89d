"""Command sets, good and bad."""

from __future__ import annotations

import pytest

from appliance.dimse import command
from tests.support.scu import element, store_command


def test_a_store_command_is_read() -> None:
    found = command.decode(store_command("1.2.3", "1.2.3.4", 258))
    assert found == command.Command(command.C_STORE_RQ, 258, "1.2.3", "1.2.3.4", has_data_set=True)


def test_uids_are_text_of_any_kind() -> None:
    found = command.decode(store_command("", "../../etc/passwd "))
    assert (found.sop_class_uid, found.sop_instance_uid) == ("", "../../etc/passwd")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        store_command("1.2", "1.3")[:-3],
        element(0x0100, b"\1\0"),
        element(0x0100, b"") + element(0x0800, b"\1\1"),
        b"\x08\0\x05\0\0\0\0\0",
        b"\0\0\0\1\xff\xff\xff\xff",
    ],
)
def test_what_is_no_command_is_named_so(data: bytes) -> None:
    with pytest.raises(ValueError, match="command set"):
        command.decode(data)
