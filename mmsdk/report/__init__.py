"""The report of a run: one HTML file without network, and a model card."""

from mmsdk.report.card import render_card
from mmsdk.report.contents import Example, MapPoints, Picture, ReportData
from mmsdk.report.explained import render_explanation
from mmsdk.report.page import render_report

__all__ = ["Example", "MapPoints", "Picture", "ReportData", "render_card", "render_explanation", "render_report"]
