"""Write the sample company's files: ``python -m kpi_helpers.samples data``."""

import argparse
from pathlib import Path

from kpi_helpers.samples import write


def main() -> None:
    """Write the files and name each with its size in bytes."""
    parser = argparse.ArgumentParser(prog="python -m kpi_helpers.samples", description=__doc__)
    parser.add_argument("folder", type=Path)
    for path in write(parser.parse_args().folder):
        print(f"{path}\t{path.stat().st_size}")


if __name__ == "__main__":
    main()
