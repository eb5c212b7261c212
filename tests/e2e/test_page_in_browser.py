"""The page, opened in a browser as a reader would: narrow and wide, dark and light."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from pfmm.cli.app import run
from tests.golden.test_report_golden import write_journal

BROWSER = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
# the test's own: the page has no script
MEASURE = """<script>
const seen = {wide: document.documentElement.scrollWidth, room: document.documentElement.clientWidth,
  paper: getComputedStyle(document.body).backgroundColor, ink: getComputedStyle(document.body).color,
  line: getComputedStyle(document.querySelector('svg .line')).stroke,
  charts: document.querySelectorAll('svg').length, marks: document.querySelectorAll('svg .buy, svg .sell').length,
  letters: Math.min(...[...document.querySelectorAll('svg text')].map(t => t.getBoundingClientRect().height)),
  spilling: [...document.querySelectorAll('svg text')].filter(t => { const box = t.getBoundingClientRect(),
    chart = t.ownerSVGElement.getBoundingClientRect();
    return box.left < chart.left - 1 || box.right > chart.right + 1; }).map(t => t.textContent),
  fill: document.getElementById('fill-f7').innerText, first: document.querySelector('.first').innerText};
document.body.dataset.seen = JSON.stringify(seen);
</script>"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of the day that was worked out by hand."""
    home = tmp_path_factory.mktemp("page")
    write_journal(home)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PFMM_HOME", str(home))
        patch.setenv("PFMM_BASE_URL", "http://127.0.0.1:9")
        assert run(["report", "--html", str(home / "page.html"), "-q"]) == 0
    return (home / "page.html").read_text("utf-8")


@pytest.mark.skipif(BROWSER is None, reason="no chromium is installed")
@pytest.mark.parametrize(
    ("width", "dark"),
    [
        (390, True),
        pytest.param(1_280, False, marks=pytest.mark.slow),
        pytest.param(390, False, marks=pytest.mark.slow),
        pytest.param(1_280, True, marks=pytest.mark.slow),
    ],
)
def test_it_is_readable(page: str, tmp_path: Path, width: int, *, dark: bool) -> None:
    assert len(page) < 1_000_000
    file = tmp_path / "page.html"
    # a browser's window may not be as narrow as a telephone: a frame is
    file.write_text(page.replace("</body>", f"{MEASURE}</body>"), "utf-8")
    frame = tmp_path / "frame.html"
    inside = json.dumps(file.read_text("utf-8")).replace("</", "<\\/")
    frame.write_text(
        f'<!doctype html><body><iframe style="width:{width}px;height:900px;border:0"></iframe><script>'
        f"const f = document.querySelector('iframe'); f.srcdoc = {inside};"
        "f.onload = () => document.body.dataset.seen = f.contentDocument.body.dataset.seen;</script>",
        "utf-8",
    )
    seen = opened(frame, tmp_path, dark=dark)
    assert seen["wide"] <= seen["room"] <= width
    assert brightness(seen["paper"]) < 60 if dark else brightness(seen["paper"]) > 220
    for shown in ("ink", "line"):
        assert abs(brightness(seen[shown]) - brightness(seen["paper"])) > 150
    assert (seen["charts"], seen["marks"]) == (8, 35)
    assert seen["letters"] >= 9
    assert seen["spilling"] == []
    assert seen["first"].startswith("break-even maker fee +8.97 ± ")
    assert "f7" in seen["fill"].split()


def opened(file: Path, folder: Path, *, dark: bool) -> dict[str, Any]:
    """What the page in the frame says of itself once it is drawn."""
    assert BROWSER is not None
    scheme = "--blink-settings=preferredColorScheme=" + ("0" if dark else "1")
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'browser'}", scheme]
    command += ["--window-size=1400,1000", "--virtual-time-budget=2000", "--dump-dom", file.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    told = re.search(r'<body data-seen="([^"]*)"', done.stdout)
    assert told, done.stderr[-500:]
    found: dict[str, Any] = json.loads(unescape(told[1]))
    return found


def brightness(colour: str) -> float:
    """Of "rgb(r, g, b)", 0 to 255."""
    red, green, blue = map(float, re.findall(r"[\d.]+", colour)[:3])
    return 0.299 * red + 0.587 * green + 0.114 * blue
