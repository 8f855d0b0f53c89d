"""One table of options; every fault named at once; nothing replaced by a default."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.config import load, options
from appliance.errors import ConfigurationError


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "pacsbox.toml"
    path.write_text(text)
    return path


def test_defaults_are_those_of_the_documentation() -> None:
    config, settings = load(environment={})
    assert (config.dicom.ae_title, config.dicom.port) == ("PACSBOX", 11112)
    assert (config.web.public_port, config.web.clinic_port) == (8080, 8042)
    assert config.web.public_bind == config.web.clinic_bind == "127.0.0.1"
    assert {setting.source for setting in settings} == {"default"}


def test_the_environment_goes_over_the_file_and_each_value_tells_its_source(tmp_path: Path) -> None:
    path = written(tmp_path, '[dicom]\nae_title = "CLINIC_A"\nport = 104\n')
    config, settings = load(path, {"PACSBOX_DICOM_PORT": "11113"})
    sources = {setting.option.key: setting.source for setting in settings}
    assert (config.dicom.ae_title, config.dicom.port) == ("CLINIC_A", 11113)
    assert sources["dicom.ae_title"] == str(path)
    assert sources["dicom.port"] == "PACSBOX_DICOM_PORT"


def test_the_environment_may_name_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "[shares]\ndays = 7\n")
    assert load(environment={"PACSBOX_CONFIG": str(path)})[0].shares.days == 7


def test_all_faults_are_named_at_once(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        '[dicom]\nae_title = "A TITLE THAT IS TOO LONG"\nprot = 1\n'
        '[web]\npublic_bind = "everywhere"\n[shares]\ndays = 0\n',
    )
    with pytest.raises(ConfigurationError) as caught:
        load(path, {"PACSBOX_DICOM_PROT": "1", "PACSBOX_WEB_CLINIC_PORT": "99999"})
    text = str(caught.value)
    for key in ("dicom.ae_title", "dicom.prot", "web.public_bind", "shares.days", "PACSBOX_DICOM_PROT", "clinic_port"):
        assert key in text
    assert "did you mean PACSBOX_DICOM_PORT?" in text
    assert "did you mean dicom.port?" in text


@pytest.mark.parametrize(
    ("text", "said"),
    [("not toml", "is not TOML"), ("data_dir = 7\n", "data_dir"), ("[dicom]\nport = 'high'\n", "dicom.port")],
)
def test_a_broken_file_is_a_fault(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        load(written(tmp_path, text), {})


def test_a_file_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.toml cannot be read"):
        load(tmp_path / "nowhere.toml", {})


def test_two_doors_cannot_share_a_port() -> None:
    with pytest.raises(ConfigurationError, match="each door needs a port of its own"):
        load(environment={"PACSBOX_WEB_PUBLIC_PORT": "8042"})


def test_lists_are_given_with_commas_in_the_environment() -> None:
    config, _ = load(environment={"PACSBOX_WEB_TRUSTED_PROXIES": "10.0.0.1, ::1"})
    assert config.web.trusted_proxies == ("10.0.0.1", "::1")


def test_links_fall_back_to_where_the_door_listens() -> None:
    assert load(environment={})[0].public_url == "http://127.0.0.1:8080"
    chosen = load(environment={"PACSBOX_WEB_PUBLIC_URL": "https://images.clinic.example/"})[0]
    assert chosen.public_url == "https://images.clinic.example"


def test_every_option_is_described() -> None:
    assert [option.key for option in options() if not option.field.description] == []
