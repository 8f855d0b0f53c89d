"""A document inside an instance: PDF, CDA, a model to print (PS3.3 A.45, A.85, A.104)."""

from __future__ import annotations

import os
from pathlib import Path

from appliance.dicom.extract import Extract
from appliance.dicom.source import UNDEFINED, Bulk, NothingToShowError, Source, opened, refusing

_CLASS = "1.2.840.10008.5.1.4.1.1.104."
_OF_CLASS = {
    f"{_CLASS}1": "application/pdf",
    f"{_CLASS}2": "text/xml",
    f"{_CLASS}3": "model/stl",
    f"{_CLASS}4": "model/obj",
    f"{_CLASS}5": "model/mtl",
}
_ALIASES = {"application/sla": "model/stl", "application/xml": "text/xml", "text/xml-cda": "text/xml"}

MEDIA_TYPES = frozenset(_OF_CLASS.values())
"""All that is handed out; what a file says of itself is not passed to browsers unseen."""


def document(path: Path) -> Extract:
    """The document in the instance at `path`.

    Raises `NothingToShowError` when there is none, or one of a kind that nobody expects.
    """
    keywords = ("SOPClassUID", "MIMETypeOfEncapsulatedDocument", "EncapsulatedDocumentLength")
    with opened(path, keywords) as source, refusing():
        bulk = source.document
        if bulk is None or bulk.length in (0, UNDEFINED):
            raise NothingToShowError("The file has no document in it.")
        if source.file.seek(0, os.SEEK_END) < bulk.offset + bulk.length:
            raise ValueError("it ends in the middle of its document")
        media_type = _media_type(source)
        if media_type not in MEDIA_TYPES:
            raise NothingToShowError(f"Documents of the kind {media_type or 'unknown'} are not handed out.")
        return Extract(path, media_type, ((bulk.offset, _length(source, bulk)),))


def _media_type(source: Source) -> str:
    said = str(source.header.get("MIMETypeOfEncapsulatedDocument") or "").split(";")[0].strip(" \0").lower()
    return _ALIASES.get(said, said) or _OF_CLASS.get(str(source.header.get("SOPClassUID")), "")


def _length(source: Source, bulk: Bulk) -> int:
    """Without the byte that makes the element even (PS3.3 C.24.2); one that says nothing may still have it."""
    said = source.header.get("EncapsulatedDocumentLength")
    if isinstance(said, int) and 0 < said <= bulk.length:
        return said
    source.file.seek(bulk.offset + bulk.length - 1)
    return bulk.length - (source.file.read(1) == b"\0")
