"""Measure what a session costs a request, side by side with other libraries: ``python -m benchmarks``."""
