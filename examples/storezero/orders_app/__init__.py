"""The orders app: a single page in the browser. It has tokens and no session."""
