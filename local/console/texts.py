"""The console's texts: English stands in the pages, Vietnamese here."""

from typing import Final

LANGUAGES: Final = ("vi", "en")

VIETNAMESE: Final = {
    "Skip to the content": "Đến nội dung chính",
    "Pages": "Các trang",
    "Not found": "Không tìm thấy",
    "There is no such page.": "Không có trang này.",
    "That did not work": "Không thực hiện được",
    "Retraining": "Huấn luyện lại",
    "Nightly retraining": "Huấn luyện hằng đêm",
    "Erasure of a student": "Xóa dữ liệu một học viên",
    "Start a night": "Chạy ngay",
    "Start and train in any case": "Chạy và bắt buộc huấn luyện",
    "Roll back": "Quay lại bản trước",
    "Park the campaigns": "Tạm dừng campaign",
    "Unpark": "Mở lại campaign",
    "begun at": "bắt đầu lúc",
    "run": "lượt chạy",
    "asked for by": "do",
    "Resume this run": "Chạy tiếp lượt này",
    "Nothing has run yet. Start a night and watch it here.": "Chưa có lượt chạy nào. Hãy bấm chạy và theo dõi tại đây.",
    "The state machine": "Sơ đồ trạng thái",
    "Drawn from its definition in force. Choose a state to see what it got and answered.": (
        "Vẽ từ định nghĩa đang dùng. Chọn một trạng thái để xem đầu vào và đầu ra của nó."
    ),
    "Legend": "Chú giải",
    "done": "đã xong",
    "running": "đang chạy",
    "failed": "thất bại",
    "not entered": "chưa đến",
    "on an error": "khi có lỗi",
    "{count} visits": "{count} lần",
    "Input": "Đầu vào",
    "Output": "Đầu ra",
    "This run has not entered it, or its history does not tell: the local cloud keeps no history inside of a Map.": (
        "Lượt chạy này chưa đến đây, hoặc lịch sử không ghi lại: đám mây cục bộ không giữ lịch sử bên trong Map."
    ),
    "Leads to": "Dẫn đến",
    "States of this run": "Các trạng thái của lượt chạy",
    "State": "Trạng thái",
    "Duration": "Thời gian",
    "None yet.": "Chưa có.",
    "Runs": "Các lượt chạy",
    "Begun": "Bắt đầu",
    "Verdict": "Kết luận",
    "Why": "Lý do",
}


def translated(language: str, text: str) -> str:
    """A text of the pages in `vi` or `en`; one without a translation stays as it is."""
    return VIETNAMESE.get(text, text) if language == "vi" else text
