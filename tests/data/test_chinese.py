"""Tables as Chinese programs and people write them: GB18030, full-width digits, dates with 年月日, names of columns."""

from __future__ import annotations

import csv
import datetime as dt
import random
import uuid

import pytest

from mmsdk import moment_of
from mmsdk.data import inspect_table, read_table
from mmsdk.data.table import plain_number
from mmsdk.data.times import seconds_of
from mmsdk.errors import DataError

NOTES = ("咳嗽两周，一般情况可，睡眠尚好", "发热伴咳嗽三天，活动后气促明显", "呼吸困难，意识模糊，由家属送来急诊")
GOODS = ("手工制作的陶瓷餐盘，边缘有裂纹", "实木台灯，灯罩是亚麻布做的", "加厚纯棉床单，适合冬天使用")


@pytest.fixture
def rows():
    draw = random.Random(0)
    return [
        {
            "商品编号": f"货{number:03d}",
            "名称": f"{draw.choice(GOODS)}，第{number}批",
            "价格": str(number * 3 % 41).translate(str.maketrans("0123456789", "０１２３４５６７８９")),
            "上架日期": f"2026年{number % 12 + 1}月{number % 28 + 1}日",
            "类目": draw.choice(["厨房", "卧室", "客厅"]),
        }
        for number in range(60)
    ]


def written(path, rows, encoding="utf-8-sig"):
    with path.open("w", newline="", encoding=encoding) as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_a_table_in_gb18030_is_read_as_it_is_in_utf_8_and_that_is_said_once(tmp_path, rows, capsys, monkeypatch):
    folder = tmp_path / uuid.uuid4().hex  # what is said is said once a path
    folder.mkdir()
    path = written(folder / "商品 表.csv", rows, "gb18030")
    table = read_table(path)
    assert table.columns.equals(read_table(written(tmp_path / "b.csv", rows)).columns)
    monkeypatch.chdir(folder)
    read_table(path.name)
    said = f"{path.name} is not UTF-8; it was read as GB18030 (GBK), as Chinese Excel writes CSV\n"
    assert capsys.readouterr().err == said


def test_a_table_of_german_excel_is_read_and_that_is_said(tmp_path, capsys):
    folder = tmp_path / uuid.uuid4().hex
    folder.mkdir()
    path = folder / "Artikel.csv"
    path.write_bytes("Größe;Preis (€)\nfünf Stühle – weiß;9,50\nCafé;3,00\n".encode("cp1252"))
    found = read_table(path)
    assert found.names == ("Größe", "Preis (€)")
    assert found.cells("Größe") == ["fünf Stühle – weiß", "Café"]
    assert capsys.readouterr().err == (
        "Artikel.csv is not UTF-8; it was read as Windows-1252, as German Excel writes CSV\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        "Name,Text\nJürg,„schön“ – ja\nBärbel,«süß» … ‚nein‘\n",
        "Größe,Maß in m²\nTür,3½\nGefäß,12 cm³ à 3 €\nWürfel,2 µm · 1¼ × ³\n",
        "Ort\nKöln\nÖl\nÄpfel\nÜbung\nüber\nMenü\nSpaß\n",
        "Name\nRené\nMüller\nJürg\n",
    ],
)
def test_what_german_tables_hold_beside_umlauts_is_read(tmp_path, text):
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode("cp1252"))
    found = read_table(path)
    assert [found.names, *zip(*map(found.cells, found.names), strict=True)] == [
        tuple(line.split(",")) for line in text.splitlines()
    ]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("id,grade,comment\n1,Д,good overall result\n2,Ц,bad overall result\n", "cp1251"),
        ("id,unit,comment\n1,Δ,good overall result\n2,Φ,bad overall result\n", "cp1253"),
        ("id,quantity\n1,Δt\n2,δx\n3,Δx between two\n", "cp1253"),
        ("id,name,status\n1,alpha,能\n2,beta,哪\n3,gamma能,能delta\n", "gbk"),
        ("name\nMüller\nBär\nKopeček\n", "cp1250"),
        ("name\nMüller\nBär\nPaweł\n", "cp1250"),
        ("name\nGözlük\nBülbül\nkırmızı\n", "cp1254"),
        ("text\nreﬂect\nthe ﬂower\n", "mac_roman"),
        ("name\nRené\nMüller\n", "cp1252"),
        ("Größe,Straße\nfünf,Königsallee\n", "cp850"),
        ("Größe,Straße\nfünf,Königsallee\n", "mac_roman"),
        ("ä,ö\nüüü,ßß\n", "cp1252"),
        ("name,town\nJosé,Besançon\nZoë,Tromsø\nDvořák,Plzeň\n", "cp1250"),
        ("name,town\nJosé,Besançon\nZoë,Tromsø\n", "cp1252"),
        ("имя,город\nИван,Москва\nАнна,Казань\n", "cp1251"),
        ("상품,가격\n빨간 접시와 파란 그릇,１２\n나무 의자는 튼튼합니다,３\n", "euc-kr"),
        ("商品,値段\n赤いお皿とあおいコップ,１２\nきのいすはじょうぶです,３\n", "euc-jp"),
        ("商品,価格\n赤いお皿,１２\n", "shift-jis"),
        ("商品,價格\n紅色盤子與藍色杯子,12\n木頭椅子很耐用,3\n", "big5"),
    ],
)
def test_what_is_plainly_neither_is_refused_and_never_guessed_at(tmp_path, text, encoding):
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode(encoding, "replace"))
    with pytest.raises(DataError, match=r"is not UTF-8 text: line [12] "):
        read_table(path)


