"""What a user installs: the built executable, krew's archives, and real kubectl and krew around them."""
