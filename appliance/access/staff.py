"""Staff who come in by the clinic door: names, passwords, and what each may do.

Whether a session still counts, the person's row decides at each request: who is shut out or removed, or gets another
password, is out at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from appliance import events
from appliance.access import passwords
from appliance.access.scope import Permission, Scope
from appliance.access.tokens import checked_permissions
from appliance.errors import NotFoundError, PacsboxError
from appliance.storage.contract import Storage
from appliance.storage.rows import AuditRow, Person

LOOKING = (Permission.QUERY.value, Permission.RETRIEVE.value)
"""What somebody may do unless more is said."""
_LONGEST_NAME = 64


class LoginRefusedError(PacsboxError):
    """The name or the password is wrong, or the session is over; it is not told which name there is."""


@dataclass(frozen=True)
class StaffBook:
    """The staff of this box."""

    storage: Storage

    def add(self, name: str, password: str, may: Iterable[str] = LOOKING) -> Person:
        """Somebody new.

        Raises ValueError for a name, password or permission that can't be, `AlreadyExistsError` when the name is taken.
        """
        name = checked_name(name)
        permissions, kept = checked_permissions(may), passwords.hashed(passwords.checked(password, name))
        with self.storage.transaction():
            person = self.storage.staff.add(name, kept, permissions)
            self._note(person, "create")
        return person

    def all(self) -> list[Person]:
        """Everybody, by name."""
        return self.storage.staff.all()

    def get(self, name: str) -> Person:
        """By name, in whatever case. Raises `NotFoundError`."""
        person = self.storage.staff.by_name(" ".join(name.split()))
        if person is None:
            raise NotFoundError(f"There is nobody named {name[:80]!r}.", "See `pacsbox staff list`.")
        return person

    def set_password(self, name: str, password: str) -> Person:
        """Give another password, which ends their sessions. Raises `NotFoundError`, and ValueError as `add` does."""
        kept = passwords.hashed(passwords.checked(password, self.get(name).name))
        return self._changed(name, "password", password_hash=kept)

    def allow(self, name: str, may: Iterable[str]) -> Person:
        """Let them do this from now on, in sessions that are open, too. Raises `NotFoundError`, ValueError."""
        return self._changed(name, "allow", may=checked_permissions(may))

    def disable(self, name: str) -> Person:
        """Shut them out at once, to be let in again some day. Raises `NotFoundError`."""
        return self._changed(name, "disable", disabled=events.now())

    def enable(self, name: str) -> Person:
        """Let them in again, by their password. Raises `NotFoundError`."""
        return self._changed(name, "enable", disabled="")

    def remove(self, name: str) -> Person:
        """Forget them, which ends their sessions; what they did stays in the audit. Raises `NotFoundError`."""
        with self.storage.transaction():
            person = self.get(name)
            self.storage.staff.remove(person.id)
            self._note(person, "remove")
        return person

    def log_in(self, name: str, password: str) -> Person:
        """The person whose password it is. Slow on purpose, and as slow for a name that nobody has.

        Raises `LoginRefusedError`.
        """
        person = self.storage.staff.by_name(" ".join(name.split()))
        right = passwords.matches(person.password_hash if person else None, password)
        if person is None or not right or person.disabled:
            raise LoginRefusedError("The name or the password is not right.")
        return person

    def scope(self, person_id: int, epoch: int) -> Scope:
        """What a session that was opened in `epoch` may do, as the person's row says now.

        Raises `LoginRefusedError`.
        """
        person = self.storage.staff.get(person_id)
        if person is None or person.disabled or person.session_epoch != epoch:
            raise LoginRefusedError("The session is over: please log in again.")
        return Scope(who(person), frozenset(map(Permission, person.may)), by=f"staff {person.id} {epoch}")

    def _changed(self, name: str, what: str, **new: Any) -> Person:
        with self.storage.transaction():
            before = self.get(name)
            ends = what in ("password", "disable")
            person = replace(before, **new, session_epoch=before.session_epoch + ends)
            self.storage.staff.change(person)
            self._note(person, what)
        return person

    def _note(self, person: Person, what: str) -> None:
        """For the console and the audit, in the running transaction."""
        now = events.now()
        self.storage.events.add(events.STAFF_CHANGED, person=person.id, what=what)
        self.storage.audit.add([AuditRow(now, now, "staff", "", what, who(person), "", "ok")])


def who(person: Person) -> str:
    """As the audit names them."""
    return f"staff {person.name}"


def checked_name(name: str) -> str:
    """A name that people can tell from others; raises ValueError."""
    name = " ".join(name.split())
    if not 1 <= len(name) <= _LONGEST_NAME or not name.isprintable():
        raise ValueError(f"a name is 1 to {_LONGEST_NAME} letters that can be printed, not {name[:80]!r}")
    return name
