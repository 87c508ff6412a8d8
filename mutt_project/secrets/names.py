"""Which secrets MUTT knows by which name; they are the same in the environment, in files and in Vault."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Secret:
    """What must hold for a value. `least` is the fewest characters of a value that can be believed to be secret."""

    required: bool = False
    least: int = 1


SECRETS: dict[str, Secret] = {
    "MUTT_SECRET_KEY": Secret(required=True, least=32),
    "MUTT_SECRET_KEY_FALLBACKS": Secret(least=32),  # each; separated by commas
    "MOOGSOFT_API_KEY": Secret(required=True),
    "DATABASE_URL": Secret(required=True),  # it may hold a password, which cannot change while MUTT runs
    "DATABASE_PASSWORD": Secret(),
    "DATABASE_PASSWORD_NEXT": Secret(),
    "REDIS_URL": Secret(required=True),  # as above
    "REDIS_PASSWORD": Secret(),
    "REDIS_PASSWORD_NEXT": Secret(),
    "FLOWER_BASIC_AUTH": Secret(),
    "MUTT_OIDC_CLIENT_SECRET": Secret(),
    "MUTT_ADMIN_PASSWORD": Secret(),
    "MUTT_LOCAL_API_KEY": Secret(),
}
