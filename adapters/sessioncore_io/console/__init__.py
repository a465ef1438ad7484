"""The command ``sessioncore store``: what operators do to any store, by its URL."""
