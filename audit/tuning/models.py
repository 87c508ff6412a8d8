"""No table of ours: django-constance has what was set. Who may look and change is a permission, tied to a model."""

from typing import ClassVar

from django.db import models


class Setting(models.Model):
    """The settings that can be changed at run time, as admin and the permissions of people know them."""

    objects: ClassVar[models.Manager["Setting"]]

    class Meta:
        managed = False
        default_permissions = ("view", "change")
        verbose_name = "setting"
        verbose_name_plural = "settings at run time"

    def __str__(self) -> str:
        return "settings"
