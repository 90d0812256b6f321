"""What the pipeline says of itself (why a run ended as it did, what serves), in Vietnamese.

The stack writes English into its rows, as its logs and its command line show it; the pages translate clause by clause.
"""

import re
from typing import Final

# Whole clauses: `{}` is a word or a number, `{*}` a clause or a list of some.
PHRASES: Final = {
    # Why a run ended as it did.
    "asked for": "theo yêu cầu",
    "no campaign bills": "không campaign nào tính phí",
    "rankings answer from popularity until it is unparked": "xếp hạng theo độ phổ biến cho đến khi mở lại",
    "no training": "không huấn luyện",
    "the campaigns are parked": "các campaign đang tạm dừng",
    "unpark deploys it": "mở lại sẽ triển khai",
    "another run holds the lease": "một lượt chạy khác đang giữ khóa",
    "it was told of this request": "lượt đó đã được báo về yêu cầu này",
    "start a new run": "hãy chạy một lượt mới",
    "start a new run instead": "thay vào đó hãy chạy một lượt mới",
    "run {} has imported newer data than run {}": "lượt {} đã nhập dữ liệu mới hơn lượt {}",
    "a student was erased after run {} had begun": "một học viên đã được xóa sau khi lượt {} bắt đầu",
    "run {}, which failed, had begun to import newer data than run {}": (
        "lượt {} tuy thất bại nhưng đã bắt đầu nhập dữ liệu mới hơn lượt {}"
    ),
    "{} does not start a run": "{} không khởi động lượt chạy nào",
    "{} must be true or false": "{} phải là true hoặc false",
    "only a rollback goes to a version": "chỉ khi quay lại mới chọn được phiên bản",
    # What is exported.
    "nothing has been imported yet": "chưa nhập dữ liệu lần nào",
    "a student was erased": "một học viên đã được xóa",
    "what was recorded since run {}": "những gì được ghi từ lượt {}",
    "the last full export is {} days old (limit {})": "lần xuất toàn bộ trước cách đây {} ngày (giới hạn {})",
    "Personalize did not say whether its datasets still are those of run {}": (
        "Personalize không cho biết các tập dữ liệu có còn là của lượt {} hay không"
    ),
    "the table holds some {} interactions, the nights before imported {}": (
        "bảng có khoảng {} tương tác, các đêm trước đã nhập {}"
    ),
    "some {} interactions are new, more than one function reads in its time": (
        "khoảng {} tương tác là mới, nhiều hơn mức một hàm kịp đọc"
    ),
    "the dataset {} that run {} imported into is gone": "tập dữ liệu {} mà lượt {} đã nhập vào không còn nữa",
    "the dataset {} was made anew after run {}": "tập dữ liệu {} đã được tạo lại sau lượt {}",
    "up to the cut-off of run {} there are {} interactions now, the nights imported {}": (
        "tính đến mốc của lượt {} nay có {} tương tác, các đêm trước đã nhập {}"
    ),
    "some were changed, removed or written late": "một số đã bị sửa, bị xóa hoặc ghi muộn",
    # What is imported, and what is not.
    "the export builds on run {}, which counts no longer": "bản xuất dựa trên lượt {}, lượt này không còn giá trị",
    "first import": "nhập lần đầu",
    "there are no rows": "không có dòng nào",
    "the same {} rows as run {} imported": "vẫn là {} dòng mà lượt {} đã nhập",
    "the same rows as run {} imported": "vẫn là các dòng mà lượt {} đã nhập",
    "{} rows": "{} dòng",
    "{} new rows": "{} dòng mới",
    "{} new rows on top of {}": "thêm {} dòng mới vào {} dòng đã có",
    "an incremental import takes {} or more": "nhập phần tăng thêm cần từ {} dòng trở lên",
    "run {} failed after it had begun to import": "lượt {} thất bại sau khi đã bắt đầu nhập",
    "changed": "có thay đổi",
    "too many or too old to compare with {*}": "quá nhiều hoặc quá cũ để so với {*}",
    "{} added or changed and {} removed since {*}": "{} dòng thêm hoặc sửa, {} dòng bỏ đi từ {*}",
    "{*}, more than {}": "{*}, nhiều hơn {}",
    "run {}": "lượt {}",
    "{} rows of {} were rejected, at most {} are tolerated ({*})": (
        "{} dòng của {} bị loại, chấp nhận nhiều nhất {} ({*})"
    ),
    "missing {}": "thiếu {}",
    "unknown locale": "ngôn ngữ lạ",
    "unknown type": "loại lạ",
    "{} longer than {}": "{} dài hơn {}",
    "control character or quote in {}": "ký tự điều khiển hoặc dấu nháy trong {}",
    "eventValue is not a number": "eventValue không phải là số",
    "time is not whole epoch seconds": "thời gian không phải số giây epoch nguyên",
    "time in milliseconds": "thời gian tính bằng mili giây",
    "time in the future": "thời gian ở tương lai",
    "{} fell from {} rows to {}": "{} giảm từ {} dòng xuống {}",
    "force the run if that is meant": "hãy bắt buộc chạy nếu đó là chủ ý",
    "{} interactions, Personalize needs {}": "{} tương tác, Personalize cần {}",
    "{} students with two interactions or more, Personalize needs {}": (
        "{} học viên có từ hai tương tác, Personalize cần {}"
    ),
    "{} of {} students have two interactions or more, Personalize needs one in a hundred": (
        "{} trong {} học viên có từ hai tương tác, Personalize cần một phần trăm"
    ),
    "{} bytes are too many for an incremental import": "{} byte là quá nhiều để nhập phần tăng thêm",
    "ask for a full one": "hãy yêu cầu nhập toàn bộ",
    "waits for {}": "đang chờ {}",
    "import job {} exists and reads {}": "tác vụ nhập {} đã có và đọc {}",
    "import job {} has read other rows": "tác vụ nhập {} đã đọc các dòng khác",
    "{} import jobs of {} failed in run {}": "{} tác vụ nhập của {} thất bại trong lượt {}",
    "run {} has no manifest in the lake": "lượt {} không có bản kê trong kho dữ liệu",
    "the {} of run {} or {} are no longer in the lake": "{} của lượt {} hoặc {} không còn trong kho dữ liệu",
    "{} of {} calls are made": "đã gọi {} trên {} lần",
    # What is trained.
    "forced": "bắt buộc",
    "no model has been trained yet": "chưa có mô hình nào được huấn luyện",
    "no {} model has been trained yet": "chưa có mô hình {} nào được huấn luyện",
    "no {} and no {} model has been trained yet": "chưa có mô hình {} và {} nào được huấn luyện",
    "the last training is {} days old (limit {})": "lần huấn luyện trước cách đây {} ngày (giới hạn {})",
    "{} new interactions since the last training (limit {})": "{} tương tác mới từ lần huấn luyện trước (giới hạn {})",
    "the last training is {} days old (limit {}) and there are {} new interactions since (limit {})": (
        "lần huấn luyện trước cách đây {} ngày (giới hạn {}) và có {} tương tác mới từ đó (giới hạn {})"
    ),
    "the last training is {} h old, and {*}": "lần huấn luyện trước cách đây {} giờ, và {*}",
    "a request trains {} h after it at the earliest": "một yêu cầu chỉ huấn luyện sớm nhất {} giờ sau đó",
    "the next night may": "đêm sau thì được",
    "{} trainings of {} failed in run {}": "{} lần huấn luyện {} thất bại trong lượt {}",
    "solution {} is being made": "solution {} đang được tạo",
    "solution version {} is being made": "phiên bản {} của solution đang được tạo",
    "solution {} has recipe {}, not {}": "solution {} có recipe {}, không phải {}",
    "delete it first": "hãy xóa nó trước",
    # What may serve, and what does.
    "NDCG@25 {} against popularity's {}": "NDCG@25 {} so với {} của độ phổ biến",
    "NDCG@25 {} is below popularity's {}": "NDCG@25 {} thấp hơn {} của độ phổ biến",
    "NDCG@25 is 0": "NDCG@25 bằng 0",
    "the model knows nothing": "mô hình không biết gì",
    "Personalize gave no NDCG@25 for the model": "Personalize không cho NDCG@25 của mô hình",
    "Personalize gave no NDCG@25 for popularity": "Personalize không cho NDCG@25 của độ phổ biến",
    "no popularity baseline was trained in this run": "lượt này không huấn luyện mốc so sánh theo độ phổ biến",
    "there is nothing to compare with": "không có gì để so sánh",
    "run {} took this version back": "lượt {} đã thu hồi phiên bản này",
    "only a person brings it back": "chỉ con người mới đưa nó trở lại",
    "{} students with a history got an answer": "{} học viên có lịch sử đã nhận được gợi ý",
    "{} has nothing for canary {} of {}": "{} không có gì cho học viên thử {} trên {}",
    "{} does not answer canary {} of {} ({})": "{} không trả lời học viên thử {} trên {} ({})",
    "the version before serves again": "phiên bản trước phục vụ trở lại",
    "there is no version before it, so it stays": "không có phiên bản trước đó, nên nó ở lại",
    "{} to {}": "{} dùng {}",
    "nothing is left to deploy": "không còn gì để triển khai",
    "taken back": "thu hồi",
    "the campaigns are parked, nothing serves": "các campaign đang tạm dừng, không có gì phục vụ",
    "unpark them first": "hãy mở lại trước",
    "{} stays parked": "{} vẫn tạm dừng",
    "no version before the one that serves is on record": "không có phiên bản nào được ghi trước bản đang phục vụ",
    "name one": "hãy nêu một phiên bản",
    "{} is no version of {}": "{} không phải là phiên bản của {}",
    "{} is no version of {} or {}": "{} không phải là phiên bản của {} hay {}",
    "version {} is {}": "phiên bản {} đang ở trạng thái {}",
    "only an ACTIVE one can serve": "chỉ bản ACTIVE mới phục vụ được",
    "version {} was trained before a student was erased": (
        "phiên bản {} được huấn luyện trước khi một học viên được xóa"
    ),
    "Personalize knows no version {}": "Personalize không biết phiên bản {}",
    "`nightclass unpark` makes the campaigns anew, with version {}": (
        "`nightclass unpark` tạo lại campaign, phiên bản {}"
    ),
    "`nightclass nightly` trains the first model": "`nightclass nightly` huấn luyện mô hình đầu tiên",
    "popular items, and the last good answers of a day": "học liệu phổ biến, và các gợi ý tốt gần nhất trong ngày",
    "popular items": "học liệu phổ biến",
    "version {}": "phiên bản {}",
    "campaign {} is still being deleted": "campaign {} vẫn đang được xóa",
    "campaign {} is still changing to {}": "campaign {} vẫn đang chuyển sang {}",
    "still there": "vẫn còn",
    "campaign {} has vanished": "campaign {} đã biến mất",
    "the campaign is being changed to {} by somebody else": "campaign đang được người khác chuyển sang {}",
    # What a form asked for and did not get.
    "no schedule starts this state machine": "không có lịch nào khởi động máy trạng thái này",
    "{} {} answered {}": "{} {} trả lời {}",
    "{} {} was not answered": "{} {} không được trả lời",
    "class {} does not exist": "lớp {} không tồn tại",
    "student {} does not exist": "học viên {} không tồn tại",
    "studentId was erased": "studentId đã được xóa",
    "for 90 days its late events are ignored, so take another one": (
        "trong 90 ngày các sự kiện muộn của mã này bị bỏ qua, nên hãy dùng mã khác"
    ),
    "{} is required": "cần có {}",
    "a letter or digit, then up to 127 more or any of _.:@+=-": (
        "một chữ cái hoặc chữ số, rồi tối đa 127 ký tự như vậy hoặc trong _.:@+=-"
    ),
}
# Not within brackets.
_BETWEEN_CLAUSES: Final = re.compile(r"(; |: | · )(?![^()]*\))")
# A longer text is none of the pipeline's.
_LONGEST: Final = 2_000
_IN_LISTS: Final = re.compile(r"(, |: | and )")
_HOLES: Final = {r"\{\}": r"(?P<w{}>[^\s;)]*[^\s;,:)])", r"\{\*\}": r"(?P<c{}>.+)"}


