"""What is wrong with the data: duplicates across the split, columns that give the answer away, classes too small."""

from mmsdk.audit.columns import audit_columns
from mmsdk.audit.duplicates import audit_duplicates
from mmsdk.audit.finding import Finding
from mmsdk.audit.labels import audit_labels, label_leaks

__all__ = ["Finding", "audit_columns", "audit_duplicates", "audit_labels", "label_leaks"]
