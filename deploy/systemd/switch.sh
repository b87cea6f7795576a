#!/bin/sh
# Makes a release of LATCHKEY_HOME the current one: switch.sh <release>. Afterwards restart the
# service. A running server keeps using the files of its own release, also those that it loads
# later.
set -eu

: "${LATCHKEY_HOME:=/opt/latchkey}"
release=${1:?"names no release; there are: $(ls "$LATCHKEY_HOME/releases")"}

if [ ! -f "$LATCHKEY_HOME/releases/$release/packages/server/bin/latchkey.js" ]; then
  echo "switch.sh: $LATCHKEY_HOME/releases has no release $release: unpack it there first" >&2
  exit 1
fi
# Renaming replaces the link atomically.
ln -sfn "releases/$release" "$LATCHKEY_HOME/current.new"
mv -T "$LATCHKEY_HOME/current.new" "$LATCHKEY_HOME/current"
echo "current: $release"