def test_a_broken_byte_in_gb18030_is_refused(tmp_path, rows):
    path = written(tmp_path / "t.csv", rows, "gb18030")
    path.write_bytes(path.read_bytes() + b"\xff\xff\n")
    with pytest.raises(DataError, match="is not UTF-8 text"):
        read_table(path)


@pytest.mark.parametrize("name", ["表.xlsx", "old.xls", "表.et"])
def test_a_spreadsheet_is_refused_with_what_to_do(tmp_path, name):
    (tmp_path / name).write_bytes(b"PK\x03\x04")
    with pytest.raises(
        DataError, match=r"a spreadsheet is not read; save the sheet with the rows as 'CSV UTF-8 \(\*\.csv\)'"
    ):
        read_table(tmp_path / name)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026年11月26日", dt.datetime(2026, 11, 26)),
        ("２０２６年３月１日", dt.datetime(2026, 3, 1)),
        ("2026年3月1号 9点05分", dt.datetime(2026, 3, 1, 9, 5)),
        ("2026年3月1日9时5分30秒", dt.datetime(2026, 3, 1, 9, 5, 30)),
        ("2026/3/1", dt.datetime(2026, 3, 1)),
        ("2026/11/26 10:30", dt.datetime(2026, 11, 26, 10, 30)),
        ("2026.11.26 10:30:05", dt.datetime(2026, 11, 26, 10, 30, 5)),
        ("2026-3-1", dt.datetime(2026, 3, 1)),
        ("2026-11-26T10:00", dt.datetime(2026, 11, 26, 10)),
        ("26.11.2026", dt.datetime(2026, 11, 26)),
        ("1.3.2026 9:05", dt.datetime(2026, 3, 1, 9, 5)),
        ("26.11.2026, 10:30:05", dt.datetime(2026, 11, 26, 10, 30, 5)),
        ("2026年11月26日 下午3:05", dt.datetime(2026, 11, 26, 15, 5)),
        ("2026年11月26日上午9点05分", dt.datetime(2026, 11, 26, 9, 5)),
        ("2026/11/26 下午12:05", dt.datetime(2026, 11, 26, 12, 5)),
        ("2026年11月26日星期四", dt.datetime(2026, 11, 26)),
        ("2026年11月29日（周日）10:00", dt.datetime(2026, 11, 29, 10)),
        ("2026-11-29 礼拜天", dt.datetime(2026, 11, 29)),
        ("2026/11/26 3:05:30 PM", dt.datetime(2026, 11, 26, 15, 5, 30)),
        ("2026/11/26 12:05 am", dt.datetime(2026, 11, 26, 0, 5)),
    ],
)
def test_dates_as_excel_writes_them_are_read(text, moment):
    assert moment_of(text) == moment
    assert seconds_of(text) == moment.replace(tzinfo=dt.UTC).timestamp()


