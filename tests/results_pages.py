"""Pages of docs/results: what a command measured, and below it what was measured or read by hand."""

from pathlib import Path

PAGES = Path(__file__).parents[1] / "docs" / "results"
BY_HAND = "\n## Further measurements\n"


def sections(name: str) -> dict[str, str]:
    """Return what a page has measured so far, by the title of its section (``## title``)."""
    page = PAGES / f"{name}.md"
    measured = page.read_text(encoding="utf-8").partition(BY_HAND)[0] if page.exists() else ""
    parts = (part.partition("\n") for part in measured.split("\n## ")[1:])
    return {title: f"## {title}\n{text}".rstrip("\n") for title, _, text in parts}


def keep(name: str, measured: str) -> None:
    """Write what a command measured to its page; what stands below the heading of further measurements stays."""
    page = PAGES / f"{name}.md"
    _, heading, rest = page.read_text(encoding="utf-8").partition(BY_HAND) if page.exists() else ("", "", "")
    page.write_text(measured.rstrip("\n") + "\n" + heading + rest, encoding="utf-8")
