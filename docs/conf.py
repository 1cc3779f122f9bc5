"""The documentation site: what Sphinx reads, and how the pages look.

Sources are read from the root of the repository, so that a link from page to page, to a notebook or
to a file of the package is the same on GitHub and on the site. `make site` builds it.
"""

import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs" / "extensions")]

from api_pages import source as linkcode_resolve  # noqa: F401

import scalargrad

project = "scalargrad"
author = copyright = "the authors of scalargrad"
version = release = scalargrad.__version__

# The pages and pictures of all examples, which docs/make_gallery.py writes.
gallery = os.environ.get("SCALARGRAD_GALLERY", "build/gallery")
gallery_folder = str(ROOT / gallery)
# The playground, which npm builds apart; the site is whole without it.
playground = str(ROOT / "build" / "playground")

root_doc = "docs/index"
include_patterns = ["docs/**.md", "notebooks/*.ipynb", "C*.md", "SECURITY.md", f"{gallery}/*.md"]
exclude_patterns = [".*", "scalargrad", "tests", "benchmarks", "playground", "docs/extensions"]
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.linkcode",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
    "api_pages",
    "mathml",
    "repository",
]
nitpicky = True
# What results are made of is not public; and words before a colon in "Returns:" look like a type.
nitpick_ignore_regex = [
    ("py:class", r"scalargrad\.view\..*"),
    ("py:exc", "DeviceError"),
]

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath", "substitution"]
myst_heading_anchors = 4
myst_links_external_new_tab = False
# Notebooks without outputs run once, and their outputs are kept until their cells change.
nb_execution_mode = "cache"
nb_execution_cache_path = str(ROOT / "build" / "notebooks")
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_execution_excludepatterns = [
    path.name
    for path in ROOT.glob("notebooks/*.ipynb")
    if any(cell.get("outputs") for cell in json.loads(path.read_text("utf-8"))["cells"])
]
nb_ipywidgets_js = {}  # else each page with a widget loads scripts from elsewhere
nb_merge_streams = True

autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
default_role = "code"
napoleon_use_ivar = True
napoleon_use_rtype = False
napoleon_numpy_docstring = False

smartquotes = False  # "" is an empty text

html_theme = "furo"
html_title = f"scalargrad {version}"
html_favicon = "static/icon.svg"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_math_renderer = "mathml"
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_extra_path = [f"{gallery_folder}/files"]
html_theme_options = {"navigation_with_keys": True}
pygments_style = "friendly"
pygments_dark_style = "github-dark"
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
