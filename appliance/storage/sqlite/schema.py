"""The schema as a list of steps: append new ones at the end, never change one that was released."""

from __future__ import annotations

from sqlite_utils import Database, Migrations

from appliance.dicom.attributes import Level, stored_at

migrations = Migrations("pacsbox")


def _columns(level: Level) -> str:
    """The text columns that the table of attributes asks for."""
    return "".join(f"  {a.column} TEXT NOT NULL DEFAULT '',\n" for a in stored_at(level))


def _run(db: Database, script: str) -> None:
    """Each statement by itself: `executescript` would commit the transaction that a step runs in."""
    for statement in script.split(";\n"):
        if statement.strip():
            db.conn.execute(statement)


@migrations()
def m001_studies(db: Database) -> None:
    """Studies, series, instances and their metadata."""
    _run(
        db,
        f"""
        CREATE TABLE study (
          id INTEGER PRIMARY KEY,
        {_columns(Level.STUDY)}
          modalities_in_study TEXT NOT NULL DEFAULT '',
          sop_classes_in_study TEXT NOT NULL DEFAULT '',
          number_of_study_related_series INTEGER NOT NULL DEFAULT 0,
          number_of_study_related_instances INTEGER NOT NULL DEFAULT 0,
          size INTEGER NOT NULL DEFAULT 0,
          first_received TEXT NOT NULL,
          last_received TEXT NOT NULL,
          folded_name TEXT NOT NULL DEFAULT ''
        ) STRICT;
        CREATE UNIQUE INDEX study_uid ON study(study_instance_uid);
        CREATE INDEX study_last_received ON study(last_received);
        CREATE INDEX study_date ON study(study_date);
        CREATE INDEX study_patient_id ON study(patient_id);
        CREATE INDEX study_accession_number ON study(accession_number);
        CREATE INDEX study_walk ON study(
          id, folded_name, study_date, modalities_in_study, patient_id, accession_number, study_description
        );
        CREATE VIRTUAL TABLE study_text USING fts5(text, tokenize='trigram case_sensitive 1');
        CREATE TABLE series (
          id INTEGER PRIMARY KEY,
          study_ref INTEGER NOT NULL REFERENCES study(id),
        {_columns(Level.SERIES)}
          number_of_series_related_instances INTEGER NOT NULL DEFAULT 0
        ) STRICT;
        CREATE UNIQUE INDEX series_uid ON series(study_ref, series_instance_uid);
        CREATE INDEX series_by_uid ON series(series_instance_uid);
        CREATE TABLE instance (
          id INTEGER PRIMARY KEY,
          series_ref INTEGER NOT NULL REFERENCES series(id),
        {_columns(Level.INSTANCE)}
          transfer_syntax_uid TEXT NOT NULL,
          blob_key TEXT NOT NULL,
          size INTEGER NOT NULL,
          digest BLOB NOT NULL,
          source_ae TEXT NOT NULL,
          via TEXT NOT NULL,
          received TEXT NOT NULL
        ) STRICT;
        CREATE UNIQUE INDEX instance_uid ON instance(sop_instance_uid);
        CREATE INDEX instance_series ON instance(series_ref);
        CREATE TABLE metadata (
          instance_id INTEGER PRIMARY KEY REFERENCES instance(id),
          deflated BLOB NOT NULL
        ) STRICT;
        """,
    )


@migrations()
def m002_events(db: Database) -> None:
    """The numbered news; AUTOINCREMENT never gives a number twice."""
    _run(
        db,
        """
        CREATE TABLE event (
          seq INTEGER PRIMARY KEY AUTOINCREMENT,
          at TEXT NOT NULL,
          kind TEXT NOT NULL,
          study_instance_uid TEXT NOT NULL,
          detail TEXT NOT NULL
        ) STRICT;
        """,
    )


@migrations()
def m003_shares(db: Database) -> None:
    """Patients' links and the log of their openings; they outlive the study they are for."""
    _run(
        db,
        """
        CREATE TABLE share (
          id INTEGER PRIMARY KEY AUTOINCREMENT,
          study_instance_uid TEXT NOT NULL,
          code_hash TEXT NOT NULL UNIQUE,
          pin_hash TEXT NOT NULL,
          created TEXT NOT NULL,
          expires TEXT NOT NULL,
          revoked TEXT NOT NULL DEFAULT '',
          failed_attempts INTEGER NOT NULL DEFAULT 0,
          session_epoch INTEGER NOT NULL DEFAULT 0
        ) STRICT;
        CREATE INDEX share_study ON share(study_instance_uid);
        CREATE TABLE opening (
          id INTEGER PRIMARY KEY,
          share_id INTEGER NOT NULL REFERENCES share(id),
          at TEXT NOT NULL,
          address TEXT NOT NULL,
          what TEXT NOT NULL,
          detail TEXT NOT NULL
        ) STRICT;
        CREATE INDEX opening_share ON opening(share_id);
        """,
    )


