"""What does it take to give the volumes of a StatefulSet another size? ``plan`` foresees it, ``running`` says what next,
``types`` are the values that both are told in. How far one claim is: ``domain.claims.growth``."""
