"""Storage that speaks the protocol of S3 (moto), on the port that is given. Takes signed requests of one user only.

Says in one line of JSON under which keys, once it listens; ends when its input does.
"""

import json
import logging
import os
import sys

# The user and the bucket are made before requests have to be signed: 4 actions.
os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "4"

import boto3
from moto.server import ThreadedMotoServer

logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer("127.0.0.1", int(sys.argv[1]), verbose=False)
server.start()
nobody = {
    "endpoint_url": f"http://127.0.0.1:{sys.argv[1]}",
    "region_name": "us-east-1",
    "aws_access_key_id": "nobody",
    "aws_secret_access_key": "nothing",
}
iam = boto3.client("iam", **nobody)
iam.create_user(UserName="platform")
key = iam.create_access_key(UserName="platform")["AccessKey"]
statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
iam.put_user_policy(UserName="platform", PolicyName="files", PolicyDocument=policy)
boto3.client("s3", **nobody).create_bucket(Bucket="files")
print(json.dumps({"key": key["AccessKeyId"], "secret": key["SecretAccessKey"]}), flush=True)
sys.stdin.read()
