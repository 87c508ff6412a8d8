"""The Django project: settings, Celery, URLs and muttctl."""
