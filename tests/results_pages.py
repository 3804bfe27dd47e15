"""Pages of docs/results: what a command measured, and below it what was measured or read by hand."""

from pathlib import Path

PAGES = Path(__file__).parents[1] / "docs" / "results"
BY_HAND = "\n## Further measurements\n"


def keep(name: str, measured: str) -> None:
    """Write what a command measured to its page; what stands below the heading of further measurements stays."""
    page = PAGES / f"{name}.md"
    _, heading, rest = page.read_text(encoding="utf-8").partition(BY_HAND) if page.exists() else ("", "", "")
    page.write_text(measured.rstrip("\n") + "\n" + heading + rest, encoding="utf-8")
