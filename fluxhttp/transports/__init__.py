"""The transports that reach a network, each loaded when it is first used."""
