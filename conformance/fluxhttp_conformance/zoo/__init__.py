"""The zoo: transports that are broken on purpose, to prove that the suite finds what it looks for.

Each creature has one fault, and names the cases that must fail on it. A suite
that lets one pass looks at too little; a required case that no creature fails
may be one that cannot fail. ``fluxhttp-conformance selftest`` checks both.

A creature is a target like any other::

    fluxhttp-conformance run fluxhttp_conformance.zoo:joins-lines-of-one-name
"""

from __future__ import annotations

from typing import Any

from fluxhttp_conformance.zoo.creature import Creature, creatures
from fluxhttp_conformance.zoo.sound import SoundTransport

__all__ = ["Creature", "SoundTransport", "creatures"]


def __getattr__(name: str) -> Any:
    # A name of the command line, with hyphens, is no attribute that a module could have.
    found = creatures().get(name) if "-" in name else None
    if found is None:
        raise AttributeError(f"the zoo has no creature {name!r}")
    return found.factory
