"""Says which kinds of sets could not be looked at, so that nobody takes a list for all that there is."""

from kubectl_pets.domain.model import Inventory
from kubectl_pets.session import Terminal


def tell_kinds_not_read(terminal: Terminal, inventory: Inventory) -> None:
    for resource in inventory.kinds_not_read:
        terminal.tell(f"note: {resource} could not be read, so there may be more sets than are told here")
