"""A web page as its elements, their attributes and their texts, for the tests of what we write."""

from html.parser import HTMLParser

_EMPTY = {"br", "hr", "img", "input", "link", "meta"}  # elements that are never closed


class Page(HTMLParser):
    """The start tags of a page with their attributes, and the text of every element.

    Every element must be closed where it should be.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._pieces: list[list[str]] = []  # the text of each element, in the order of `tags`
        self._open: list[int] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _EMPTY:
            self._open.append(len(self.tags))
        self.tags.append((tag, dict(attrs)))
        self._pieces.append([])

    def handle_endtag(self, tag: str) -> None:
        if tag not in _EMPTY:
            assert self.tags[self._open.pop()][0] == tag

    def handle_data(self, data: str) -> None:
        for number in self._open:
            self._pieces[number].append(data)

    @property
    def names(self) -> list[str]:
        """The name of every element."""
        return [tag for tag, _ in self.tags]

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of every element of that name."""
        return [attributes for name, attributes in self.tags if name == tag]

    def texts(self, tag: str) -> list[str]:
        """The text of every element of that name, with that of the elements in it."""
        pairs = zip(self.tags, self._pieces, strict=True)
        return ["".join(pieces) for (name, _), pieces in pairs if name == tag]

    def text(self, tag: str) -> str:
        """The text of all elements of that name."""
        return "".join(self.texts(tag))
