#!/bin/sh
# Puts MUTT's secrets into OpenBao as docs/secrets.md says, and leaves a role-id and a secret-id in the folder $1.
# It reads secrets from files of the folder $2; BAO_ADDR says where OpenBao is. It can be run again at any time.
set -eu
login=$1
secrets=$2
export BAO_TOKEN
BAO_TOKEN=$(cat "$secrets/openbao_token")
umask 077

bao secrets list -format=json | grep -q '"secret/"' || bao secrets enable -path=secret kv-v2
bao auth list -format=json | grep -q '"approle/"' || bao auth enable approle
echo 'path "secret/data/mutt" { capabilities = ["read"] }' | bao policy write mutt -
bao write auth/approle/role/mutt token_policies=mutt token_ttl=1h token_max_ttl=24h secret_id_ttl=2160h
bao kv put -mount=secret mutt \
  MUTT_SECRET_KEY=@"$secrets/mutt_secret_key" \
  MOOGSOFT_API_KEY=@"$secrets/moogsoft_api_key" \
  DATABASE_PASSWORD=@"$secrets/postgresql_password" \
  REDIS_PASSWORD=@"$secrets/redis_password" \
  FLOWER_BASIC_AUTH=@"$secrets/flower_basic_auth" \
  MUTT_ADMIN_PASSWORD=@"$secrets/admin_password" \
  MUTT_LOCAL_API_KEY=@"$secrets/api_key" > /dev/null
bao read -field=role_id auth/approle/role/mutt/role-id > "$login/role-id"
bao write -f -field=secret_id auth/approle/role/mutt/secret-id > "$login/secret-id"
echo "MUTT can log in: role-id and secret-id are in $login."
