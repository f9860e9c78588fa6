"""Gestures for mmsdk: landmarks that move, normalised, and encoders that download nothing."""
