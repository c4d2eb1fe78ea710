"""A set that is made again while its pods run on: ``manifest`` reads what is typed, ``foreseeing`` has the API server judge it,
``remaking`` carries it out, ``carry`` is the verb's way to the last word."""
