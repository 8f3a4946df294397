"""``python -m bptrace`` is the command ``bptrace``."""

import sys

from bptrace.cli import main

if __name__ == "__main__":
    sys.exit(main())
