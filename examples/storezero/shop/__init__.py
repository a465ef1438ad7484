"""The shop: a regular web application."""
