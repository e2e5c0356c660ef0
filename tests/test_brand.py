"""A company's logo and colours: read or refused before anything else, drawn anew on every page."""

import base64
from io import BytesIO
from pathlib import Path

import pytest
from nbformat.v4 import new_markdown_cell, new_notebook
from PIL import Image

from kpi_helpers.errors import BadConfig, UnknownName
from kpi_helpers.reports.page import page
from kpi_helpers.sources.brand import HEIGHT, WIDTH, brand, contrast
from kpi_helpers.sources.config import Config, read_config

SVG = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def settings(folder: Path, logo: str, *colours: str) -> Config:
    text = f'schema = 1\nname = "<b>Acme</b>"\n[brand]\nlogo = "{logo}"\ncolours = {[*colours]}\n'
    (folder / "kpi.toml").write_text(text, "utf-8")
    return read_config(folder / "kpi.toml")


def test_contrast_is_that_of_the_guidelines() -> None:
    # https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio; #777777 is known to fail by a hair.
    assert contrast("#FFFFFF") == 1.0
    assert contrast("#777777") == pytest.approx(4.478, abs=5e-4)
    assert contrast("#ff0000") == pytest.approx(3.998, abs=5e-4)


@pytest.mark.parametrize(
    ("colour", "lang", "said"),
    [
        ("#777777", "en", "brand.colours = '['#777777']' is not accepted; expected a colour"),
        ("#777777", "en", "4.5 to 1 on white; #777777 has 4.4 to 1"),
        ("#ffd700", "fr", "4,5 pour 1 sur blanc\u00a0; #ffd700 n’en a que 1,4 pour 1"),
        ("red;}*{x:url(//a)", "en", 'expected ["#17375e", "#b8400e"]'),
    ],
)
def test_a_colour_that_text_cannot_have_is_refused(colour: str, lang: str, said: str) -> None:
    with pytest.raises(BadConfig) as caught:
        read_config({"schema": 1, "brand": {"colours": [colour]}})
    assert said in caught.value.render(lang)


def test_a_logo_is_drawn_anew_without_what_else_its_file_holds(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x013B] = "Ana Díaz"
    Image.new("RGB", (2000, 900), "#17375e").save(tmp_path / "logo.jpg", exif=exif)
    assert b"Ana" in (tmp_path / "logo.jpg").read_bytes()
    look = brand(settings(tmp_path, "logo.jpg", "#17375e", "#b8400e"))
    drawn = base64.b64decode(look["logo"].removeprefix("data:image/png;base64,"))
    assert b"Ana" not in drawn
    with Image.open(BytesIO(drawn)) as picture:
        assert (picture.format, picture.height) == ("PNG", HEIGHT)
        assert picture.width <= WIDTH
    html = page(new_notebook(cells=[new_markdown_cell("# A")]), {}, "en", brand=look)
    assert f'<img class="logo" src="{look["logo"]}" alt="&lt;b&gt;Acme&lt;/b&gt;">' in html
    assert "--first: #17375e; --second: #b8400e;" in html


@pytest.mark.parametrize("content", [SVG.encode(), b"GIF89a", b"\x89PNG\r\n\x1a\nbroken", b""])
def test_what_is_no_plain_picture_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(content)
    with pytest.raises(BadConfig, match=r"brand.logo = 'logo.png'.*a PNG or JPEG"):
        brand(settings(tmp_path, "logo.png"))


def test_a_huge_picture_is_not_drawn(tmp_path: Path) -> None:
    Image.new("1", (5000, 4000)).save(tmp_path / "logo.png")
    with pytest.raises(BadConfig, match="16 million points"):
        brand(settings(tmp_path, "logo.png"))


def test_a_logo_that_is_not_there_or_elsewhere_is_named(tmp_path: Path) -> None:
    Image.new("RGB", (10, 10)).save(tmp_path / "logo.png")
    with pytest.raises(UnknownName, match=r"Did you mean logo.png\?"):
        brand(settings(tmp_path, "logos.png"))
    with pytest.raises(BadConfig, match="in the folder"):
        settings(tmp_path, "../logo.png")


def test_without_a_brand_a_page_is_as_it_was() -> None:
    assert brand(Config()) == {}
    assert "<img" not in page(new_notebook(cells=[]), {}, "en", brand={})
