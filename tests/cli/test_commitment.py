"""`pacsbox commitments`."""

from __future__ import annotations

import orjson
from click.testing import CliRunner

from appliance.box import Box
from appliance.cli.main import cli
from appliance.commitment.asked import accept
from appliance.commitment.messages import Question
from appliance.events import now
from appliance.storage.rows import CommitmentState, Reference


def pacsbox(box: Box, *words: str) -> str:
    done = CliRunner().invoke(cli, words, env={"PACSBOX_DATA_DIR": str(box.config.data_dir)}, catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def test_who_waits_for_an_answer_is_listed_with_what_hinders_it(box: Box) -> None:
    assert pacsbox(box, "commitments") == "Everybody who asked has been told.\n"
    references = (Reference("1.2.840.10008.5.1.4.1.1.4", "1.2.3"),)
    asked = accept(
        box.storage, Question("1.2.9", references), ae_title="CT-1", called="PACSBOX", address="127.0.0.1", mark=""
    )
    with box.storage.transaction():
        box.storage.commitments.put_off(asked.id, now(), "CT-1 is away.")
    assert pacsbox(box, "commitments") == "1.2.9  CT-1  open  1 image  CT-1 is away.\n"
    with box.storage.transaction():
        box.storage.commitments.close(asked.id, CommitmentState.REPORTED, failed=1)
    assert pacsbox(box, "commitments") == "Everybody who asked has been told.\n"
    assert pacsbox(box, "commitments", "--all") == "1.2.9  CT-1  reported  1 image, 1 not kept\n"
    (row,) = orjson.loads(pacsbox(box, "commitments", "--all", "--json"))
    assert (row["transaction_uid"], row["failed"]) == ("1.2.9", 1)
