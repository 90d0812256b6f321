"""The words of a mail: what the specification says, nothing left blank, nothing a person wrote taken for markup."""

import html
import re
import unicodedata
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from string import Template
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from notifications import message, notice, ses
from tests.unit.notifications.school import announced, enrolled, submitted

TEMPLATES = Path(message.__file__).parent / "templates"
RECIPIENT = {"recipient": {"studentId": "sv-1", "classId": "toan-10"}}
EVENTS = {"enrollment": enrolled(), "submission": submitted(), "announcement": announced() | RECIPIENT}
PARTS = ("subject", "txt", "html")
# What each mail must say, and all that it may; text and HTML say the same.
SAYS = {
    ("enrollment", "subject"): set[str](),
    ("enrollment", "body"): {"displayName", "classId", "classTitle"},
    ("submission", "subject"): {"assignmentId"},
    ("submission", "body"): {"displayName", "assignmentId", "fileName", "submittedAt"},
    ("announcement", "subject"): {"classTitle"},
    ("announcement", "body"): {"displayName", "classId", "classTitle", "content", "unsubscribeUrl"},
}
PAGES = ("unsubscribe", "unsubscribed")
LINK = "https://api.example/unsubscribe?token=W10.x-_"
COMMON = {"displayName": "Nguyễn Thị Ánh", "classTitle": "Toán 10 & Lý", "unsubscribeUrl": LINK}
VIETNAMESE = (
    "".join(
        unicodedata.normalize("NFC", letter + mark + tone)
        for letter in "aăâeêioôơuưyAĂÂEÊIOÔƠUƯY"
        for mark in ("",)
        for tone in ("", "\u0300", "\u0301", "\u0303", "\u0309", "\u0323")
    )
    + "đĐ"
)
WICKED = [
    "Toán\r\nBcc: evil@example.com",
    "Toán\nBcc: evil@example.com",
    "Toán\x00\x0b\x0c\x85Bcc: evil@example.com",
    "Toán\u2028Bcc: evil@example.com\u2029To: evil@example.com",
    "=?utf-8?q?=0D=0ABcc:_evil@example.com?=",
    "=\u200b?utf-8?q?=0D=0ABcc:_evil@example.com?\u200b=",
    "=\r\n?utf-8?b?DQpCY2M6IGV2aWxAZXhhbXBsZS5jb20=?=",
    "==??=?=?utf-8?q?=0A?=",
    "\ud800\udfff\ud83d",
    "\u202eevil\u200f\u2066",
    "x" * 10_000,
    "${classId} $content %(x)s {classId} {{classId}} $$",
    "</p></main><script>alert(1)</script>",
]
anything = st.text(st.characters(exclude_categories=()), max_size=300) | st.sampled_from(WICKED)


def values(kind: str, **said: str) -> dict[str, str]:
    return {**notice.of(EVENTS[kind]).values, **COMMON, **said}


