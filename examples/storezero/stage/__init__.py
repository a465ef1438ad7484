"""What no real shop has: the sessions, live, beside every page."""
