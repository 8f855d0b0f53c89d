"""What is accepted: every storage SOP class and every transfer syntax that instances come in."""

from __future__ import annotations

import pytest
from pydicom.uid import AllTransferSyntaxes
from pynetdicom.presentation import AllStoragePresentationContexts, PresentationContext, build_context

from appliance.dimse import contexts

IMPLICIT, EXPLICIT, DEFLATED, BIG = (f"1.2.840.10008.1.2{end}" for end in ("", ".1", ".1.99", ".2"))
JPEG, J2K = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.90"
CT = "1.2.840.10008.5.1.4.1.1.2"


@pytest.mark.parametrize("context", AllStoragePresentationContexts, ids=lambda c: c.abstract_syntax.keyword)
def test_every_storage_class_is_ours(context: PresentationContext) -> None:
    assert contexts.is_storage(str(context.abstract_syntax))


@pytest.mark.parametrize(
    "uid",
    [
        "1.2.840.10008.5.1.4.1.1.6",  # Ultrasound Image Storage, retired
        "1.2.840.10008.5.1.4.1.1.9",  # Standalone Curve Storage, retired
        "1.2.840.10008.5.1.4.1.1.12.3",  # X-Ray Angiographic Bi-Plane, retired
        "1.2.840.10008.5.1.4.1.1.88.4",  # Comprehensive SR Storage - Trial
        "1.2.840.10008.5.1.1.30",  # Hardcopy Color Image Storage, retired
        "1.2.840.10008.5.1.4.1.1.999.1",  # newer than any dictionary
        "1.2.840.113619.4.26",  # GE, private
        "1.3.12.2.1107.5.9.1",  # Siemens CSA Non-Image Storage, private
    ],
)
def test_retired_new_and_private_classes_are_ours(uid: str) -> None:
    assert contexts.is_storage(uid)


@pytest.mark.parametrize(
    "uid",
    [
        "1.2.840.10008.1.1",  # Verification
        "1.2.840.10008.1.20.1",  # Storage Commitment Push Model
        "1.2.840.10008.1.20.2",  # Storage Commitment Pull Model, retired
        "1.2.840.10008.1.3.10",  # Media Storage Directory
        "1.2.840.10008.5.1.4.1.2.2.1",  # Study Root FIND
        "1.2.840.10008.5.1.4.38.1",  # Hanging Protocol Storage: of no patient
        "1.2.840.10008.3.1.2.1.1",  # Detached Patient Management, retired
        "1.2.840.10008.1.2.1",  # a transfer syntax
        "../../etc/passwd",
        "",
    ],
)
def test_what_is_not_of_a_study_is_not_ours(uid: str) -> None:
    assert not contexts.is_storage(uid)


@pytest.mark.parametrize("uid", [u for u in AllTransferSyntaxes if not u.startswith("1.2.840.10008.1.2.7.")])
def test_every_transfer_syntax_of_instances_is_taken(uid: str) -> None:
    assert contexts.choose([uid]) == uid


@pytest.mark.parametrize(
    ("proposed", "chosen"),
    [
        ([IMPLICIT, EXPLICIT], EXPLICIT),
        ([BIG, IMPLICIT, EXPLICIT], EXPLICIT),
        ([BIG, IMPLICIT], BIG),
        ([JPEG, EXPLICIT, IMPLICIT], JPEG),
        ([EXPLICIT, JPEG], EXPLICIT),
        ([IMPLICIT, J2K], IMPLICIT),
        ([DEFLATED, EXPLICIT], DEFLATED),
        (["1.2.840.113619.5.2", IMPLICIT], IMPLICIT),
        (["1.2.840.113619.5.2"], None),
        (["1.2.840.10008.1.2.7.1", "no uid"], None),
        ([], None),
    ],
)
def test_the_senders_order_counts_but_explicit_beats_implicit(proposed: list[str], chosen: str | None) -> None:
    assert contexts.choose(proposed) == chosen


def test_each_context_gets_its_own_choice_though_of_one_class() -> None:
    proposed = [build_context(CT, [JPEG, EXPLICIT]), build_context(CT, [IMPLICIT]), build_context(CT, [EXPLICIT, J2K])]
    supported = {str(c.abstract_syntax): [str(s) for s in c.transfer_syntax] for c in contexts.accept(proposed)}
    assert [[str(s) for s in c.transfer_syntax] for c in proposed] == [[JPEG], [IMPLICIT], [EXPLICIT]]
    assert supported[CT] == [JPEG, IMPLICIT, EXPLICIT]
