"""python -m scalargrad: the command line."""

import sys

from scalargrad.cli import main

sys.exit(main())
