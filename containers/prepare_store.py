"""Buckets, and a key for each service that opens its own buckets only."""

import configparser
import json
import os
import sys
import urllib.request
from typing import Any
from xml.sax.saxutils import escape

import boto3
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from containers.places import SECRETS

READ = ("s3:GetObject", "s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads")
WRITE = ("s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts")
# Who may what in which bucket, or in a part of it. A job has no way to a table but the engine; it writes the lists that
# people open, which lie beside the tables.
MAY: dict[str, dict[str, tuple[str, ...]]] = {
    "lake": {"engine": READ + WRITE, "reader": READ, "jobs */export/*": WRITE},
    "landing": {"engine": READ, "jobs": READ + WRITE},
    "mlflow": {"mlflow": READ + WRITE},
}
UNFINISHED = ".unfinished"  # in the bucket of the lake, while a restore fills it
USERS = ("engine", "jobs", "mlflow", "reader")


def main() -> None:
    root = keys_of("root")
    store = boto3.client("s3", aws_access_key_id=root.access_key, aws_secret_access_key=root.secret_key)
    if "RESTORING" not in os.environ and _is_there(store, "lake", UNFINISHED):
        sys.exit("A restore was broken off, so this stack holds half of its data: type `make restore` again.")
    known = _users(store, root)
    for name in USERS:
        _user(store, root, keys_of(name), is_known=f"<Access>{keys_of(name).access_key}</Access>" in known)
    there = {bucket["Name"] for bucket in store.list_buckets()["Buckets"]}
    for bucket, rights in MAY.items():
        if bucket not in there:
            store.create_bucket(Bucket=bucket)
        store.put_bucket_policy(Bucket=bucket, Policy=json.dumps(_policy(bucket, rights)))


def _is_there(store: Any, bucket: str, name: str) -> bool:
    try:
        store.head_object(Bucket=bucket, Key=name)
    except ClientError:
        return False
    return True


def keys_of(name: str) -> Credentials:
    file = configparser.ConfigParser()
    file.read(SECRETS / f"store-{name}")
    found = file["default"]
    return Credentials(found["aws_access_key_id"], found["aws_secret_access_key"])


def _policy(bucket: str, rights: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    allowed = [_allowed(bucket, *who.split(), actions=actions) for who, actions in rights.items()]
    return {"Version": "2012-10-17", "Statement": allowed}


def _allowed(bucket: str, name: str, part: str = "", *, actions: tuple[str, ...]) -> dict[str, Any]:
    whole = f"arn:aws:s3:::{bucket}"
    where = [f"{whole}/{part}"] if part else [whole, f"{whole}/*"]
    return {
        "Effect": "Allow",
        "Principal": {"AWS": [keys_of(name).access_key]},
        "Action": [*actions],
        "Resource": where,
    }


def _users(store: Any, root: Credentials) -> str:
    return _asked(store, root, "list-users")


def _user(store: Any, root: Credentials, keys: Credentials, *, is_known: bool) -> None:
    """A new secret of a known key takes the old one's place."""
    secret = f"<Secret>{escape(keys.secret_key)}</Secret>"
    if is_known:
        _asked(store, root, f"update-user?access={keys.access_key}", f"<MutableProps>{secret}</MutableProps>")
    else:
        user = f"<Access>{escape(keys.access_key)}</Access>{secret}<Role>user</Role>"
        _asked(store, root, "create-user", f"<Account>{user}</Account>")


def _asked(store: Any, root: Credentials, what: str, words: str = "") -> str:
    """The store's own interface for those who run it."""
    request = AWSRequest("PATCH", f"{store.meta.endpoint_url}/{what}", data=words.encode())
    S3SigV4Auth(root, "s3", store.meta.region_name).add_auth(request)
    sent = urllib.request.Request(request.url, data=words.encode(), headers=dict(request.headers), method="PATCH")  # noqa: S310 - our own store
    with urllib.request.urlopen(sent, timeout=30) as answer:  # noqa: S310 - as above
        found: bytes = answer.read()
        return found.decode()


if __name__ == "__main__":
    main()
