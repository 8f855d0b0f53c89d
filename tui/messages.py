"""What the console's parts tell each other."""

from __future__ import annotations

from textual.message import Message


class IndexMoved(Message, bubble=False):
    """Something was committed to the index: look again. Of many, one is enough."""

    def can_replace(self, message: Message) -> bool:
        """A newer one stands for all."""
        return isinstance(message, IndexMoved)


class IndexReplaced(Message, bubble=False):
    """It is another index now: what was read before may not hold."""
