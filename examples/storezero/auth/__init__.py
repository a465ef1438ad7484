"""The login service: accounts, passwords, one-time codes."""
