"""The configuration: `model` lists what can be set, `reading` makes it from a file.

Everything is read once, checked as a whole, and frozen; every fault is told at once.
"""
