"""Sounds for mmsdk: safe decoding, voice activity, and classical encoders that download nothing."""
