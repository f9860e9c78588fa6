"""What is known for certain, beside the network: bounds, hierarchies and answers that exclude each other."""

from mmsdk.rules.book import Fired, RuleBook, Ruled
from mmsdk.rules.reading import open_rules

__all__ = ["Fired", "RuleBook", "Ruled", "open_rules"]
