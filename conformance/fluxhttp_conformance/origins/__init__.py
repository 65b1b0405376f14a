"""Origins: peers that play scripts, and remember what they saw."""
