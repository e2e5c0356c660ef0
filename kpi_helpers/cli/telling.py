"""``kpi protocol``: what was decided, to hand round."""

from __future__ import annotations

import argparse

from kpi_helpers.cli.answers import spoken
from kpi_helpers.cli.parsing import Parser

FORMS = ("pdf", "pptx")


def describe_protocol(parser: Parser) -> None:
    """Add the options of ``kpi protocol`` to its parser."""
    parser.option("data", "SOURCE")
    parser.option("config", "FILE")
    parser.option("as-of", "DAY")
    for form in FORMS:
        parser.switch(form)
    parser.option("out", "DIR", "reports")


def protocol(options: argparse.Namespace, lang: str) -> int:
    """Write the protocol and print its files."""
    from kpi_helpers.reports import opened, write_protocol

    lang = spoken(options, lang, options.data)
    data = opened(options.data, options.config, options.as_of, lang)
    forms = [form for form in FORMS if getattr(options, form)]
    for path in write_protocol(data, options.out, forms):
        print(path)
    return 0
