#!/bin/sh
# Pins each third-party image that the files below deploy/ name: looks up the digest of its tag in
# the registry and writes it behind the tag. An existing digest is replaced. Needs docker with
# buildx. docs/guides/releasing.md says when to run it.
set -eu
cd "$(dirname "$0")/.."

name='(docker\.io|gcr\.io|ghcr\.io)/[a-z0-9./_-]+:[A-Za-z0-9._-]+'
digest='sha256:[0-9a-f]{64}'

files=$(grep --recursive --extended-regexp --files-with-matches "(FROM|image:|imageName:) $name" docker compose kustomize)
images=$(echo "$files" | xargs grep --no-filename --only-matching --extended-regexp "(FROM|image:|imageName:) $name" |
  sed 's/.* //' | sort --unique)

for image in $images; do
  case $image in */latchkey:*) continue ;; esac
  found=$(docker buildx imagetools inspect "$image" --format '{{.Manifest.Digest}}')
  echo "$found" | grep --quiet --extended-regexp "^$digest\$" || {
    echo "The registry returned no digest for $image: $found" >&2
    exit 1
  }
  pattern=$(echo "$image" | sed 's/\./\\./g')
  echo "$files" | xargs sed --in-place --regexp-extended \
    "s#(FROM|image:|imageName:) $pattern(@$digest)?( |\$)#\1 $image@$found\3#"
  echo "$image@$found"
done
