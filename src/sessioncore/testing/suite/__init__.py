"""The property suite: one state machine, one reference model, and a driver for each way of running sessions.

``machine`` holds the rules, ``reference`` and ``expectation`` the model, ``invariants`` what must never break, and the
modules ``*_driver`` the ways: the pure core, the shell over a store, WSGI and ASGI in-process, real HTTP.
"""
