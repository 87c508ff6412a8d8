"""API keys over the REST API. Secrets are in the one answer that makes them, and in no other."""

from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import APIException, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api.pagination import CursorPages
from ingest.authentication import Caller, HasAdminScope
from ingest.models import GRACE, ApiKey, Scope
from rules.api.editing import REASON
from rules.api.serializers import CleanedSerializer


def _lacking(caller: Caller, scopes: set[str]) -> str:
    """Why the caller cannot give these scopes to whoever holds a key; empty if it can."""
    lacking = sorted(scopes - caller.scopes)
    if not lacking:
        return ""
    return f"The key that you call with lacks {', '.join(lacking)}, and a key gives only scopes that it has."


class ById(CursorPages):
    ordering = "id"


class ApiKeySerializer(CleanedSerializer[ApiKey]):
    """A key as it can be looked at and changed."""

    signing_secret_count = serializers.SerializerMethodField(
        help_text="0: requests need no signature; 2: the secret before the newest is still taken."
    )

    class Meta:
        model = ApiKey
        fields: tuple[str, ...] = (
            "id",
            "name",
            "prefix",
            "scopes",
            "allowed_sources",
            "in_url",
            "rate_limit",
            "is_active",
            "expires_at",
            "former_until",
            "signing_secret_count",
            "last_used_at",
            "created_at",
        )

    def validate_scopes(self, scopes: list[str]) -> list[str]:
        """A key gives no scope that it does not have itself; what another key has already, stays."""
        caller: Any = self.context["request"].user
        if not isinstance(caller, Caller):
            return scopes
        had = self.instance.scopes if isinstance(self.instance, ApiKey) else []
        if lacking := _lacking(caller, set(scopes) - set(had)):
            raise serializers.ValidationError(lacking)
        return scopes

    def get_signing_secret_count(self, key: ApiKey) -> int:
        return len(key.signing_secrets)

    def update(self, instance: ApiKey, validated_data: dict[str, Any]) -> ApiKey:
        """Write what was sent and nothing else: `last_used_at` is written by others at the same time."""
        for name, value in validated_data.items():
            setattr(instance, name, value)
        instance.save(update_fields=list(validated_data))
        return instance


class NewApiKeySerializer(ApiKeySerializer):
    """A key that is made; the answer shows its secrets, this once."""

    signed = serializers.BooleanField(
        write_only=True, default=False, help_text="Make a signing secret, too: requests must then be signed."
    )
    secret = serializers.CharField(read_only=True)
    signing_secret = serializers.CharField(read_only=True, allow_null=True)

    class Meta(ApiKeySerializer.Meta):
        fields = (*ApiKeySerializer.Meta.fields, "signed", "secret", "signing_secret")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        signed = attrs.pop("signed")
        if signed and list(attrs["scopes"]) != [Scope.INGEST]:
            raise serializers.ValidationError({"scopes": "A key that signs gets the scope ingest alone."})
        return {**super().validate(attrs), "signed": signed}

    def create(self, validated_data: dict[str, Any]) -> ApiKey:
        signed = validated_data.pop("signed")
        made = ApiKey(**validated_data).save_as_new(signed=signed)
        self._secrets = {"secret": made.secret, "signing_secret": made.signing_secret or None}
        return made.key

    def to_representation(self, instance: ApiKey) -> dict[str, Any]:
        return {**super().to_representation(instance), **getattr(self, "_secrets", {})}


class NewSigningSecretSerializer(serializers.Serializer[Any]):
    """The answer to a new signing secret."""

    signing_secret = serializers.CharField(help_text="Shown this once.")
    signing_secret_count = serializers.IntegerField()


class GraceSerializer(serializers.Serializer[Any]):
    """How long the present secret is still taken."""

    grace_hours = serializers.FloatField(
        default=GRACE / timedelta(hours=1), min_value=0, max_value=24 * 366, help_text="0: not a moment."
    )


class NewSecretSerializer(serializers.Serializer[Any]):
    """The answer to a new secret."""

    secret = serializers.CharField(help_text="Shown this once.")
    former_until = serializers.DateTimeField(allow_null=True, help_text="Until then the former secret is taken.")


class WouldLockOut(APIException):
    status_code = 409
    default_detail = (
        "This is the key you are calling with, and afterwards it could manage no keys: use another one for that."
    )


class FormerStillTaken(APIException):
    status_code = 409
    default_detail = (
        "The secret before this one is still taken (former_until): another change would shut out who uses it. Wait, or"
        " send grace_hours 0 to do without both."
    )


