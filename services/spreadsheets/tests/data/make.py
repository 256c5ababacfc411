"""Writes the spreadsheets of real programs that the tests read."""
import datetime, sys, pathlib
import openpyxl, xlsxwriter
out = pathlib.Path(sys.argv[1])
HEAD = ["Email*", "First Name*", "Last Name*", "Job Title", "Department", "Division", "Location", "Phone", "Locale", "Manager Email", "Start Date"]
ROWS = [
    ["ada@acme.example", "Ada", "Lovelace", "Engineer, chief", "Engines", "Research", "London", "+44 20 7946 0001", "en", "", datetime.date(2026, 12, 31)],
    ["jose@acme.example", "José", "Núñez", 'The "boss"', "", "", "Málaga", 34911234567, "es", "ada@acme.example", datetime.date(2024, 2, 29)],
    ["yuki@acme.example", "雪", "山田", "Line one\nline two", "営業", "", "東京", "03-1234-5678", "ja", "ada@acme.example", None],
]
def openpyxl_book(name, epoch=None, sheets=("People",)):
    book = openpyxl.Workbook()
    if epoch: book.epoch = epoch
    book.remove(book.active)
    for title in sheets[:-1]:
        book.create_sheet(title).append(["Read me first"])
    sheet = book.create_sheet(sheets[-1])
    sheet.append(HEAD)
    for row in ROWS: sheet.append(row)
    book.save(out / name)
from openpyxl.utils.datetime import CALENDAR_MAC_1904
openpyxl_book("openpyxl.xlsx")
openpyxl_book("openpyxl-1904.xlsx", CALENDAR_MAC_1904)
openpyxl_book("openpyxl-second-sheet.xlsx", None, ("Notes", "People"))
book = openpyxl.Workbook(); sheet = book.active; sheet.append(HEAD)
sheet.append(["=CONCATENATE(\"a\",\"@acme.example\")", "Ada", "Lovelace", "=HYPERLINK(\"http://evil.example\",\"x\")"])
sheet["B3"] = "Bob"; sheet["A3"] = "bob@acme.example"; sheet["A3"].hyperlink = "mailto:bob@acme.example"; sheet["C3"] = "Builder"
book.save(out / "openpyxl-formulas.xlsx")

book = xlsxwriter.Workbook(str(out / "xlsxwriter.xlsx"), {"constant_memory": False})
sheet = book.add_worksheet("People"); day = book.add_format({"num_format": 'dd"."mm"."yyyy'}); bold = book.add_format({"bold": True})
sheet.write_row(0, 0, HEAD, bold)
for r, row in enumerate(ROWS, 1):
    for c, value in enumerate(row):
        if isinstance(value, datetime.date): sheet.write_datetime(r, c, datetime.datetime(value.year, value.month, value.day), day)
        elif isinstance(value, int): sheet.write_number(r, c, value)
        elif value: sheet.write_string(r, c, value)
sheet.write_rich_string(5, 1, bold, "Gra", "ce"); sheet.write_string(5, 0, "grace@acme.example"); sheet.write_string(5, 2, "Hopper"); sheet.write_boolean(5, 3, True)
book.close()
book = xlsxwriter.Workbook(str(out / "xlsxwriter-inline.xlsx"), {"constant_memory": True})
sheet = book.add_worksheet(); sheet.write_row(0, 0, HEAD); sheet.write_row(1, 0, ROWS[0][:10]); sheet.write_formula(2, 0, '="x"', None, "x@acme.example"); sheet.write_row(2, 1, ["X", "Y"]); book.close()
