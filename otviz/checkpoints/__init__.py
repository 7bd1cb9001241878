"""Checkpoints: folders with a card, the generator's weights, a picture and snapshots of the training. Nothing is pickled.

Cards are written by the training itself. Importing this package needs no torch, so that pages can show cards and pictures at
once.
"""

from otviz.checkpoints.card import Card, cards, image_cards, read_cards
from otviz.core.files import CHECKPOINTS

__all__ = ["CHECKPOINTS", "Card", "cards", "image_cards", "read_cards"]
