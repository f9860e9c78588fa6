"""What the recipe is for, and where it fails: the words of the model card."""

from __future__ import annotations

from mmsdk import Card

CARD = Card(
    intended=(
        "Ordering a catalogue for a visitor by what he or she took and said, and by what the items look and read like.",
        "Showing items that nobody has touched yet beside the known ones.",
    ),
    not_for=(
        "Goods that are bought again and again: an item of the history is never an answer.",
        "Offers, prices or credit that differ by person.",
    ),
    data=(
        "A table of items and a table of who took which; the sample is a synthetic shop, drawn and simulated.",
        "Tried on rooms that stylists put together (furniture) and on baskets of groceries, not on visits with what "
        "was shown: exposure is not in the data.",
    ),
    limits=(
        "Popular and well-placed items look liked, since who was shown what is not known; no offline figure replaces a "
        "test on your users.",
        "An item without a past is given what items like it lead one to expect; dead stock is given it too.",
        "Where looks and words do not tell what is taken together, new items have nothing to borrow.",
    ),
)
