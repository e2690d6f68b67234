"""The story of a poll, an article, a digest and a delivery; knows every pure room.

Each module tells one story from top to bottom: claim, do, record. The network is done with
before a transaction opens, and every story can be told twice without harm.
"""
