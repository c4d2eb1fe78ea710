"""``make bench``: speed and requests as ratios in one run, against the peers or limits named. Nothing here is a test: it prints."""
