"""Where Flower finds the Celery app, with a broker and a password of our kind."""

from mutt_project.flower_broker import teach_flower
from mutt_project.flower_password import demand_password
from mutt_project.lean import app

teach_flower()
demand_password()

__all__ = ["app"]
