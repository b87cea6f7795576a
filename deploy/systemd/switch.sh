#!/bin/sh
# Makes a release of LATCHKEY_HOME the current one: switch.sh <release>. Afterwards restart the service.
# A running server goes on with the files of its own release, also those that it has yet to load.
set -eu

: "${LATCHKEY_HOME:=/opt/latchkey}"
release=${1:?"names no release; there are: $(ls "$LATCHKEY_HOME/releases")"}

if [ ! -f "$LATCHKEY_HOME/releases/$release/packages/server/bin/latchkey.js" ]; then
  echo "switch.sh: there is no release $release in $LATCHKEY_HOME/releases" >&2
  exit 1
fi
# Renaming replaces the link in one step: there is no moment without a current release.
ln -sfn "releases/$release" "$LATCHKEY_HOME/current.new"
mv -T "$LATCHKEY_HOME/current.new" "$LATCHKEY_HOME/current"
echo "current: $release"
