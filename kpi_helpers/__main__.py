"""``python -m kpi_helpers``: the command line, for where the script ``kpi`` is not on the path."""

import sys

from kpi_helpers.cli import main

if __name__ == "__main__":
    sys.exit(main())
