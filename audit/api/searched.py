"""Lists that are searches: they end in time, and say how to narrow them where they cannot."""

from typing import Any

from rest_framework import mixins
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from audit.searching import TooBroadError, in_time


class SearchedListMixin(mixins.ListModelMixin):
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        try:
            with in_time():
                return super().list(request, *args, **kwargs)
        except TooBroadError as error:
            raise ValidationError(str(error)) from error