def _pattern(phrase: str) -> re.Pattern[str]:
    """Words are groups called w and a number, clauses c and a number."""
    parts = re.split(r"(\\{(?:\\\*)?\\})", re.escape(phrase))
    return re.compile("".join(_HOLES[part].format(at) if part in _HOLES else part for at, part in enumerate(parts)))


_PATTERNS: Final = [(_pattern(phrase), vietnamese.replace("{*}", "{}")) for phrase, vietnamese in PHRASES.items()]


def sentence(language: str, text: object) -> str:
    """A sentence of the pipeline's in `vi` or `en`; a clause that is not covered as a whole stays as it is."""
    said = str(text)
    if language != "vi" or len(said) > _LONGEST:
        return said
    return "".join(_clause(part) or part for part in _BETWEEN_CLAUSES.split(said))


def _clause(said: str) -> str | None:
    """A clause, or a list of clauses and names; None where some of it has no translation."""
    for pattern, vietnamese in _PATTERNS:
        if match := pattern.fullmatch(said):
            parts = [_clause(part) if hole.startswith("c") else part for hole, part in match.groupdict().items()]
            whole = [part for part in parts if part is not None]
            if len(whole) == len(parts):
                return vietnamese.format(*whole)
    first, *others = _IN_LISTS.split(said)
    if not others:
        return None if " " in said else said
    told = _clause(first)
    for link, part in zip(others[::2], map(_clause, others[1::2]), strict=True):
        if told is None or part is None:
            return None
        told += (" và " if link == " and " else link) + part
    return told
