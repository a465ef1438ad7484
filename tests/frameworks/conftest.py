"""Import what warns while it is imported, once, before the suite turns warnings into errors."""

import warnings

with warnings.catch_warnings():
    # WebOb 1.8, on which Pyramid stands, imports the module cgi, which Python 3.13 dropped.
    warnings.filterwarnings("ignore", message="'cgi' is deprecated", category=DeprecationWarning)
    import webob  # noqa: F401
