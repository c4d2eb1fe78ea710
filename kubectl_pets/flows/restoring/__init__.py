"""A set that goes back to the data of a revision: ``carry`` is the verb's way, ``returning`` brings one claim after the other
back."""
