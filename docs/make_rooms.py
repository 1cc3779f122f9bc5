"""Write the table of files into docs/design.md, from the first line of every file."""

import ast
import sys
from pathlib import Path

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent / "tests"))

from rooms import MODULES, PACKAGE, ROOMS, room  # noqa: E402

PAGE = DOCS / "design.md"
BEGIN, END = "<!-- files: written by make_rooms.py -->\n", "<!-- end of files -->\n"


def summary(path: Path) -> str:
    """The first sentence of a file's docstring."""
    text = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    return " ".join(text.partition("\n\n")[0].split()).removesuffix(".")


def table() -> str:
    """The rooms in order, and in each its folders and files; the examples have a page of theirs."""
    lines = []
    for own in ROOMS:
        if own == "examples":
            title = "`examples/`: " + summary(PACKAGE / own / "__init__.py")
            lines += [f"### {title}", "", "[lectures.md](lectures.md) lists them.", ""]
            continue
        paths = [path for name, path in MODULES.items() if room(name) == own]
        heads = {".": "Beside the folders", "face": "What users enter by"}
        title = heads.get(own) or f"`{own}/`: {summary(PACKAGE / own / '__init__.py')}"
        lines += [f"### {title}", "", "| file | contents |", "|---|---|"]
        base = PACKAGE if own in heads else PACKAGE / own
        for path in sorted(paths, key=lambda path: (len(path.parent.parts), path.parent, path)):
            name = path.relative_to(base)
            if path.stem == "__init__" and own != "face":
                if path.parent != base:
                    lines.append(f"| **`{name.parent}/`** | **{summary(path)}** |")
                continue
            lines.append(f"| `{name}` | {summary(path)} |")
        lines.append("")
    return "\n".join(lines)


def page() -> str:
    """The page with the table of today."""
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    return f"{before}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
