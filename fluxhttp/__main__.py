"""``python -m fluxhttp``, the same as the command ``fluxhttp``."""

from __future__ import annotations

import sys

from fluxhttp._cli import main

if __name__ == "__main__":
    sys.exit(main())
