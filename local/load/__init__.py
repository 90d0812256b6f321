"""Bulk loading of interactions through boto3 alone: streaming, repeatable, the good rows of a bad file included."""

from local.load.interactions_csv import UnreadableFileError
from local.load.loader import Report, Tables, Watch, load_file

__all__ = ["Report", "Tables", "UnreadableFileError", "Watch", "load_file"]
