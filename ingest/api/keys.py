"""API keys over the REST API. Secrets are in the one answer that makes them, and in no other."""

from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api.pagination import CursorPages
from ingest.authentication import Caller, HasAdminScope
from ingest.models import ApiKey, Scope
from rules.api.serializers import CleanedSerializer


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
        lacking = sorted(set(scopes) - caller.scopes - set(had))
        if lacking:
            raise serializers.ValidationError(
                f"The key that you call with lacks {', '.join(lacking)}, and a key gives only scopes that it has."
            )
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


class WouldLockOut(APIException):
    status_code = 409
    default_detail = (
        "This is the key you are calling with, and afterwards it could manage no keys: use another one for that."
    )


class NoOlderSecret(APIException):
    status_code = 409
    default_detail = "This key has no older signing secret that could be dropped."


@extend_schema_view(
    list=extend_schema(summary="List API keys"),
    retrieve=extend_schema(summary="One API key, without its secrets"),
    create=extend_schema(summary="Make an API key", responses={201: NewApiKeySerializer}),
    partial_update=extend_schema(summary="Change an API key"),
    destroy=extend_schema(summary="Delete an API key"),
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
        summary="Make a new signing secret; the one before it is still taken",
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

    @extend_schema(summary="Drop the signing secret before the newest", request=None, responses={200: ApiKeySerializer})
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
