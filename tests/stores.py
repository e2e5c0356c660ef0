"""Where a company may be kept: files, a DuckDB file, PostgreSQL; and an awkward company."""

import atexit
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from shutil import rmtree, which
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any
from urllib.parse import urlsplit

import duckdb
import numpy as np
import pandas as pd
import pytest

Tables = dict[str, pd.DataFrame]

URL = os.environ.get("KPI_TEST_POSTGRES", "")
NO_SERVER = "KPI_TEST_POSTGRES names no server"
needs_server = pytest.mark.skipif(not URL, reason=NO_SERVER)

# Text that sorts as in French, unlike on the other engines; amounts as exact numbers.
FRENCH = 'text COLLATE "fr-x-icu"'
TYPES = {"datetime64[us]": "date", "datetime64[us, UTC]": "timestamptz", "float64": "numeric"}
NUMBERS = count()


def as_csv(tables: Tables, folder: Path) -> Path:
    for name, frame in tables.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    return folder


def as_parquet(tables: Tables, folder: Path) -> Path:
    for name, frame in tables.items():
        frame.to_parquet(folder / f"{name}.parquet", index=False)
    return folder


def as_duckdb(tables: Tables, folder: Path) -> Path:
    path = folder / "company.duckdb"
    with duckdb.connect(str(path)) as con:
        for name, frame in tables.items():
            con.register("incoming", frame)
            con.execute(f"CREATE TABLE {name} AS SELECT * FROM incoming")
    return path


def as_text() -> Tables:
    """Deals whose days and amounts are text, as people write them; one day does not exist."""
    return {
        "deals": pd.DataFrame(
            {
                "deal_id": ["1", "2", "3", "4"],
                "status": ["Gagné", "perdu", " WON ", "en cours"],
                "created_at": ["05/01/2026", "13/01/2026", "31/02/2026", "06/01/2026"],
                "closed_at": ["31/03/2026 23:59", "01/04/2026", "2026-02-28", ""],
                "amount": ["1 234,50 €", "(10,00)", "n/a", "12,5"],
            }
        )
    }


FILES: dict[str, Callable[[Tables, Path], Path]] = {
    "csv": as_csv,
    "parquet": as_parquet,
    "duckdb": as_duckdb,
}
ENGINES = (*FILES, "postgres")
OPTIMIZER = "org.apache.spark.sql.catalyst.optimizer"
NO_SPARK = 'Spark needs pip install "kpi-helpers[spark]" and Java'


@contextmanager
def kept(tables: Tables, engine: str, url: str = URL) -> Iterator[Any]:
    """What `kpi_helpers.load` opens, with the tables on an engine, as long as it is needed."""
    if engine == "frames":
        yield tables
    elif engine in FILES:
        with TemporaryDirectory() as folder:
            yield FILES[engine](tables, Path(folder))
    else:
        with on_spark(tables) if engine == "spark" else on_server(tables, url=url) as source:
            yield source


@contextmanager
def on_server(
    tables: Tables, types: Mapping[str, str] | None = None, url: str = URL
) -> Iterator[str]:
    """The URL of the tables in a schema of their own, which is dropped in the end."""
    if not url:
        pytest.skip(NO_SERVER)
    import psycopg

    schema = f"kpi_{os.getpid()}_{next(NUMBERS)}"
    with psycopg.connect(url, autocommit=True) as con:
        con.execute(f"CREATE SCHEMA {schema}")
        try:
            for name, frame in tables.items():
                _copied(con, f"{schema}.{name}", frame, types or {})
            yield urlsplit(url)._replace(path=f"{urlsplit(url).path}/{schema}").geturl()
        finally:
            con.execute(f"DROP SCHEMA {schema} CASCADE")


