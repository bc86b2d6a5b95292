"""Serves S3 on a free port of this machine, with the files of a folder as the objects of a bucket.

    python s3_server.py BUCKET FOLDER

Prints its address, and stops when its standard input ends.
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
sys.stdin.read()
server.stop()
