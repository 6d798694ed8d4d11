"""The documentation site: Sphinx over the Markdown pages of this directory.

The pages are plain Markdown, so that they read well wherever Markdown is shown. What a site needs
beyond that is made from them by the extensions in ``_ext``. Build it with ``make docs``.
"""

from __future__ import annotations

import sys
from importlib.metadata import version as version_of
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

project = "Flask-Login"
author = "The Flask-Login maintainers"
copyright = "the Flask-Login maintainers, MIT licence"  # noqa: A001  # Sphinx's name for it
release = version = version_of("Flask-Login")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx_copybutton",
    "menu",
    "findable",
    "outside",
    "pictures",
    "names",
    "phone",
]
exclude_patterns = ["_ext", "_static", "_templates", "examples"]
templates_path = ["_templates"]

# Headings get the anchors that GitHub gives them.
myst_heading_anchors = 4
myst_enable_extensions = ["deflist"]

# A name in backticks, in a docstring, is a link; see _ext/names.py.
default_role = "name"
nitpicky = True
# Types of other projects, whose inventories are not fetched: the build needs no network.
nitpick_ignore_regex = [
    ("py:.*", r"(flask|werkzeug|blinker|sqlalchemy|redis|datetime|collections|contextlib)\..*"),
    (
        "py:class",
        "Blueprint|Flask|Namespace|Redis|RedisCluster|Request|Response|ResponseReturnValue",
    ),
    (
        "py:class",
        "Bind|Manager|MetaData|SessionKeys|StoredLogins|ThrottleTerms|WSGIEnvironment|datetime|timedelta|t.Any",
    ),
    ("py:class", r"(flask_login\.\w+\.)?(sql_engine\.)?(Bind|Decorator|MayImpersonate)"),
    ("py:class", r"(flask_login\.\w+\.)?(F|IdT|P|R|RequestT|UserT|UserT_co)"),
]
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 72
add_module_names = False

# The blocks of docstrings; those of pages name their language.
highlight_language = "python"
copybutton_selector = "div:not(.highlight-text) > div.highlight > pre"
copybutton_copy_empty_lines = True

# `make docs-links` asks other sites; these names are examples, or this machine's.
linkcheck_ignore = [
    r"https?://(localhost|127\.0\.0\.1)([:/]|$)",
    r"https?://([\w.-]+\.)?example(\.\w+)?([:/]|$)",
]
linkcheck_anchors = False  # many sites make theirs by a script
linkcheck_timeout = 20
linkcheck_retries = 2

html_theme = "furo"
html_title = "Flask-Login"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_copy_source = False
html_show_sphinx = False
html_show_sourcelink = False
html_last_updated_fmt = None
html_permalinks_icon = "#"
html_theme_options = {
    "navigation_with_keys": True,
    "light_css_variables": {"font-stack--headings": "var(--font-stack)"},
}
