"""The Django project: settings, Celery, URLs and muttctl."""

__version__ = "0.1.0"
