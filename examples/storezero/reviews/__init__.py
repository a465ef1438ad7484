"""Reviews: a second application of the same server, to see who hears of a logout elsewhere."""
