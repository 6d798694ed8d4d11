"""The page of docstrings, and links from names to what is said of them.

The page lists the names of ``reference/api.md``, part by part, and autodoc writes it. A public
name or a member of a public class that has no docstring, and a setting that has no part of the page
of settings, is a warning, so the build fails. A name in backticks is a link on every other page.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx import addnodes
from sphinx.pycode import ModuleAnalyzer
from sphinx.transforms import SphinxTransform
from sphinx.util import logging

import flask_login
from flask_login import sessions
from flask_login.core import settings

if TYPE_CHECKING:
    from docutils.parsers.rst.states import Inliner
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

logger = logging.getLogger(__name__)

PAGE, LIST, SETTINGS = "reference/python", "reference/api", "reference/settings"
HEAD = """\
# Docstrings

What the source says of each public name: arguments with their units, errors, defaults and why.
The [list of names](api.md) has one line for each.

"""
#: Names that stand for values: there is nothing to say but what the list says.
CONSTANTS = {name for name in flask_login.__all__ if name.isupper()} | {"__version__"}
#: Proxies, which autodoc can't look at outside of a request.
MADE = {
    "current_user": "   The user of this request, as a proxy; outside of a request one of None.\n",
    "current_login": "   What is known of this request's login: a `CurrentLogin`, as a proxy; falsy"
    " for nobody.\n",
}
KEYS = {setting.key for setting in settings.SETTINGS}


def parts_of(page: Path) -> list[tuple[str, list[str]]]:
    """Return the parts of the list of names, with the names in their tables."""
    intro, *pieces = re.split(r"^## (.*)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    del intro
    return [
        (title, re.findall(r"^\| `([\w.]+)` \|", text, re.MULTILINE))
        for title, text in zip(pieces[::2], pieces[1::2], strict=True)
        if not title.startswith("Members of")
    ]


def object_of(name: str) -> str:
    """Return the full name of what the list calls by a short one."""
    return f"flask_login.{name}"


def directive_of(name: str) -> str:
    """Return what makes autodoc write about a name."""
    full = object_of(name)
    module, _, last = full.rpartition(".")
    value = getattr(__import__(module, fromlist=[last]), last)
    if isinstance(value, type):
        # The manager's members come from its rooms; what others inherit is Python's or Flask's.
        inherited = "   :inherited-members: Generic\n" if name == "LoginManager" else ""
        return f".. autoclass:: {full}\n   :members:\n{inherited}"
    if inspect.isfunction(value) or last == "login_as":
        return f".. autofunction:: {full}\n"
    if name in MADE:
        return f".. py:data:: {full}\n\n{MADE[name]}"
    return f".. autodata:: {full}\n   :no-value:\n"


def write_page(app: Sphinx, docname: str, content: list[str]) -> None:
    """Put the directives in the place of the text for who reads the plain Markdown."""
    if docname != PAGE:
        return
    source = Path(app.srcdir) / f"{LIST}.md"
    app.env.note_dependency(str(source))
    text = HEAD
    for title, names in parts_of(source):
        directives = [directive_of(name) for name in names if name not in CONSTANTS]
        if directives:
            text += f"## {title}\n\n```{{eval-rst}}\n" + "\n".join(directives) + "\n```\n\n"
    content[0] = text


def share_overloads(_: Sphinx) -> None:
    """Have autodoc find the overloads of the manager's methods that are functions of its rooms.

    It looks for them in the function's own module, but under the name that the method has.
    """
    for name, member in vars(flask_login.LoginManager).items():
        if inspect.isfunction(member):
            analyzer = ModuleAnalyzer.for_module(member.__module__)
            analyzer.analyze()
            if member.__name__ in analyzer.overloads:
                shared = analyzer.overloads[member.__name__]
                analyzer.overloads[f"LoginManager.{name}"] = shared


def documented(env: BuildEnvironment) -> set[str]:
    """Return the full names that the page of docstrings has."""
    return {n for n, entry in env.domains["py"].data["objects"].items() if entry.docname == PAGE}


def check_names(app: Sphinx, env: BuildEnvironment) -> None:
    """Warn of public names that the page lacks: they have no docstring."""
    found = documented(env)
    wanted = {object_of(name) for name in flask_login.__all__ if name not in CONSTANTS}
    wanted |= {f"flask_login.sessions.{n}" for n in re.findall(r'== "(\w+)"', source_of(sessions))}
    for name in ("LoginManager", "SessionRegistry", "SessionStore"):
        cls = getattr(flask_login, name)
        members = [*dir(cls), *(vars(cls()) if name == "LoginManager" else ())]
        wanted |= {f"flask_login.{name}.{m}" for m in members if not m.startswith("_")}
    for name in sorted(wanted - found):
        logger.warning("%s has no docstring", name, location=PAGE)
    page = (Path(app.srcdir) / f"{SETTINGS}.md").read_text(encoding="utf-8")
    for key in sorted(KEYS):
        if f"\n## `{key}`\n" not in page:
            logger.warning("%s is on no page", key, location=SETTINGS)


def source_of(module: Any) -> str:
    """Return the text of a module."""
    return Path(module.__file__).read_text(encoding="utf-8")


def name_role(
    role: str, rawtext: str, text: str, lineno: int, inliner: Inliner, *_: Any
) -> tuple[list[nodes.Node], list[nodes.system_message]]:
    """Make what a docstring has in backticks a link, if it names something; else it is code.

    A docstring names arguments so too, and what other projects have.
    """
    del role, lineno
    literal = nodes.literal(rawtext, text, classes=["xref"])
    env = inliner.document.settings.env
    if not re.fullmatch(r"[\w.]+", text):
        return [literal], []
    xref = addnodes.pending_xref(
        rawtext, literal, refdoc=env.docname, refdomain="", reftype="name", reftarget=text
    )
    xref["inside"] = env.ref_context.get("py:class") or ""
    return [xref], []


def in_a_link_or_title(node: nodes.Node) -> bool:
    """Tell whether a link here would be a link inside of a link, or of a title."""
    parent = node.parent
    while parent is not None:
        if isinstance(parent, (nodes.title, nodes.reference, addnodes.pending_xref)):
            return True
        parent = parent.parent
    return False


class LinkNames(SphinxTransform):
    """Make names in backticks links."""

    default_priority = 420

    def apply(self, **kwargs: Any) -> None:
        """Do it for one page."""
        del kwargs
        docname = self.env.docname
        if docname == PAGE:
            return
        for literal in list(self.document.findall(nodes.literal)):
            if in_a_link_or_title(literal):
                continue
            found = re.fullmatch(r"(?:flask_login\.)?([A-Za-z_]\w*)(?:\(.*\))?", literal.astext())
            if found is not None:
                self._link(literal, found[1], docname)

    def _link(self, literal: nodes.literal, name: str, docname: str) -> None:
        if name in KEYS and docname != SETTINGS:
            target = {"reftype": "setting", "refdomain": "", "reftarget": name}
        elif name in flask_login.__all__ and name not in CONSTANTS:
            target = {"reftype": "obj", "refdomain": "py", "reftarget": object_of(name)}
        else:
            return
        xref = addnodes.pending_xref("", refdoc=docname, refexplicit=True, **target)
        literal.replace_self(xref)
        xref += literal


def find_target(
    app: Sphinx, env: BuildEnvironment, node: addnodes.pending_xref, content: nodes.Element
) -> nodes.Element | None:
    """Return the link that a name or a setting becomes; a name that is nobody's becomes code."""
    target = node["reftarget"]
    if node["reftype"] == "setting":
        docname, anchor = SETTINGS, target.lower()
    elif node["reftype"] == "name":
        objects = env.domains["py"].data["objects"]
        scopes = (f".{node['inside']}", "", ".LoginManager", ".sessions")
        short = target.removeprefix("flask_login.")
        names = [f"flask_login{scope}.{short}" for scope in scopes]
        found = next((name for name in names if name in objects), None)
        if found is None:
            head, dot, _ = target.partition(".")
            # A member of something public has to be there.
            return None if dot and head in flask_login.__all__ else content
        docname, anchor = objects[found].docname, objects[found].node_id
    else:
        return None
    page = app.builder.get_relative_uri(node["refdoc"], docname)
    reference = nodes.reference("", "", internal=True, refuri=f"{page}#{anchor}")
    reference += content
    return reference


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx."""
    app.add_role("name", name_role)
    app.connect("builder-inited", share_overloads)
    app.connect("source-read", write_page)
    app.connect("env-check-consistency", check_names)
    app.connect("missing-reference", find_target)
    app.add_transform(LinkNames)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
