#!/bin/sh
# Runs a command of Latchkey with the settings and credentials of the service:
# docs/guides/deploy-vm.md.
set -eu

io=--pipe
[ -t 0 ] && io=--pty

# shellcheck disable=SC2016 # CREDENTIALS_DIRECTORY is set only inside the unit.
exec systemd-run --quiet --wait --collect "$io" \
  --property EnvironmentFile=/etc/latchkey/latchkey.env \
  --property LoadCredential=master-keys:/etc/latchkey/secrets/master-keys \
  --property LoadCredential=database-url:/etc/latchkey/secrets/database-url \
  --property LoadCredential=password-peppers:/etc/latchkey/secrets/password-peppers \
  --property LoadCredential=smtp-url:/etc/latchkey/secrets/smtp-url \
  --property DynamicUser=yes --property LimitCORE=0 \
  /bin/sh -c 'LATCHKEY_MASTER_KEYS_FILE=$CREDENTIALS_DIRECTORY/master-keys DATABASE_URL_FILE=$CREDENTIALS_DIRECTORY/database-url \
    PASSWORD_PEPPERS_FILE=$CREDENTIALS_DIRECTORY/password-peppers LATCHKEY_SMTP_URL_FILE=$CREDENTIALS_DIRECTORY/smtp-url \
    exec /opt/node/bin/node /opt/latchkey/current/packages/server/bin/latchkey.js "$@"' latchkey "$@"
