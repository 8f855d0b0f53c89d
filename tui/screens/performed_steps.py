"""Performed steps: what modalities reported, and which order each is of."""

from __future__ import annotations

from textual import work
from textual.binding import Binding
from textual.widgets import Label

from appliance.box import Box
from tui.screens.listed import ListDesk
from tui.screens.step_link import LinkDialog
from tui.widgets.listing import Listing
from tui.widgets.orders import STEPS, StepRow, describe_step


class PerformedStepsScreen(ListDesk[StepRow]):
    """Newest first; what is linked to no order stands out."""

    NAME = "Performed"
    BINDINGS = [
        Binding("l", "link", "Link", tooltip="Say which order it is of"),
        Binding("u", "unlink", "Unlink", tooltip="It is not of that order"),
        Binding("o", "app.go('orders')", "Orders", tooltip="What modalities are told to do (F6)"),
        Binding("escape,q", "back", "Back", tooltip="Back to the studies"),
    ]

    def listed(self) -> Listing[StepRow]:
        """A row a step."""
        return Listing(STEPS, lambda row: row.step.sop_instance_uid, name="steps")

    def story(self, row: StepRow) -> str:
        """What was reported."""
        return describe_step(row)

    async def read(self) -> None:
        """The newest ones."""
        rows = await self.backstage.look(_look)
        loose = sum(not row.orders for row in rows)
        self.query_one("#headline", Label).update(f"{loose} unlinked" if loose else "")
        self.listing.empty = "No modality has reported anything yet."
        self.listing.show(rows)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what is linked can be unlinked."""
        row = self.listing.chosen
        if action == "unlink":
            return True if row and row.orders else None
        return None if action == "link" and not row else True

    async def action_link(self) -> None:
        """Choose its order."""
        if row := self.listing.chosen:
            await self.app.push_screen(LinkDialog(self.backstage, row.step))

    def action_unlink(self) -> None:
        """Untie it, if staff really mean it."""
        if row := self.listing.chosen:
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