@migrations()
def m004_peers(db: Database) -> None:
    """Remote AEs that we know."""
    _run(
        db,
        """
        CREATE TABLE peer (
          name TEXT PRIMARY KEY COLLATE NOCASE,
          ae_title TEXT NOT NULL,
          host TEXT NOT NULL,
          port INTEGER NOT NULL,
          created TEXT NOT NULL
        ) STRICT;
        """,
    )


@migrations()
def m005_transfers(db: Database) -> None:
    """The outgoing queue: a row a transfer, a row an instance of it."""
    _run(
        db,
        """
        CREATE TABLE transfer (
          id INTEGER PRIMARY KEY AUTOINCREMENT,
          study_instance_uid TEXT NOT NULL,
          peer TEXT NOT NULL COLLATE NOCASE,
          state TEXT NOT NULL,
          attempts INTEGER NOT NULL DEFAULT 0,
          due TEXT NOT NULL,
          message TEXT NOT NULL DEFAULT '',
          total INTEGER NOT NULL DEFAULT 0,
          sent INTEGER NOT NULL DEFAULT 0,
          refused INTEGER NOT NULL DEFAULT 0,
          created TEXT NOT NULL,
          updated TEXT NOT NULL
        ) STRICT;
        CREATE INDEX transfer_due ON transfer(state, due);
        CREATE TABLE transfer_instance (
          transfer_id INTEGER NOT NULL REFERENCES transfer(id),
          sop_instance_uid TEXT NOT NULL,
          state TEXT NOT NULL DEFAULT 'pending',
          reason TEXT NOT NULL DEFAULT '',
          PRIMARY KEY (transfer_id, sop_instance_uid)
        ) STRICT, WITHOUT ROWID;
        """,
    )


@migrations()
def m006_tokens(db: Database) -> None:
    """Access tokens; a name may be taken again once its token was revoked."""
    _run(
        db,
        """
        CREATE TABLE token (
          id TEXT PRIMARY KEY,
          name TEXT NOT NULL COLLATE NOCASE,
          may TEXT NOT NULL,
          created TEXT NOT NULL,
          expires TEXT NOT NULL,
          revoked TEXT NOT NULL DEFAULT ''
        ) STRICT;
        CREATE UNIQUE INDEX token_name ON token(name) WHERE revoked = '';
        """,
    )


@migrations()
def m008_worklist(db: Database) -> None:
    """Orders, the files that some come from, performed procedure steps, and which order each step is of."""
    _run(
        db,
        """
        CREATE TABLE worklist_order (
          id INTEGER PRIMARY KEY AUTOINCREMENT,
          state TEXT NOT NULL,
          item TEXT NOT NULL,
          source TEXT NOT NULL,
          patient_name TEXT NOT NULL,
          patient_id TEXT NOT NULL,
          patient_birth_date TEXT NOT NULL,
          patient_sex TEXT NOT NULL,
          accession_number TEXT NOT NULL,
          study_instance_uid TEXT NOT NULL,
          requested_procedure_id TEXT NOT NULL,
          scheduled_procedure_step_id TEXT NOT NULL,
          modality TEXT NOT NULL,
          station TEXT NOT NULL,
          start_date TEXT NOT NULL,
          start_time TEXT NOT NULL,
          description TEXT NOT NULL,
          images INTEGER NOT NULL,
          created TEXT NOT NULL,
          updated TEXT NOT NULL
        ) STRICT;
        CREATE INDEX worklist_order_start ON worklist_order(start_date, start_time);
        CREATE INDEX worklist_order_open ON worklist_order(state, start_date, start_time);
        CREATE INDEX worklist_order_study ON worklist_order(study_instance_uid);
        CREATE INDEX worklist_order_accession ON worklist_order(accession_number);
        CREATE INDEX worklist_order_step ON worklist_order(scheduled_procedure_step_id);
        CREATE TABLE worklist_file (
          name TEXT PRIMARY KEY,
          mark TEXT NOT NULL,
          order_id INTEGER REFERENCES worklist_order(id),
          fault TEXT NOT NULL
        ) STRICT;
        CREATE TABLE step (
          sop_instance_uid TEXT PRIMARY KEY,
          state TEXT NOT NULL,
          attributes TEXT NOT NULL,
          source_ae TEXT NOT NULL,
          patient_name TEXT NOT NULL,
          patient_id TEXT NOT NULL,
          patient_birth_date TEXT NOT NULL,
          patient_sex TEXT NOT NULL,
          accession_number TEXT NOT NULL,
          modality TEXT NOT NULL,
          station TEXT NOT NULL,
          start_date TEXT NOT NULL,
          start_time TEXT NOT NULL,
          description TEXT NOT NULL,
          note TEXT NOT NULL,
          created TEXT NOT NULL,
          updated TEXT NOT NULL
        ) STRICT;
        CREATE INDEX step_created ON step(created);
        CREATE TABLE step_order (
          sop_instance_uid TEXT NOT NULL REFERENCES step(sop_instance_uid),
          order_id INTEGER NOT NULL REFERENCES worklist_order(id),
          PRIMARY KEY (sop_instance_uid, order_id)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX step_order_order ON step_order(order_id);
        """,
    )


