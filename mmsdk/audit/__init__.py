"""What is wrong with the data: duplicates across the split, answers given away, classes and groups too few."""

from mmsdk.audit.columns import audit_columns, audit_reports
from mmsdk.audit.duplicates import audit_duplicates
from mmsdk.audit.finding import Finding
from mmsdk.audit.groups import audit_groups
from mmsdk.audit.labels import audit_labels, label_leaks

__all__ = [
    "Finding",
    "audit_columns",
    "audit_duplicates",
    "audit_groups",
    "audit_labels",
    "audit_reports",
    "label_leaks",
]
