"""How the documentation is built: Sphinx, MyST, and snippets run against an echo origin on loopback."""

from __future__ import annotations

import ast
import collections.abc
import re
import sys
import typing
from pathlib import Path
from typing import TYPE_CHECKING

from fluxhttp._version import __version__

if TYPE_CHECKING:
    from docutils.nodes import Element, TextElement
    from sphinx.addnodes import pending_xref
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent / "examples")]

project = "fluxhttp"
author = "The fluxhttp developers"
project_copyright = "2026, The fluxhttp developers"
version = release = __version__

extensions = ["cases_table", "myst_parser", "sphinx.ext.autodoc", "sphinx.ext.doctest", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "examples", "peers"]
html_theme = "furo"
html_title = f"fluxhttp {release}"
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["pages.css"]
smartquotes_action = "D"  # dashes only: docstrings quote code

myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

# Each page's snippets see `origin`, the URL of the echo origin that echo_origin.py serves.
doctest_global_setup = "from echo_origin import start_origin; origin = start_origin()"
trim_doctest_flags = True

# The standard library's own pages are not fetched, so that the docs build without a network.
nitpick_ignore_regex = [
    (r"py:.*", rf"({'|'.join(map(re.escape, sorted(sys.stdlib_module_names)))})\..*"),
]

# Names that annotations import under `if TYPE_CHECKING`, and that reach Sphinx without their module.
_STANDARD_NAMES = frozenset(
    [
        *collections.abc.__all__,
        *typing.__all__,
        "Path",
        "SSLContext",
        "TracebackType",
        "WSGIApplication",
        "datetime",
        "socket",
        "timedelta",
    ]
)


# What annotations name and nobody imports: shown as plain text.
_PRIVATE_NAMES = frozenset(
    [
        "CaseFunction",
        "Dials",
        "ForwardProxy",
        "Framing",
        "Guard",
        "Handshake",
        "Kind",
        "Level",
        "LoopbackOrigin",
        "Observation",
        "Outcome",
        "PoolManager",
        "Profile",
        "SearchStrategy",
        "Stage",
        "StrictResponse",
        "Subset",
        "Way",
        "_E",
        "_T",
    ]
)


def _aliases() -> dict[str, str]:
    """The names that modules of fluxhttp give to types under `if TYPE_CHECKING`, and what they stand for.

    A TypedDict, used in `**options: Unpack[…]` alone, stands for its keywords.
    """
    found: dict[str, str] = {}
    for path in (Path(__file__).parent.parent / "fluxhttp").rglob("*.py"):
        blocks = [node for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.If)]
        for node in (node for block in blocks if ast.unparse(block.test) == "TYPE_CHECKING" for node in block.body):
            match node:
                case ast.AnnAssign(target=ast.Name(name), value=ast.Constant(str(text))):
                    found[name] = text
                case ast.AnnAssign(target=ast.Name(name), value=ast.expr() as value):
                    found[name] = ast.unparse(value)
                case ast.Assign(targets=[ast.Name(name)], value=ast.Subscript() as value):
                    found[name] = ast.unparse(value)
                case ast.ClassDef(name, bases=[ast.Name("TypedDict")], body=body):
                    keywords = [ast.unparse(item) for item in body if isinstance(item, ast.AnnAssign)]
                    found[f"**options: Unpack[{name}]"] = ", ".join(
                        ["*", *(f"{keyword} = ..." for keyword in keywords)]
                    )
    return found


_ALIASES = _aliases()
_find_alias = re.compile(rf"(?<![\w.'\"])(?:{'|'.join(map(re.escape, _ALIASES))})(?![\w'\"])")


def _expand(text: str | None) -> str | None:
    # Twice: a keyword's type may be an alias itself.
    for _ in range(2):
        text = text and _find_alias.sub(lambda match: _ALIASES[match[0]], text)
    return text


def _expand_aliases(
    app: Sphinx, what: str, name: str, obj: object, options: object, signature: str | None, returns: str | None
) -> tuple[str | None, str | None]:
    """Show what a private alias stands for: its name says nothing to a reader who cannot import it."""
    return _expand(signature), _expand(returns)


def _resolve_short_name(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, contnode: TextElement
) -> Element | None:
    """Point a name written without its module to the page that documents it."""
    if node.get("refdomain") != "py":
        return None
    target: str = node["reftarget"]
    name = target.rpartition(".")[2]
    if target in _STANDARD_NAMES or name in _PRIVATE_NAMES:
        return contnode
    domain = env.domains.python_domain
    for module in ("fluxhttp", "fluxhttp.errors", "fluxhttp.testing", "fluxhttp.testing.faults"):
        full_name = f"{module}.{name}"
        if target != full_name and full_name in domain.objects:
            return domain.resolve_xref(env, node["refdoc"], app.builder, "obj", full_name, node, contnode)
    return None


def setup(app: Sphinx) -> None:
    """Register the two hooks above."""
    app.connect("autodoc-process-signature", _expand_aliases)
    app.connect("missing-reference", _resolve_short_name)
