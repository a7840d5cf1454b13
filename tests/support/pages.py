"""HTML pages in tests: parsed, and in a browser if one is installed."""

import json
import shutil
import subprocess
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

VOID = ("meta", "img", "input", "br")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SCRIPT = """
<script>
window.failures = [];
window.addEventListener("error", (event) => window.failures.push(String(event.message)));
</script>
"""
ENDING = """
<script>
window.addEventListener("load", async () => {
  const result = document.createElement("pre");
  result.id = "result";
  try {
    const wait = (ms) => new Promise((done) => setTimeout(done, ms));
    const found = await (async () => { %s })();
    result.textContent = JSON.stringify({ found, failures: window.failures });
  } catch (error) {
    result.textContent = JSON.stringify({ failures: [...window.failures, String(error)] });
  }
  document.body.append(result);
});
</script>
"""


class Page(HTMLParser):
    """Checks that every tag is closed, and keeps tags, addresses, the text of the cells of tables
    by row, and that of scripts by id."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.rows: list[list[str]] = []
        self.scripts: dict[str, str] = {}
        self._script = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        elif tag == "script":
            self._script = dict(attrs).get("id") or ""
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "script" in self.open:
            self.scripts[self._script] = data
        elif {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data.strip()

    @property
    def data(self) -> Any:
        """The page's JSON."""
        return json.loads(self.scripts["data"])


def in_browser(page: Path, script: str, width: int = 1000) -> Any:
    """What `script`, the body of an async function, returns in a browser that shows the page.
    `wait(ms)` waits. Fails if anything in the page fails; skips without a browser."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip("no Chromium here")
    text = page.read_text(encoding="utf-8")
    copy = page.with_name(f"driven-{page.name}")
    head, body = text.split("<title>", 1)
    body = body.replace("</body>", (ENDING % script) + "</body>")
    copy.write_text(f"{head}{SCRIPT}<title>{body}", encoding="utf-8")
    options = ("--headless=new", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000")
    folder = page.with_name("browser")
    done = subprocess.run(
        [browser, *options, f"--user-data-dir={folder}", f"--window-size={width},900", "--dump-dom", copy.as_uri()],
        capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    copy.unlink()
    assert 'id="result"' in done.stdout, done.stderr
    told = json.loads(unescape(done.stdout.split('id="result">')[1].split("</pre>")[0]))
    assert told["failures"] == []
    return told["found"]
