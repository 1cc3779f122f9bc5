"""34 kinds of text that someone may give as a label: of a value, of a parameter, of a module."""

import re
from xml.etree import ElementTree

import scalargrad as sg
from scalargrad import Value
from scalargrad.core.labels import clean

HOSTILE = [
    # quotes, backslashes, what DOT reads as its own
    'say "hi"',
    "ends in \\",
    '\\"',
    "\\N \\l \\r \\n \\G",
    "{a|b}|<port>",
    "'; n0 -> n1 [URL=\"javascript:x\"]; '",
    "</text></svg><script>alert(1)</script>",
    # lines
    "line\nbreak\r\nand\ttab",
    "one\u2028two\u2029three",
    # markup
    "<script>alert(1)</script>",
    "node",
    "<b>bold</b>",
    "<>",
    "'><img src=x onerror=alert(1)>",
    '" onload="alert(1)',
    "&amp; &lt;script&gt; & &#60;",
    "]]>",
    "<![CDATA[",
    "--",
    "<!-- -->",
    "</script><script>alert(1)</script>",
    # addresses
    "javascript:alert(1)",
    "url(http://example.org/)",
    # templates, and TeX
    "%s %(x)s {0} $x$",
    "${alert(1)} `x`",
    "\\href{javascript:alert(1)}{x} $$",
    "100 % ~^_# \\end{aligned}",
    # nothing, much, the world's writing, and what cannot be seen
    "",
    "x" * 1_000,
    "学习 ∂E/∂w ünï 😀",
    "abc\u202edef",
    "\ud800",
    "a\x00b\x1b[31mc",
    "\ufffe\uffff\u200b",
]

# What would be noticed if it ran.
ATTACKS = [
    "<img src=x onerror='window.hacked = 1'>",
    "</script><script>window.hacked = 1</script>",
    "</text><script>window.hacked = 1</script>",
    "--><svg onload='window.hacked = 1'>",
]

Model = dict[str, dict[str, Value]]


def hostile_model() -> tuple[Value, Model]:
    """A result of modules with hostile names, too large to be drawn value by value."""
    model = {
        label: {"w": Value(0.1 * number), "b": Value(-0.2 * number)}
        for number, label in enumerate(HOSTILE, 1)
    }
    outputs = [
        sg.sum([sg.tanh(one["w"] * float(i) + one["b"]) for i in range(1, 3)])
        for one in model.values()
    ]
    return sg.sum(outputs), model


def module_name(label: str) -> str:
    """A module's name as a picture shows it: of a long one the end, which tells it from others."""
    return clean(label if len(label) <= 40 else f"…{label[-39:]}")


ELEMENTS = {"svg", "g", "path", "polygon", "polyline", "ellipse", "text", "tspan"}


def element_name(element: ElementTree.Element) -> str:
    """The name of an element without its namespace."""
    return element.tag.rpartition("}")[2]


def assert_harmless(svg: str) -> None:
    """A picture of shapes and text: nothing in it runs, loads, or can be pointed at."""
    root = ElementTree.fromstring(svg)
    assert root.get("role") == "img"
    assert root.get("aria-label")
    assert re.fullmatch(r"[-0-9. ]+", root.get("viewBox", ""))
    # the one style there may be: a picture shrinks to the width it is given
    assert root.attrib.pop("style", None) in (None, "max-width: 100%; height: auto")
    for element in root.iter():
        assert element_name(element) in ELEMENTS
        for attribute, value in element.attrib.items():
            assert not re.match(r"on|id$|href|xlink|class|style|\{", attribute)
            if attribute != "aria-label":
                assert "url" not in value
                assert "script" not in value


def texts_of(svg: str) -> list[str]:
    """The text of every text element of a picture, sorted."""
    texts = (
        "".join(element.itertext())
        for element in ElementTree.fromstring(svg).iter()
        if element_name(element) == "text"
    )
    # `dot` writes some spaces as no-break spaces
    return sorted(text.replace("\u00a0", " ").strip() for text in texts)
