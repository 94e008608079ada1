"""A hook of the documentation site: links that leave docs/ lead to the repository."""

import re

LEAVING = re.compile(r"\]\(\s*(?:\.\./)+([^)\s]+)\)")


def on_page_markdown(markdown, *, page, config, files):
    """The page's text with links out of docs/ as addresses of the repository's files."""
    return LEAVING.sub(rf"]({config.repo_url}/blob/main/\1)", markdown)
