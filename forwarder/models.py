"""No table: where alerts go is a setting. What may be done about it is a permission, which Django ties to a model."""

from django.db import models


class Destination(models.Model):
    """Moogsoft, as admin and the permissions of people know it."""

    class Meta:
        managed = False
        default_permissions = ("view",)
        permissions = (("operate_destination", "Can force the breaker, and resume a paused destination"),)
        verbose_name = "delivery to Moogsoft"
        verbose_name_plural = "delivery to Moogsoft"

    def __str__(self) -> str:
        return "Moogsoft"
