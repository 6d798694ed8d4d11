"""What the package index is told that stands nowhere in the tree: addresses.

The README links to files beside it, which is right in a clone and on a host of repositories. On the
package index these links would lead nowhere, so they become addresses of the release's own files,
all made from `home` in `pyproject.toml`, as `[project.urls]` is.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

#: A link or a picture of Markdown whose target is a file of the tree; or code, where
#: `LoginManager[User](app)` is none. A link's text may be code.
LINK = re.compile(
    r"^```.*?^```$|(?<!\[)`[^`\n]*`"
    r"|(?P<picture>!?)\[(?P<text>[^\[\]]*)\]\((?!https?://|#)(?P<target>[^)\s]+)\)",
    re.MULTILINE | re.DOTALL,
)


def with_addresses(text: str, home: str, release: str) -> str:
    """Return the README's text with links to files as addresses of that release's files."""

    def turned(link: re.Match[str]) -> str:
        if link["target"] is None:
            return link[0]
        # GitHub, GitLab and Forgejo have both; a release's tag is its version.
        kind = "raw" if link["picture"] else "blob"
        return f"{link['picture']}[{link['text']}]({home}/{kind}/{release}/{link['target']})"

    return LINK.sub(turned, text)


class CustomMetadataHook(MetadataHookInterface):
    """Fills in the README and the addresses."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set `readme` and `urls`."""
        home, release = self.config["home"], metadata["version"]
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": with_addresses(text, home, release),
        }
        metadata["urls"] = {
            "Documentation": f"{home}/blob/{release}/docs/index.md",
            "Changelog": f"{home}/blob/{release}/CHANGELOG.md",
            "Source": home,
            "Issues": f"{home}/issues",
            "Security": f"{home}/blob/{release}/SECURITY.md",
        }
