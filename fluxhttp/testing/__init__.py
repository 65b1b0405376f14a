"""In-memory siblings of the transports, and the language that says what a peer does.

``fluxhttp.testing.strategies`` has hypothesis strategies; it needs the extra
``hypothesis`` and is imported by its own name.
"""

from fluxhttp.testing.script import Close, Pause, Receive, Reset, Script, Send, Stall, Step

__all__ = ["Close", "Pause", "Receive", "Reset", "Script", "Send", "Stall", "Step"]
