"""Mixed traffic of several processes over a real server that is killed now and then."""
