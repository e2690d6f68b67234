"""One event, one announcement: are these two the same, and how do many fall into groups?"""

from aggregator.cluster.groups import grouped
from aggregator.cluster.keys import VERSION, keys, surest, title_number
from aggregator.cluster.names import Named, cites, names, relation, resolve
from aggregator.cluster.rule import APART, SAME, near, own_number, same, score
from aggregator.cluster.titles import Role, role, title_key

__all__ = [
    "APART",
    "SAME",
    "VERSION",
    "Named",
    "Role",
    "cites",
    "grouped",
    "keys",
    "names",
    "near",
    "own_number",
    "relation",
    "resolve",
    "role",
    "same",
    "score",
    "surest",
    "title_key",
    "title_number",
]
