"""What does it take to give the volumes of a StatefulSet another size? ``plan`` foresees it, ``growth`` says how far a claim is,
``types`` are the values that both are told in."""
