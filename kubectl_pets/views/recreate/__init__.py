"""A set that is made again, on the terminal and for programs."""
