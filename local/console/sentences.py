"""What the pipeline says of itself (why a run ended as it did, what serves), in Vietnamese.

The stack writes English into its rows, as its logs and its command line show it; the pages translate phrase by phrase.
"""

import re
from typing import Final

# `{}` is a word or a number. Whole sentences come before the phrases within them.
PHRASES: Final = {
    "NDCG@25 {} against popularity's {}": "NDCG@25 {} so với {} của độ phổ biến",
    "NDCG@25 {} is below popularity's {}": "NDCG@25 {} thấp hơn {} của độ phổ biến",
    "{} students with a history got an answer": "{} học viên có lịch sử đã nhận được gợi ý",
    "asked for: no campaign bills; rankings answer from popularity until it is unparked": (
        "theo yêu cầu: không campaign nào tính phí; xếp hạng theo độ phổ biến cho đến khi mở lại"
    ),
    "no training: ": "không huấn luyện: ",
    "no model has been trained yet": "chưa có mô hình nào được huấn luyện",
    "the last training is {} days old (limit {})": "lần huấn luyện trước cách đây {} ngày (giới hạn {})",
    "{} new interactions since the last training (limit {})": "{} tương tác mới từ lần huấn luyện trước (giới hạn {})",
    "and there are {} new interactions since (limit {})": "và có {} tương tác mới từ đó (giới hạn {})",
    "first import: ": "nhập lần đầu: ",
    "nothing has been imported yet": "chưa nhập dữ liệu lần nào",
    "what was recorded since run {}": "những gì được ghi từ lượt {}",
    "the last full export is {} days old (limit {})": "lần xuất toàn bộ trước cách đây {} ngày (giới hạn {})",
    "the same {} rows as run {} imported": "vẫn là {} dòng mà lượt {} đã nhập",
    "the same rows as run {} imported": "vẫn là các dòng mà lượt {} đã nhập",
    "{} new rows on top of {}": "thêm {} dòng mới vào {} dòng đã có",
    "{} added or changed and {} removed since ": "{} dòng thêm hoặc sửa, {} dòng bỏ đi từ ",
    "run {}": "lượt {}",
    "{} rows: ": "{} dòng: ",
    "there are no rows": "không có dòng nào",
    "nothing is left to deploy": "không còn gì để triển khai",
    "asked for": "theo yêu cầu",
    "taken back": "thu hồi",
    "another run holds the lease": "một lượt chạy khác đang giữ khóa",
    "it was told of this request": "lượt đó đã được báo về yêu cầu này",
    "the campaigns are parked: unpark deploys it": "các campaign đang tạm dừng: mở lại sẽ triển khai",
    "{} interactions, Personalize needs {}": "{} tương tác, Personalize cần {}",
    "the version before serves again": "phiên bản trước phục vụ trở lại",
    "`nightclass unpark` makes the campaigns anew, with version {}": (
        "`nightclass unpark` tạo lại campaign, phiên bản {}"
    ),
    "`nightclass nightly` trains the first model": "`nightclass nightly` huấn luyện mô hình đầu tiên",
    "popular items, and the last good answers of a day": "học liệu phổ biến, và các gợi ý tốt gần nhất trong ngày",
    "popular items": "học liệu phổ biến",
    "version {}": "phiên bản {}",
    "forced": "bắt buộc",
}
_HOLE: Final = r"([^\s;,)]+)"
_PATTERNS: Final = [
    (re.compile(re.escape(phrase).replace(r"\{\}", _HOLE)), vietnamese.replace("{}", "\\{}").format(*range(1, 9)))
    for phrase, vietnamese in PHRASES.items()
]


def sentence(language: str, text: object) -> str:
    """A sentence of the pipeline's in `vi` or `en`; what has no translation stays as it is."""
    said = str(text)
    if language == "vi":
        for pattern, vietnamese in _PATTERNS:
            said = pattern.sub(vietnamese, said)
    return said
