"""Where things lie on disk: the shipped notebooks and sample, and the project of a folder."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parents[1]
NOTEBOOKS = "notebooks"
CONFIG, OWN_KPIS = "kpi.toml", "kpis.py"


def notebooks() -> Path:
    """Return the folder of the shipped notebooks, in a checkout or in an installed package.

    Examples
    --------
    >>> (notebooks() / "01_kpi_evaluation.ipynb").is_file()
    True
    """
    return _shipped("_notebooks", NOTEBOOKS)


def of_reports() -> list[Path]:
    """Return the notebooks that make up a report, in their order.

    Examples
    --------
    >>> of_reports()[0].name
    '00_kpi_selection.ipynb'
    """
    return sorted(notebooks().glob("[0-9][0-9]_*.ipynb"))


def sample() -> Path:
    """Return the folder of the sample company, in a checkout or in an installed package.

    Examples
    --------
    >>> (sample() / "kpi.toml").is_file()
    True
    """
    return _shipped("_sample", "data/sample")


def project(folder: Path | str = ".") -> tuple[Path | None, Path | None]:
    """Return what to load for a folder in which nothing was named: a source and its settings.

    The source is what the settings name (None), else the ``data`` folder when it holds data, else
    the folder itself when it holds a ``kpi.toml`` and data, else the sample company; beside a
    ``kpi.toml`` the ``data`` folder, even when it is still empty. A notebook runs in the folder
    ``notebooks`` of its project: there it is the folder above that counts.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as empty:
    ...     project(empty) == (sample(), None)
    True
    """
    from kpi_helpers.sources.config import read_config

    folder = home(folder)
    settings = folder / CONFIG if (folder / CONFIG).is_file() else None
    if settings is not None and read_config(settings).source:
        return None, settings
    if _holds_data(folder / "data"):
        return folder / "data", settings
    if settings is None:
        return sample(), None
    return (folder if _holds_data(folder) else folder / "data"), settings


def own_kpis(config: str = "") -> Path | None:
    """Return the file of the project's own KPIs: beside the settings that are named, or here.

    One that lies with the data is not meant: it would be run, and data are not.

    Examples
    --------
    >>> own_kpis() is None
    True
    """
    folder = Path(config).parent if config else home()
    ours = (folder / CONFIG).is_file() or bool(config)
    return folder / OWN_KPIS if ours and (folder / OWN_KPIS).is_file() else None


def named_in(*addresses: str) -> list[str]:
    """Return the forms in which paths and addresses may be written, the longest first.

    A plain file name tells nothing of where or whose it is.

    Examples
    --------
    >>> "postgresql://ann@db/sales" in named_in("postgresql://ann@db/sales", "kpi.toml")
    True
    """
    remote = [address for address in addresses if "://" in address]
    paths = [Path(address).resolve() for address in addresses if address and "://" not in address]
    around = [folder for path in paths for folder in (path, *path.parents[:-2])]
    written = {*remote, *map(str, around), *(a for a in addresses if "/" in a), str(Path.home())}
    return sorted(written, key=lambda form: (-len(form), form))


def home(folder: Path | str = "") -> Path:
    """Return the folder of a project, of which one may stand in that of its notebooks.

    Examples
    --------
    >>> home("acme"), home("acme/notebooks")
    (PosixPath('acme'), PosixPath('acme/notebooks/..'))
    """
    folder = Path(folder)
    return folder / ".." if folder.resolve().name == NOTEBOOKS else folder


def _shipped(installed: str, checkout: str) -> Path:
    inside = PACKAGE / installed
    return inside if inside.is_dir() else PACKAGE.parent / checkout


def _holds_data(folder: Path) -> bool:
    from kpi_helpers.sources.files.kinds import ENDINGS

    return folder.is_dir() and any(p.name.lower().endswith(ENDINGS) for p in folder.iterdir())
