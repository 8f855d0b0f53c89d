"""The character set of answers where nobody asks for one: as configured, changed while the receiver runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.box import Box
from appliance.config import Config
from appliance.dicom.charset import ANSWERS
from tests.support.modality import Modality, modality_of

NAMES = {
    "ISO_IR 192": "Müller^Łukasz",
    "ISO_IR 100": "Müller",
    "ISO_IR 101": "Łukasz",
    "ISO_IR 144": "Люкceмбypг",
    "ISO_IR 127": "قباني",
    "ISO_IR 126": "Διονυσιος",
    "ISO_IR 148": "Çağlar",
    "ISO 2022 IR 87": "Yamada=山田",
    "ISO 2022 IR 149": "Hong=洪",
    "GB18030": "Wang=王",
    "": "Doe",
}


@pytest.fixture
def answering(box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Box, list[Config]]:
    """A box whose configuration is the last of a list."""
    configs = [box.config]
    monkeypatch.setattr(box, "current", lambda: configs[-1])
    return box, configs


def test_the_worklist_is_answered_in_each_of_the_eleven(answering: tuple[Box, list[Config]], tmp_path: Path) -> None:
    box, configs = answering
    for number, name in enumerate(NAMES.values()):
        box.orders.add({"PatientName": name, "PatientID": f"P{number}", "Modality": "CT"}, "test")

    def answer(modality: Modality, number: int) -> tuple[str, str]:
        (found,) = modality.worklist("PatientName", f"PatientID=P{number}")
        said = found.get("SpecificCharacterSet") or ""
        return said if isinstance(said, str) else "\\".join(said), str(found.PatientName)

    assert NAMES.keys() == ANSWERS.keys()
    with modality_of(box, tmp_path / "modality") as modality:
        for number, (character_set, name) in enumerate(NAMES.items()):
            dicom = configs[0].dicom.model_copy(update={"character_set": character_set})
            configs.append(configs[0].model_copy(update={"dicom": dicom}))
            said, shown = answer(modality, number)
            assert (character_set in said, shown) == (True, name)
        dicom = configs[0].dicom.model_copy(update={"character_set": "ISO_IR 100"})
        configs.append(configs[0].model_copy(update={"dicom": dicom}))
        assert answer(modality, 5) == ("ISO_IR 192", NAMES["ISO_IR 126"]), "what it cannot carry comes in UTF-8"
