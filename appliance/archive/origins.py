"""What is known of senders when what they sent is indexed."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from appliance.dicom.charset import NOTHING, Given
from appliance.storage.rows import Peer


def by_source(peers: Iterable[Peer]) -> Callable[[str], Given]:
    """The character set that staff have said of a source, by its AE title; a DICOMweb server has its name instead."""
    known = {
        peer.ae_title or peer.name: Given(peer.character_set, peer.overrides_character_set)
        for peer in peers
        if peer.character_set
    }
    return lambda source_ae: known.get(source_ae, NOTHING)
