"""Fill a template into one self-contained HTML page.

No request leaves the page: pictures and tables are data URIs, style and script stand inline, and
a content security policy holds the page to that. Every string of a sweep is escaped by Jinja2.
"""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup


def fill(template: str, **values: Any) -> bytes:
    """Fill a template of this package; every value is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("reports"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = _source("page.css")
    script = _source("page.js")
    page = environment.get_template(template).render(
        style=Markup(style),  # noqa: S704 (our own file)
        script=Markup(script),  # noqa: S704 (our own file)
        policy=_policy(style, script),
        **values,
    )
    return page.encode("utf-8")


def data_uri(kind: str, content: bytes) -> str:
    """Content of a media type as a URI that needs no request."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _source(name: str) -> str:
    return (resources.files("reports") / "templates" / name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    return (
        "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"style-src {_digest(style)}; script-src {_digest(script)}"
    )


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
