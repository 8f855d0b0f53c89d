"""The core of pacsbox: receives, keeps, finds and hands on imaging studies. Knows nothing of web/ and tui/."""
