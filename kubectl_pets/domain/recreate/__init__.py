"""How is a StatefulSet made again with what the API calls immutable, while its pods run on? ``asking`` reads what is wanted,
``content`` is what the new one holds, ``refusing`` what speaks against it, ``plan`` what it takes, ``running`` what next. The
record that lies in the cluster meanwhile: ``domain.sets.away``."""
