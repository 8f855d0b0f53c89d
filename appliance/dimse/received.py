"""The data set of a message that came: foreign bytes, as pydicom has them and as DICOM JSON."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException
from pydicom.filereader import read_dataset

from appliance.dicom import json, shape
from appliance.dicom.json import Json
from appliance.dicom.write import writer

MOST = 200_000
"""Elements and items of a report: it may name tens of thousands of images."""
_UNREADABLE = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    NotImplementedError,
    OverflowError,
    EOFError,
    OSError,
    RecursionError,
    struct.error,
    BytesLengthException,
)
"""What pydicom raises for bytes that are no data set."""
_CHARACTER_SET = "00080005"


@contextmanager
def reading(fault: str) -> Iterator[None]:
    """What pydicom raises in it is a ValueError with the sentence `fault`; what it warns of helps nobody."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except _UNREADABLE as reason:
        raise ValueError(fault) from reason


def data_set(data: bytes, transfer_syntax: str, most: int = MOST) -> Dataset:
    """A message's data set, its values not decoded yet. Raises ValueError when it is none, or has too many elements."""
    encoding = writer(transfer_syntax)
    with reading("the data set cannot be read"):
        shape.check(data, explicit=encoding.explicit, order=encoding.order, most=most)
        return read_dataset(BytesIO(data), not encoding.explicit, encoding.order == "<", bytelength=len(data))


def attributes(dataset: Dataset) -> Json:
    """Its attributes as DICOM JSON, which has a character set of its own. Raises ValueError when it can't be read."""
    with reading("the data set cannot be decoded"):
        found = json.encode(dataset, lambda _path: "")
    found.pop(_CHARACTER_SET, None)
    return found
