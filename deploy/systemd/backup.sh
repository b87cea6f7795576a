#!/bin/sh
# Writes a dump of the database to BACKUPS and deletes dumps that are older than KEEP_DAYS days.
# Runs as a user that may connect without a password, such as postgres: a URL with a password would
# show in the list of processes. Each dump has a name of its own, so that a second run overwrites
# nothing.
set -eu
umask 077

: "${BACKUPS:=/var/backups/latchkey}" "${DATABASE:=latchkey}" "${KEEP_DAYS:=14}"

dump="$BACKUPS/latchkey-$(date --utc +%Y%m%dT%H%M%SZ)-$$.dump"
trap 'rm -f "$dump.part"' EXIT

# A restored lease would look like a running server.
pg_dump --format=custom --exclude-table-data=latchkey_verifiers --file "$dump.part" --dbname "$DATABASE"
pg_restore --list "$dump.part" > /dev/null
sync "$dump.part"
mv "$dump.part" "$dump"

find "$BACKUPS" -maxdepth 1 -name 'latchkey-*.dump*' -mtime "+$KEEP_DAYS" -delete
echo "$dump"
