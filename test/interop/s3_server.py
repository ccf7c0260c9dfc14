"""An S3 server on the loopback interface that checks each request's signature with Amazon's own code for making them (moto, botocore).

    python s3_server.py FOLDER     the files of FOLDER in the bucket "zoo"; prints a line of JSON and serves until it is killed

moto checks the address after undoing its percent signs, and so refuses boto3's own requests for prefixes with a slash; here it is the address as
it was sent. It has no answer to a request without signature; here the object's own rights decide, as they do at Amazon: anybody may read what is below
`public/`, and all else whoever has the keys that are printed, or the role's keys with their token.
"""
import json
import os
import sys
from pathlib import Path

import boto3
import flask
from moto import settings
from moto.core.authorization import ActionAuthenticatorMixin
from moto.iam.access_control import IAMRequestBase
from moto.server import ThreadedMotoServer

everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
request_of = IAMRequestBase._create_aws_request
authenticate = ActionAuthenticatorMixin._authenticate_and_authorize_action


def as_sent(request):
    request._path = flask.request.environ["RAW_URI"]
    return request_of(request)


def where_signed(responses, *arguments):
    if "Authorization" in responses.headers:
        authenticate(responses, *arguments)


def main(folder):
    # Two keys a page, so that a listing has several.
    os.environ["MOTO_S3_DEFAULT_MAX_KEYS"] = "2"
    IAMRequestBase._create_aws_request = as_sent
    ActionAuthenticatorMixin._authenticate_and_authorize_action = where_signed
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    endpoint = "http://{}:{}".format(*server.get_host_and_port())

    def client(name, **keys):
        given = {"aws_access_key_id": "setup", "aws_secret_access_key": "setup", **keys}
        return boto3.client(name, endpoint_url=endpoint, region_name="eu-west-1", **given)

    iam, s3 = client("iam"), client("s3")
    iam.create_user(UserName="reader")
    iam.put_user_policy(UserName="reader", PolicyName="all", PolicyDocument=json.dumps(everything))
    made = iam.create_access_key(UserName="reader")["AccessKey"]
    keys = {"aws_access_key_id": made["AccessKeyId"], "aws_secret_access_key": made["SecretAccessKey"]}
    role = iam.create_role(RoleName="role", AssumeRolePolicyDocument=json.dumps(everything))["Role"]["Arn"]
    iam.put_role_policy(RoleName="role", PolicyName="all", PolicyDocument=json.dumps(everything))
    session = client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    s3.create_bucket(Bucket="zoo", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    for file in sorted(Path(folder).rglob("*")):
        if file.is_file():
            name = file.relative_to(folder).as_posix()
            acl = "public-read" if name.startswith("public/") else "private"
            s3.put_object(Bucket="zoo", Key=name, Body=file.read_bytes(), ACL=acl)
    signed = client("s3", **keys)
    presigned = signed.generate_presigned_url("get_object", {"Bucket": "zoo", "Key": "private/a b+c/vgg_face.mat"})
    settings.INITIAL_NO_AUTH_ACTION_COUNT = 0
    # A refusal says something of vggtool only where the server takes what Amazon's own client sends.
    assert signed.list_objects_v2(Bucket="zoo", Prefix="public/")["KeyCount"] == 1
    print(json.dumps({"endpoint": endpoint, "keys": keys, "session": {name: str(value) for name, value in session.items()}, "presigned": presigned}), flush=True)
    sys.stdin.read()


main(sys.argv[1])
