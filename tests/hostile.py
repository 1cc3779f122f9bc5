"""34 kinds of text that someone may give as a label: of a value, of a parameter, of a module."""

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
