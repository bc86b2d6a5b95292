"""Serves S3 on a free port of this machine, with the files of a folder as the objects of a bucket.

    python s3_server.py BUCKET FOLDER

Prints its address. A line on its standard input is the folder to which all objects are written; then it prints `done`. It
stops when its standard input ends.
"""

import logging
import pathlib
import sys

import boto3
from moto.server import ThreadedMotoServer

bucket, folder = sys.argv[1], pathlib.Path(sys.argv[2])
logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
client = boto3.client(
    "s3",
    endpoint_url=f"http://{host}:{port}",
    region_name="us-east-1",
    aws_access_key_id="id",
    aws_secret_access_key="secret",
)
client.create_bucket(Bucket=bucket)
for path in folder.rglob("*"):
    if path.is_file():
        key = path.relative_to(folder).as_posix()
        client.put_object(Bucket=bucket, Key=key, Body=path.read_bytes())
print(f"http://{host}:{port}", flush=True)
for line in sys.stdin:
    target = pathlib.Path(line.rstrip("\n"))
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    for key in (item["Key"] for page in pages for item in page.get("Contents", [])):
        path = target / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(client.get_object(Bucket=bucket, Key=key)["Body"].read())
    print("done", flush=True)
server.stop()
