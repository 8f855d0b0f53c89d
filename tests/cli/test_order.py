"""`pacsbox order` and `demo-worklist`, as staff and integrators use them."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from appliance.box import Box
from appliance.errors import NotFoundError, PacsboxError
from tests.cli.conftest import Pacsbox


def test_an_order_is_added_listed_changed_and_cancelled(pacsbox: Pacsbox, box: Box) -> None:
    assert "There are no orders" in pacsbox("order", "list").stdout
    said = ("--name", "Müller, Jürgen", "--id", "4711", "--modality", "ct", "--date", "2026-11-21", "--time", "14:30")
    done = pacsbox("order", "add", *said, "--set", "PatientWeight=70.5", "--description", "Head CT")
    assert done.stdout.startswith("Order 1: accession number A0000001, study 2.25.")
    listed = "1  ordered  20261121 1430  CT  any station  A0000001  Müller, Jürgen (4711)  Head CT\n"
    assert pacsbox("order", "list").stdout == listed
    assert "CT1" in pacsbox("order", "change", "1", "--station", "CT1", "--set", "PatientWeight=").stdout
    (found,) = orjson.loads(pacsbox("order", "list", "--json").stdout)
    assert (found["station"], found["patient_name"]) == ("CT1", "Müller^Jürgen")
    assert pacsbox("order", "cancel", "1").stdout == "Order 1 is cancelled.\n"
    assert "There are no orders" in pacsbox("order", "list").stdout
    assert "1  cancelled" in pacsbox("order", "list", "--all").stdout


def test_what_cannot_be_right_is_refused(pacsbox: Pacsbox) -> None:
    with pytest.raises(ValueError, match="PatientID is missing"):
        pacsbox("order", "add", "--name", "Doe, Jane", "--modality", "CT")
    with pytest.raises(ValueError, match="KEYWORD=VALUE"):
        pacsbox("order", "add", "--set", "PatientWeight")
    with pytest.raises(NotFoundError):
        pacsbox("order", "change", "9", "--name", "Doe, Jane")
    with pytest.raises(PacsboxError, match="nothing to change"):
        pacsbox("order", "change", "9")


def test_orders_are_imported_all_or_none(pacsbox: Pacsbox, box: Box, tmp_path: Path) -> None:
    table, bad, objects = (tmp_path / name for name in ("a.csv", "b.csv", "c.json"))
    table.write_text("PatientName,PatientID,Modality\nDoe^Jane,1,CT\nRoe^Richard,2,MR\n", "utf-8")
    bad.write_text("PatientName,PatientID,Modality\nDoe^Jane,1,CT\n,2,MR\n", "utf-8")
    objects.write_bytes(orjson.dumps([{"PatientName": "Zoe^Z", "PatientID": "3", "Modality": "US"}]))
    with pytest.raises(ValueError, match=r"b\.csv: nothing is imported:\n  line 3: PatientName is missing"):
        pacsbox("order", "import", str(bad))
    assert box.orders.all() == []
    assert pacsbox("order", "import", str(table)).stdout == "Added: order 1, order 2.\n"
    assert pacsbox("order", "import", str(objects)).stdout == "Added: order 3.\n"
    (tmp_path / "d.txt").touch()
    with pytest.raises(PacsboxError, match="neither"):
        pacsbox("order", "import", str(tmp_path / "d.txt"))
    (tmp_path / "e.csv").write_bytes(b"PatientName\nM\xfcller\n")
    with pytest.raises(PacsboxError, match="UTF-8"):
        pacsbox("order", "import", str(tmp_path / "e.csv"))


def test_sample_orders_for_integrators(pacsbox: Pacsbox, box: Box) -> None:
    done = pacsbox("demo-worklist", "--station", "CT1")
    assert done.stdout.startswith("8 orders are added. Ask for them:\nfindscu -W ")
    assert {order.station for order in box.orders.all()} == {"CT1"}
    assert pacsbox("demo-worklist").exit_code == 0
    assert len(box.orders.all()) == 16
