"""Web pages that load nothing, and the MIME types of an object that a notebook displays."""

import base64
import hashlib
from collections.abc import Container, Mapping
from html import escape

__all__ = ["offered", "page"]

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
</head>
<body>
{body}
</body>
</html>
"""


def page(title: str, body: str, style: str, script: str | None = None) -> str:
    """Return a web page that loads nothing and runs no script but its own.

    A Content-Security-Policy with the hashes of `style` and `script` sees to that.

    Args:
        title: the title of the page, as plain text.
        body: markup that holds `style` in a style element and `script`, if any, in a script.
        style: the text of the style element.
        script: the text of the script element.

    >>> "script-src" in page("x", "<style></style>", "")
    False
    """
    policy = "default-src 'none'; base-uri 'none'; form-action 'none'"
    policy += "; img-src data:" if "<img " in body else ""
    policy += f"; style-src '{_digest(style)}'"
    policy += f"; script-src '{_digest(script)}'" if script is not None else ""
    return _PAGE.format(policy=policy, title=escape(title), body=body)


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def offered(
    forms: Mapping[str, str], include: Container[str] | None, exclude: Container[str] | None
) -> dict[str, str]:
    """Return the forms, by MIME type, that are in `include` (if given) and not in `exclude`.

    >>> offered({"text/plain": "x", "text/html": "<p>x"}, None, {"text/html"})
    {'text/plain': 'x'}
    """
    return {
        form: text
        for form, text in forms.items()
        if (not include or form in include) and (not exclude or form not in exclude)
    }
