"""A mailing-list and announcement service for a recurring webinar series."""

__version__ = "0.1.0"
