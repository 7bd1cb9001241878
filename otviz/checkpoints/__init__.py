"""Checkpoints: a folder with a card, the generator's weights, a picture and a recorded timeline. Nothing is pickled.

The card is written by the training run itself, so that nothing on it can be made up. Importing this needs no torch:
cards and pictures are there before anything is computed.
"""

from otviz.checkpoints.card import Card, cards, image_cards, read_cards
from otviz.core.files import CHECKPOINTS

__all__ = ["CHECKPOINTS", "Card", "cards", "image_cards", "read_cards"]
