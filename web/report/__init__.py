"""Structured reports as pages and as plain text."""
