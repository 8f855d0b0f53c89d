"""The data set of a message that came: foreign bytes, as pydicom has them and as DICOM JSON."""

from __future__ import annotations

import struct
import warnings
from io import BytesIO

from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException
from pydicom.filereader import read_dataset

from appliance.dicom import json, shape
from appliance.dicom.json import Json
from appliance.dicom.write import writer

MOST = 200_000
"""Elements and items of a report: it may name tens of thousands of images."""
UNREADABLE = (
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


def data_set(data: bytes, transfer_syntax: str, most: int = MOST) -> Dataset:
    """A message's data set, its values not decoded yet. Raises ValueError when it is none, or has too many elements."""
    encoding = writer(transfer_syntax)
    try:
        shape.check(data, explicit=encoding.explicit, order=encoding.order, most=most)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return read_dataset(BytesIO(data), not encoding.explicit, encoding.order == "<", bytelength=len(data))
    except UNREADABLE as fault:
        raise ValueError("the data set cannot be read") from fault


def attributes(dataset: Dataset) -> Json:
    """Its attributes as DICOM JSON, which has a character set of its own. Raises ValueError when it can't be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = json.encode(dataset, lambda _path: "")
    except UNREADABLE as fault:
        raise ValueError("the data set cannot be decoded") from fault
    found.pop(_CHARACTER_SET, None)
    return found
