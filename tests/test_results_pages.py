"""A benchmark rewrites its own part of a page and leaves what people wrote."""

from tests import results_pages
from tests.results_pages import BY_HAND, keep, sections


def test_what_was_written_by_hand_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(results_pages, "PAGES", tmp_path)
    page = tmp_path / "speed.md"
    keep("speed", "# Speed\n\n1 s\n")
    assert page.read_text() == "# Speed\n\n1 s\n"
    page.write_text(page.read_text() + BY_HAND + "\nTwo days before it was 3 s.\n")
    keep("speed", "# Speed\n\n2 s")
    assert page.read_text() == "# Speed\n\n2 s\n" + BY_HAND + "\nTwo days before it was 3 s.\n"


def test_sections_are_found_by_their_titles(tmp_path, monkeypatch):
    monkeypatch.setattr(results_pages, "PAGES", tmp_path)
    assert sections("scores") == {}
    parts = ["# Scores", "## a.csv\n\n### half\n\n0.1", "## b.csv\n\n0.2"]
    keep("scores", "\n\n".join(parts))
    (tmp_path / "scores.md").write_text((tmp_path / "scores.md").read_text() + BY_HAND + "\n## by hand\n")
    assert sections("scores") == {"a.csv": parts[1], "b.csv": parts[2]}