def sent_mail(composed: message.Message) -> EmailMessage:
    """The MIME message that a mailer builds from our request, parsed as a recipient's program does."""
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"], mail["To"] = "noreply@student-system.example", "sv-1@example.edu"
    mail["Subject"] = composed.subject
    mail.set_content(composed.text)
    mail.add_alternative(composed.html, subtype="html")
    parsed = message_from_bytes(mail.as_bytes(), policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


@pytest.mark.parametrize("locale", message.LOCALES)
@pytest.mark.parametrize("kind", EVENTS)
def test_every_template_says_all_that_it_must_and_nothing_that_has_no_value(kind: str, locale: str) -> None:
    for part in PARTS:
        template = Template((TEMPLATES / locale / f"{kind}.{part}").read_text(encoding="utf-8"))
        assert template.is_valid(), f"{locale}/{kind}.{part} has a stray $"
        said = SAYS[kind, "subject" if part == "subject" else "body"]
        assert set(template.get_identifiers()) == said, f"{locale}/{kind}.{part}"

    composed = message.compose(kind, locale, values(kind))
    assert "$" not in composed.subject + composed.text + composed.html
    assert f'<html lang="{locale}">' in composed.html


@pytest.mark.parametrize(
    ("name", "locale"),
    [*((page, locale) for page in PAGES for locale in message.LOCALES), ("unsubscribe_refused", None)],
)
def test_a_page_says_the_same_to_everybody(name: str, locale: str | None) -> None:
    page = message.page(name, locale)

    assert "$" not in page
    assert f'<html lang="{locale or "vi"}">' in page


def test_a_placeholder_in_a_page_is_an_error_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(message, "_template", lambda language, name: Template("${nope}"))

    with pytest.raises(KeyError, match="nope"):
        message.page("unsubscribed", "en")


def test_there_is_no_template_beside_those() -> None:
    found = {str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.*")}
    expected = {f"{locale}/{kind}.{part}" for locale in message.LOCALES for kind in EVENTS for part in PARTS}
    pages = [*(f"{locale}/{page}" for locale in message.LOCALES for page in PAGES), "vi/unsubscribe_refused"]
    expected |= {f"{page}.{part}" for page in pages for part in ("subject", "html")} | {"page.html"}
    assert found == expected


@pytest.mark.parametrize("locale", message.LOCALES)
def test_only_an_announcement_offers_its_end(locale: str) -> None:
    for kind in EVENTS:
        composed = message.compose(kind, locale, values(kind))
        offers = [LINK in composed.text, f'<a href="{LINK}">' in composed.html]
        assert offers == [kind == "announcement"] * 2


@pytest.mark.parametrize("kind", EVENTS)
def test_a_missing_value_is_an_error_and_not_a_blank(kind: str) -> None:
    short = values(kind)
    del short["displayName"]

    with pytest.raises(KeyError, match="displayName"):
        message.compose(kind, "vi", short)


@pytest.mark.parametrize("locale", ["vi", "fr", "None", ""])
def test_the_words_of_the_specification_stand_literally(locale: str) -> None:
    composed = message.compose("enrollment", locale, values("enrollment"))

    assert composed.subject == "Xác nhận đăng ký lớp"
    assert "Bạn vừa đăng ký lớp toan-10." in composed.text.splitlines()
    assert "Bạn vừa đăng ký lớp <strong>toan-10</strong>." in composed.html


def test_a_receipt_names_assignment_file_and_school_time_but_not_the_signed_address() -> None:
    composed = message.compose("submission", "en", values("submission"))

    assert "Assignment: bai-1" in composed.text
    assert "File: bài-1.pdf" in composed.text
    assert re.search(r"Handed in: \d\d:\d\d \d\d/\d\d/\d{4} \(GMT\+7\)", composed.text)
    assert "secret" not in composed.text + composed.html


@given(anything, anything, anything)
@example(*WICKED[:3])
@example(*WICKED[4:7])
@example(*WICKED[7:10])
@example(*WICKED[10:13])
def test_nothing_a_person_wrote_adds_a_header_or_a_recipient(name: str, title: str, content: str) -> None:
    said = {"displayName": name, "classTitle": title, "content": content}
    composed = message.compose("announcement", "vi", values("announcement", **said))

    assert len(composed.subject) <= message.MAX_SUBJECT
    assert not [sign for sign in composed.subject if unicodedata.category(sign) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]
    assert "=?" not in composed.subject
    mail = sent_mail(composed)
    assert [header.lower() for header in mail.keys()] == [  # noqa: SIM118 - a header may stand twice
        "from",
        "to",
        "subject",
        "mime-version",
        "content-type",
    ]
    assert mail["To"] == "sv-1@example.edu"
    assert not mail.defects
    # Python folds a header between encoded words and may lose the blank there; SES does its own.
    assert mail["Subject"].replace(" ", "") == composed.subject.replace(" ", "")
    for part in (composed.subject, composed.text, composed.html):
        assert unicodedata.is_normalized("NFC", part)
        assert not [sign for sign in part if unicodedata.category(sign) == "Cc" and sign not in "\n\t"]
        part.encode()


class Elements(HTMLParser):
    """Tags in order, and the text between them."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "br":
            self.tags.append((tag, tuple(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def elements(page: str) -> Elements:
    parser = Elements()
    parser.feed(page)
    parser.close()
    return parser


@given(anything, anything, anything)
@example('"><img src=x onerror=alert(1)>', "<b>", "</main><script>alert(1)</script>&lt;")
def test_the_html_has_the_same_elements_whatever_a_person_wrote(name: str, title: str, content: str) -> None:
    plain = elements(message.compose("announcement", "vi", values("announcement")).html)
    said = {"displayName": name, "classTitle": title, "content": content}

    wild = elements(message.compose("announcement", "vi", values("announcement", **said)).html)

    assert wild.tags == plain.tags
    assert " ".join(message.paragraph(content).split()) in " ".join(wild.text.split())


@given(st.text(VIETNAMESE + " ", min_size=1, max_size=80))
@example(VIETNAMESE)
def test_vietnamese_comes_through_unchanged_composed_or_not(title: str) -> None:
    expected = " ".join(title.split())
    decomposed = unicodedata.normalize("NFD", title)

    composed = message.compose("announcement", "vi", values("announcement", classTitle=decomposed, content=decomposed))

    assert sent_mail(composed)["Subject"] == f"Thông báo của lớp {expected}".strip()[: message.MAX_SUBJECT]
    assert title in composed.text
    assert html.escape(title) in composed.html


def test_the_alphabet_of_the_test_is_all_of_it() -> None:
    assert len([letter for letter in VIETNAMESE if not letter.isascii()]) == 134


def test_an_announcement_keeps_its_lines() -> None:
    composed = message.compose("announcement", "vi", values("announcement", content="một\r\nhai\rba\u2028bốn\n\nnăm"))

    assert "một\nhai\nba\nbốn\n\nnăm" in composed.text
    assert "một<br>\nhai<br>\nba<br>\nbốn<br>\n<br>\nnăm" in composed.html


def test_what_a_person_wrote_is_never_a_template() -> None:
    said = "${displayName} ${nothing} $"

    composed = message.compose("announcement", "vi", values("announcement", classTitle=said, content=said))

    assert composed.subject == f"Thông báo của lớp {said}"
    assert said in composed.text
    assert said in composed.html


def test_the_request_has_one_recipient_and_tags_without_personal_data(environment: None) -> None:
    told = notice.of(EVENTS["announcement"])
    composed = message.compose("announcement", "vi", values("announcement"))

    request: Any = ses.request(composed, "sv-1@example.edu", ledger_id=told.ledger_id, kind=told.kind, headers={})

    assert request["Destination"] == {"ToAddresses": ["sv-1@example.edu"]}
    assert request["ConfigurationSetName"] == "mail"
    simple = request["Content"]["Simple"]
    assert {simple["Subject"]["Charset"], *(part["Charset"] for part in simple["Body"].values())} == {"UTF-8"}
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,256}", tag["Value"]) for tag in request["EmailTags"])
    assert "sv-1" not in str(request["EmailTags"])
