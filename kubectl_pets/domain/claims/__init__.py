"""What a claim tells by itself, whoever it belongs to: sizes, and how far its expansion is."""