@contextmanager
def on_spark(tables: Tables) -> Iterator[Any]:
    """A connection to the tables as views of a session of their own; Spark runs in this process."""
    if not (find_spec("pyspark") and which("java")):
        pytest.skip(NO_SPARK)
    import ibis
    import pyarrow

    session = _spark().newSession()
    session.conf.set("spark.sql.session.timeZone", "UTC")
    for name, frame in tables.items():
        table = pyarrow.Table.from_pandas(frame, preserve_index=False)
        session.createDataFrame(table).createOrReplaceTempView(name)
    yield ibis.pyspark.connect(session)


@cache
def _spark() -> Any:
    from pyspark.sql import SparkSession

    home = mkdtemp()
    atexit.register(rmtree, home, ignore_errors=True)
    # Many small questions, each asked once: what Java compiles for the long run never pays here.
    # The rule would work out all columns of a frame while a query is planned, row by row.
    # Once what it compiles has no room left, Java compiles no more.
    java = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m -XX:+UseSerialGC"
    settings = {
        "spark.driver.extraJavaOptions": java,
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.optimizer.excludedRules": f"{OPTIMIZER}.ConvertToLocalRelation",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.warehouse.dir": home,
        "spark.log.level": "ERROR",
    }
    return SparkSession.builder.master("local[2]").config(map=settings).getOrCreate()


def _copied(con: Any, table: str, frame: pd.DataFrame, types: Mapping[str, str]) -> None:
    kinds = {name: TYPES.get(str(kind), FRENCH) for name, kind in frame.dtypes.items()}
    days = frame.select_dtypes("datetime")
    timed = [n for n in days if (days[n].dropna().dt.normalize() != days[n].dropna()).any()]
    kinds |= dict.fromkeys(timed, "timestamp") | dict(types)
    columns = ", ".join(f'"{name}" {kinds[name]}' for name in frame)
    con.execute(f"CREATE TABLE {table} ({columns})")
    with con.cursor().copy(f"COPY {table} FROM STDIN") as copy:
        for row in frame.astype(object).where(frame.notna(), None).to_numpy():
            copy.write_row(tuple(row))


OWNERS = ["Zoë Ünal", "zoë ünal", "O'Brien", 'Léa "L", Martin', "Éric", "eric", "日本", None]
LEAD_DAYS = ("mql_at", "handed_over_at", "accepted_at", "sql_at")
CUSTOMERS = ["C1", "c1", "Émile & fils", "démo SARL", "C5", "C6", None]


def awkward(seed: int = 7) -> Tables:
    """Everything that exports hold: gaps, ties, copies, unknown words, all alphabets, no rows."""
    rng = np.random.default_rng(seed)

    def pick(values: list[Any], size: int) -> list[Any]:
        return [values[place] for place in rng.integers(len(values), size=size)]

    def days(first: str, span: int, size: int, missing: float = 0.0) -> pd.Series:
        day = pd.Timestamp(first) + pd.to_timedelta(rng.integers(0, span, size), unit="D")
        return pd.Series(day).dt.as_unit("us").where(rng.random(size) >= missing)

    return {
        "deals": _deals(pick, days, rng),
        "leads": pd.DataFrame(
            {
                "lead_id": [str(i) for i in range(200)],
                "created_at": days("2025-01-01", 500, 200),
                "converted_at": days("2025-01-20", 540, 200, missing=0.6),
                **{name: days("2025-01-20", 540, 200, missing=0.4) for name in LEAD_DAYS},
                "source": pick(["salon", "Salon", "été", None], 200),
                "owner": pick(OWNERS, 200),
            }
        ),
        "orders": pd.DataFrame(
            {
                "order_id": [str(i % 290) for i in range(300)],
                "order_date": days("2024-01-01", 900, 300),
                "customer_id": pick(CUSTOMERS, 300),
                "amount_net": pick([0.1, 0.2, -0.3, 100.0, 100.0, 1e6], 300),
                "type": pick(["order", "refund", "gift", None, None], 300),
                "cost": pick([0.1, 60.0, None], 300),
                "owner": pick(OWNERS, 300),
            }
        ),
        "spend": pd.DataFrame(
            {
                "date": days("2025-01-01", 500, 60),
                "amount": pick([0.1, 250.0, None], 60),
                "channel": pick(["salon", None], 60),
                "cost_type": pick(["media", "tools", "salaries"], 60),
            }
        ),
        "reps": pd.DataFrame(
            [
                *(("Zoë Ünal", team) for team in ("Équipe", "Zebra", "alpha")),
                *(("O'Brien", "zoo"), ("Éric", None), ("日本", "zoo"), ("日本", "zoo")),
            ],
            columns=["owner", "team"],
        ).assign(start=days("2025-10-01", 200, 7, missing=0.4), fte=pick([None, 0.1, 1.0], 7)),
        "targets": _targets(),
        "mrr": pd.DataFrame(
            {
                "customer_id": [*CUSTOMERS[:6]] * 12,
                "month": np.repeat(pd.date_range("2025-07-01", periods=12, freq="MS"), 6),
                "mrr": pick([None, 0.0, 0.1, 80.0], 72),
            }
        ).astype({"month": "datetime64[us]"}),
        "products": pd.DataFrame({"product": pd.Series([], dtype="str")}),
    }


