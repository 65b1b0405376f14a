"""The pure core: no socket, file, thread, clock or environment."""
