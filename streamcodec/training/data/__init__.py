"""What a run learns from: folders of crops, and how they are made of videos and photographs."""

from streamcodec.training.data.folder import Crops, PairFolder, open_pairs
from streamcodec.training.data.make import Recipe, make_pairs

__all__ = ["Crops", "PairFolder", "Recipe", "make_pairs", "open_pairs"]
