"""``python -m fluxhttp_conformance`` is ``fluxhttp-conformance``."""

import sys

from fluxhttp_conformance._cli import main

if __name__ == "__main__":
    sys.exit(main())
