"""The application object that a backend embeds, and the steps that make, load and score one.

Nothing is imported here: ``mmsdk.load`` must not pay for what only ``mmsdk.fit`` needs.
"""