@migrations()
def m007_packed_metadata(db: Database) -> None:
    """Metadata packed against that of another instance; digests are BLAKE3 now, and empty where SHA-256 was kept."""
    db.conn.execute("ALTER TABLE metadata ADD COLUMN primer INTEGER")
    db.conn.execute("UPDATE instance SET digest = x''")


@migrations()
def m009_commitments(db: Database) -> None:
    """Storage commitment: what callers ask of us, and what we ask of the peers of transfers."""
    _run(
        db,
        """
        CREATE TABLE commitment (
          id INTEGER PRIMARY KEY AUTOINCREMENT,
          transaction_uid TEXT NOT NULL,
          ae_title TEXT NOT NULL,
          called TEXT NOT NULL,
          address TEXT NOT NULL,
          refs TEXT NOT NULL,
          fingerprint TEXT NOT NULL,
          duplicate INTEGER NOT NULL,
          mark TEXT NOT NULL,
          state TEXT NOT NULL,
          due TEXT NOT NULL,
          attempts INTEGER NOT NULL DEFAULT 0,
          message TEXT NOT NULL DEFAULT '',
          total INTEGER NOT NULL,
          failed INTEGER NOT NULL DEFAULT 0,
          created TEXT NOT NULL,
          updated TEXT NOT NULL
        ) STRICT;
        CREATE INDEX commitment_due ON commitment(due) WHERE state = 'open';
        CREATE INDEX commitment_transaction ON commitment(transaction_uid);
        ALTER TABLE transfer ADD COLUMN proof TEXT NOT NULL DEFAULT '';
        ALTER TABLE transfer ADD COLUMN proof_at TEXT NOT NULL DEFAULT '';
        ALTER TABLE transfer ADD COLUMN asked INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE transfer ADD COLUMN resent INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE transfer ADD COLUMN transaction_uid TEXT NOT NULL DEFAULT '';
        CREATE INDEX transfer_proof ON transfer(proof, proof_at) WHERE proof IN ('asking', 'awaiting');
        CREATE INDEX transfer_transaction ON transfer(transaction_uid) WHERE transaction_uid != '';
        """,
    )


@migrations()
def m010_callers(db: Database) -> None:
    """What peers may do when they call, how they show who they are, and how they write names."""
    for column in (
        "rights TEXT NOT NULL DEFAULT 'echo,store,query,retrieve,worklist,mpps,commitment'",
        "calls_from TEXT NOT NULL DEFAULT ''",
        "calls_us TEXT NOT NULL DEFAULT ''",
        "fingerprint TEXT NOT NULL DEFAULT ''",
        "tls INTEGER NOT NULL DEFAULT 0",
        "character_set TEXT NOT NULL DEFAULT ''",
        "overrides_character_set INTEGER NOT NULL DEFAULT 0",
    ):
        db.conn.execute(f"ALTER TABLE peer ADD COLUMN {column}")


@migrations()
def m011_audit(db: Database) -> None:
    """Who read and wrote what; a batch of a journal is taken in once."""
    _run(
        db,
        """
        CREATE TABLE audit (
          id INTEGER PRIMARY KEY AUTOINCREMENT,
          first TEXT NOT NULL,
          last TEXT NOT NULL,
          who TEXT NOT NULL,
          address TEXT NOT NULL,
          action TEXT NOT NULL,
          resource TEXT NOT NULL,
          study_instance_uid TEXT NOT NULL,
          outcome TEXT NOT NULL,
          requests INTEGER NOT NULL,
          items INTEGER NOT NULL,
          batch TEXT NOT NULL
        ) STRICT;
        CREATE INDEX audit_study ON audit(study_instance_uid);
        CREATE INDEX audit_batch ON audit(batch) WHERE batch <> '';
        """,
    )


@migrations()
def m013_staff(db: Database) -> None:
    """People of the clinic; numbers are never given again, for sessions know people by them."""
    _run(
        db,
        """
        CREATE TABLE staff (
          id INTEGER PRIMARY KEY AUTOINCREMENT,
          name TEXT NOT NULL,
          name_folded TEXT NOT NULL UNIQUE,
          password_hash TEXT NOT NULL,
          may TEXT NOT NULL,
          created TEXT NOT NULL,
          disabled TEXT NOT NULL DEFAULT '',
          session_epoch INTEGER NOT NULL DEFAULT 0
        ) STRICT;
        """,
    )


@migrations()
def m012_dicomweb_peers(db: Database) -> None:
    """Peers that are DICOMweb servers."""
    for column in ("url", "user", "credential", "authority"):
        db.conn.execute(f"ALTER TABLE peer ADD COLUMN {column} TEXT NOT NULL DEFAULT ''")
