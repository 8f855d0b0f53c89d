"""The outgoing queue: one study to one peer."""
