#!/bin/bash
# The store's root key comes from a file; it stands in no argument and in no listing of containers.
set -euo pipefail
value() { sed -n "s/^$1 *= *//p" "$STORE_ROOT"; }
export ROOT_ACCESS_KEY ROOT_SECRET_KEY
ROOT_ACCESS_KEY=$(value aws_access_key_id)
ROOT_SECRET_KEY=$(value aws_secret_access_key)
mkdir -p /data/buckets /data/users
exec versitygw --port :7070 --quiet --health /health --iam-dir /data/users posix /data/buckets