class NoOlderSecret(APIException):
    status_code = 409
    default_detail = "This key has no older signing secret that could be dropped."


@extend_schema_view(
    list=extend_schema(summary="List API keys"),
    retrieve=extend_schema(summary="One API key, without its secrets"),
    create=extend_schema(summary="Make an API key", parameters=[REASON], responses={201: NewApiKeySerializer}),
    partial_update=extend_schema(summary="Change an API key", parameters=[REASON]),
    destroy=extend_schema(summary="Delete an API key", parameters=[REASON]),
)
class ApiKeyViewSet(viewsets.ModelViewSet[ApiKey]):
    """API keys, for keys with the scope `admin`. Changes hold everywhere within MUTT_KEY_MAX_AGE_S."""

    queryset = ApiKey.objects.all()
    permission_classes = (HasAdminScope,)
    pagination_class = ById
    http_method_names = ("get", "post", "patch", "delete", "head", "options")

    def get_serializer_class(self) -> type[ApiKeySerializer]:
        return NewApiKeySerializer if self.action == "create" else ApiKeySerializer

    def get_queryset(self) -> QuerySet[ApiKey]:
        """What is to be changed is locked first, so that two changes at once do not undo each other."""
        keys = super().get_queryset()
        return keys if self.action in {"list", "retrieve", "create"} else keys.select_for_update()

    @transaction.atomic
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().partial_update(request, *args, **kwargs)

    def perform_update(self, serializer: Any) -> None:
        key: ApiKey = serializer.save()
        expired = key.expires_at is not None and key.expires_at <= timezone.now()
        if self._is_own(key) and (not key.is_active or expired or Scope.ADMIN not in key.scopes):
            raise WouldLockOut

    @transaction.atomic
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().destroy(request, *args, **kwargs)

    def perform_destroy(self, instance: ApiKey) -> None:
        if self._is_own(instance):
            raise WouldLockOut
        super().perform_destroy(instance)

    @extend_schema(
        summary="Make a new secret; the present one is taken for a while",
        parameters=[REASON],
        request=GraceSerializer,
        responses={201: NewSecretSerializer},
    )
    @action(detail=True, methods=["post"], url_path="rotate-secret")
    @transaction.atomic
    def rotate_secret(self, request: Request, pk: str) -> Response:  # noqa: ARG002 - DRF's signature
        """The key stays the same in all else: its name, scopes and records."""
        asked = GraceSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        key = self.get_object()
        caller: Any = request.user
        if isinstance(caller, Caller) and (lacking := _lacking(caller, set(key.scopes))):
            raise PermissionDenied(lacking)
        grace = timedelta(hours=asked.validated_data["grace_hours"])
        if grace and key.former_is_taken:
            raise FormerStillTaken
        secret = key.change_secret(grace)
        key.save(update_fields=ApiKey.SECRET_FIELDS)
        return Response(NewSecretSerializer({"secret": secret, "former_until": key.former_until}).data, 201)

    @extend_schema(
        summary="Make a new signing secret; the one before it is still taken",
        parameters=[REASON],
        request=None,
        responses={201: NewSigningSecretSerializer},
    )
    @action(detail=True, methods=["post"], url_path="rotate-signing-secret")
    @transaction.atomic
    def rotate_signing_secret(self, request: Request, pk: str) -> Response:  # noqa: ARG002 - DRF's signature
        """The first one makes signatures a duty."""
        key = self.get_object()
        secret = key.add_signing_secret()
        try:
            key.clean()
        except DjangoValidationError as error:
            raise serializers.ValidationError(error.message_dict) from error
        key.save(update_fields=["signing_secrets"])
        answer = {"signing_secret": secret, "signing_secret_count": len(key.signing_secrets)}
        return Response(NewSigningSecretSerializer(answer).data, 201)

    @extend_schema(
        summary="Drop the signing secret before the newest",
        parameters=[REASON],
        request=None,
        responses={200: ApiKeySerializer},
    )
    @action(detail=True, methods=["post"], url_path="drop-old-signing-secret")
    @transaction.atomic
    def drop_old_signing_secret(self, request: Request, pk: str) -> Response:  # noqa: ARG002 - DRF's signature
        """What is signed with it is refused from then on."""
        key = self.get_object()
        if len(key.signing_secrets) <= 1:
            raise NoOlderSecret
        key.drop_old_signing_secret()
        key.save(update_fields=["signing_secrets"])
        return Response(ApiKeySerializer(key).data)

    def _is_own(self, key: ApiKey) -> bool:
        caller: Any = self.request.user
        return isinstance(caller, Caller) and caller.key_id == key.pk
