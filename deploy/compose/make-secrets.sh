#!/bin/sh
# Creates the secrets that compose.yaml mounts. Existing files are not changed.
#
#   ./make-secrets.sh [folder]      (default: ./secrets beside this script)
set -eu

folder=${1:-$(dirname "$0")/secrets}

random() {
  head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n'
}

# Containers read the files as other users. The files are therefore readable, the folder is not.
keep() {
  [ -s "$folder/$1" ] || (umask 0333 && printf '%s\n' "$2" >"$folder/$1")
}

mkdir -p "$folder"
chmod 0700 "$folder"

keep postgres_password "$(random)"
keep database_url "postgres://latchkey:$(cat "$folder/postgres_password")@postgres:5432/latchkey"
keep redis_password "$(random)"
keep redis_url "redis://:$(cat "$folder/redis_password")@redis:6379"
keep redis_conf "requirepass $(cat "$folder/redis_password")
save \"\"
appendonly no
maxmemory 256mb
maxmemory-policy allkeys-lru"
keep master_keys "k1:$(random)"
keep password_peppers "p1:$(random)"

echo "The secrets are in $folder. Keep copies of master_keys and password_peppers elsewhere: without them no stored secret can be read and no password checked."