@pytest.mark.parametrize(
    "text",
    [
        "2026年13月1日",
        "2026年2月30日",
        "2026/11-26",
        "2026年11月",
        "明天",
        "1.2.3",
        "31.2.2026",
        "26.11.26",
        "2026年11月26日星期五",
        "2026年11月26日 上午13:05",
        "2026/11/26 15 PM",
    ],
)
def test_what_is_no_such_date_is_refused(text):
    with pytest.raises(ValueError, match=r"month|day|date"):
        moment_of(text)
    with pytest.raises(ValueError, match="is not a moment in time; write it as"):
        seconds_of(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2026年11月", "is a month without a day; write a day"),
        ("2026-11", "is a month without a day"),
        ("2026年11月26日周五", "names another day of the week than that day is"),
        ("2026年11月26日 上午12:05", "is midnight or noon"),
    ],
)
def test_what_lacks_something_is_told_what(text, told):
    with pytest.raises(ValueError, match=told):
        moment_of(text)


@pytest.mark.parametrize("text", ["26/11/2026", "11/12/2025", "11-12-2025", "1/2/25 10:05", "１１/１２/２０２５"])
def test_a_date_with_day_or_month_first_is_refused_by_that_name(text):
    for read in (moment_of, seconds_of):
        with pytest.raises(ValueError, match="day or month first is not told from the digits; write 2025-12-11"):
            read(text)


def test_full_width_digits_are_digits():
    assert [plain_number(text) for text in ("４９３", "１２．５", "－3", "００７", "4 9")] == [
        493,
        12.5,
        -3,
        None,
        None,
    ]


def test_chinese_columns_are_guessed_as_english_ones_are(tmp_path, rows):
    found = inspect_table(read_table(written(tmp_path / "t.csv", rows))).application
    assert found["id"] == "商品编号"
    assert {name: block["modality"] for name, block in found["inputs"].items()} == {
        "名称": "text",
        "价格": "number",
        "上架日期": "date",
    }
    assert found["tasks"] == {"类目": {"column": "类目", "type": "classification"}}


def test_chinese_notes_are_text_and_not_tags_or_ids(tmp_path):
    draw = random.Random(1)
    rows = [
        {
            "病例号": f"B{number:03d}",
            "患者编号": f"ZY{number // 2:04d}",
            "患者年龄": str(20 + number % 50),
            "主诉": f"{draw.choice(NOTES)}，体温{36 + number / 40:.2f}度",
            "用途": draw.choice(["厨房、手工、简约", "卧室、大号", "客厅、手工", "厨房、大号、简约"]),
        }
        for number in range(80)
    ]
    found = inspect_table(read_table(written(tmp_path / "t.csv", rows))).application
    assert found["id"] == "病例号"
    assert found["split"] == {"group": "患者编号"}, "one patient stays on one side"
    assert {name: block["modality"] for name, block in found["inputs"].items()} == {
        "患者年龄": "number",
        "主诉": "text",
        "用途": "tags",
    }


def test_a_chinese_text_that_holds_the_answer_is_no_input(tmp_path, rows):
    for row in rows:
        row["名称"] = f"这是一件适合{row['类目']}使用的商品，颜色{row['价格']}"
        row["又名"] = f"{row['类目']}里常用的东西，{row['商品编号']}"
    found = inspect_table(read_table(written(tmp_path / "t.csv", rows)))
    assert "又名" in found.left_out