def _deals(pick: Callable[..., Any], days: Callable[..., Any], rng: Any) -> pd.DataFrame:
    size = 240
    created = days("2025-01-01", 500, size, missing=0.1)
    lasted = pd.to_timedelta(rng.integers(-3, 60, size), unit="D")
    status = pd.Series(pick(["won", "won", "lost", "lost", "open", "zombie", None], size))
    closed = (created + lasted).where(status.isin(["won", "lost"]) & (rng.random(size) > 0.1))
    closed[:3] = pd.Timestamp("1900-01-01")
    return pd.DataFrame(
        {
            "deal_id": [*(str(i) for i in range(size - 6)), "1", "1", "2", "é", None, None],
            "created_at": created,
            "closed_at": closed,
            "status": status,
            "amount": pick([None, 0.0, -5.0, 0.1, 0.1, 100.0, 100.0, 33333.33, 1e9], size),
            "list_amount": pick([None, 0.0, 120.0, 5e4], size),
            "expected_close": days("2025-06-01", 400, size, missing=0.4),
            "owner": pick(OWNERS, size),
            "customer_id": pick(CUSTOMERS, size),
            "competitor": [None] * size,
            "Größe % {x}": pick(["petit", "GRAND", "grand", None], size),
            "Label": pick(["a", "b"], size),
        }
    )


def _targets() -> pd.DataFrame:
    starts = pd.date_range("2025-01-01", "2026-06-30", freq="QS").as_unit("us")
    ends = (starts + pd.offsets.QuarterEnd(0)).as_unit("us")
    scopes = [("company", None, 1e6), ("rep", "Zoë Ünal", 5e4), ("rep", "日本", 0.0)]
    return pd.DataFrame(
        [
            (metric, start, end, *scope)
            for metric in ("revenue", "bookings")
            for start, end in zip(starts, ends, strict=True)
            for scope in scopes
        ],
        columns=["metric", "period_start", "period_end", "scope_type", "scope_value", "value"],
    )


# Late in the evening in Greenwich is tomorrow in Paris.
MOMENTS = ["2026-03-31T22:30:00Z", "2026-03-31T21:30:00Z", "2026-03-31T00:00:00Z", None]


def moments(kind: str) -> Tables:
    """Won deals closed around the last midnight of a quarter: aware, naive or text."""
    closed = pd.Series(pd.to_datetime(MOMENTS, utc=True)).dt.as_unit("us")
    if kind == "naive":
        closed = closed.dt.tz_localize(None)
    if kind == "text":
        closed = pd.Series(MOMENTS, dtype="str")
    ids = [str(place) for place in range(len(closed))]
    days = pd.Series(pd.to_datetime(["2026-01-05"] * len(ids))).dt.as_unit("us")
    deals = {"deal_id": ids, "status": ["won"] * len(ids), "created_at": days, "closed_at": closed}
    return {"deals": pd.DataFrame(deals)}
