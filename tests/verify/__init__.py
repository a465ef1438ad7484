"""All layers of verification in one run: ``python -m tests.verify``."""
