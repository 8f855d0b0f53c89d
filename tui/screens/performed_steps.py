"""Performed steps: what modalities reported, and which order each is of."""

from __future__ import annotations

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Label, Static

from appliance.box import Box
from tui.screens.desk import Desk
from tui.screens.step_link import LinkDialog
from tui.widgets.listing import Listing
from tui.widgets.orders import STEPS, StepRow, describe_step


class PerformedStepsScreen(Desk):
    """Newest first; what is linked to no order stands out."""

    NAME = "Performed"
    BINDINGS = [
        Binding("l", "link", "Link", tooltip="Say which order it is of"),
        Binding("u", "unlink", "Unlink", tooltip="It is not of that order"),
        Binding("o", "app.go('orders')", "Orders", tooltip="What modalities are told to do (F6)"),
        Binding("escape,q", "back", "Back", tooltip="Back to the studies"),
    ]

    def body(self) -> ComposeResult:
        """The steps, and the story of the chosen one."""
        yield Listing(STEPS, lambda row: row.step.sop_instance_uid, name="steps")
        yield Static("", id="detail", classes="detail", markup=False)

    @property
    def _listing(self) -> Listing[StepRow]:
        return self.query_one(Listing)

    async def read(self) -> None:
        """The newest ones."""
        rows = await self.backstage.look(_look)
        loose = sum(not row.orders for row in rows)
        self.query_one("#headline", Label).update(f"{loose} unlinked" if loose else "")
        self._listing.empty = "No modality has reported anything yet."
        self._listing.show(rows)

    @on(Listing.Marked)
    def _describe(self) -> None:
        row = self._listing.chosen
        self.query_one("#detail", Static).update(describe_step(row) if row else "")
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what is linked can be unlinked."""
        row = self._listing.chosen
        if action == "unlink":
            return True if row and row.orders else None
        return None if action == "link" and not row else True

    async def action_link(self) -> None:
        """Choose its order."""
        if row := self._listing.chosen:
            await self.app.push_screen(LinkDialog(self.backstage, row.step))

    def action_unlink(self) -> None:
        """Untie it, if staff really mean it."""
        if row := self._listing.chosen:
            uid = row.step.sop_instance_uid
            self.ask_first(
                "Untie this step from its order?",
                "The order then stands where it stood without it. You can link it again.",
                "Untie",
                lambda: self._unlink(uid),
            )

    @work(group="changing")
    async def _unlink(self, uid: str) -> None:
        await self.change(lambda box: box.steps.unlink(uid))


def _look(box: Box) -> list[StepRow]:
    storage = box.storage
    return [
        StepRow(step, [order for number in step.order_ids if (order := storage.orders.get(number))])
        for step in box.steps.all()
    ]
