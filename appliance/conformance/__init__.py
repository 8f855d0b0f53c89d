"""The conformance statement: its prose is `statement.md`, its tables are the code's own."""
