"""A mail's words: subject, text and HTML from the files in `templates/`, in the student's language.

Templates hold `${placeholders}` and nothing else; what a person wrote is filled in once and is never a template itself.
"""

import html
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template

LOCALES = ("vi", "en")
MAX_SUBJECT = 200
_TEMPLATES = Path(__file__).parent / "templates"
# What a reader cannot see or what may end a line: controls, formats (RTL marks, zero widths), line and paragraph
# separators, halves of surrogate pairs.
_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


@dataclass(frozen=True)
class Message:
    """One mail without its addresses; all three parts in NFC."""

    subject: str
    text: str
    html: str


def compose(kind: str, locale: str, values: Mapping[str, str]) -> Message:
    """Fill in the templates of `kind`.

    Args:
        kind: enrollment | submission | announcement.
        locale: vi | en; any other speaks Vietnamese.
        values: by placeholder; `content` may have several lines, everything else becomes one.

    Raises:
        KeyError: a template names a placeholder that has no value.
    """
    language = _language(locale)
    said = {name: paragraph(value) if name == "content" else line(value) for name, value in values.items()}
    escaped = {name: html.escape(value).replace("\n", "<br>\n") for name, value in said.items()}
    subject = line(_template(language, f"{kind}.subject").substitute(said))[:MAX_SUBJECT]
    body = _template(language, f"{kind}.html").substitute(escaped)
    return Message(subject, _template(language, f"{kind}.txt").substitute(said), _page(language, subject, body))


def page(name: str, locale: str | None) -> str:
    """A web page that says the same to everybody, in the look of the mails: a placeholder in it raises KeyError."""
    language = _language(locale)
    title, body = (_template(language, f"{name}.{part}").substitute() for part in ("subject", "html"))
    return _page(language, title, body)


def _page(language: str, subject: str, body: str) -> str:
    return _template("", "page.html").substitute(language=language, subject=html.escape(subject), body=body)


def _language(locale: str | None) -> str:
    return locale if locale in LOCALES else LOCALES[0]


def line(value: str) -> str:
    """Text fit for a header: one line, nothing unseen, no encoded word.

    `=?…?=` is broken apart rather than refused: Python before 3.13 decodes such words into headers of their own
    (CVE-2024-6923), and a class with an odd title must still be able to write to its students.
    """
    seen = "".join(" " if unicodedata.category(sign) in _UNSEEN else sign for sign in value)
    return unicodedata.normalize("NFC", " ".join(seen.split())).replace("=?", "= ?")


def paragraph(value: str) -> str:
    """Text of several lines: line ends become line feeds, other controls and stray halves of surrogate pairs go."""
    lines = re.sub(r"\r\n?|[\v\f\x85\u2028\u2029]", "\n", value)
    kept = "".join(sign for sign in lines if sign in "\n\t" or unicodedata.category(sign) not in {"Cc", "Cs"})
    return unicodedata.normalize("NFC", kept)


@cache
def _template(language: str, name: str) -> Template:
    return Template((_TEMPLATES / language / name).read_text(encoding="utf-8").strip("\n"))
