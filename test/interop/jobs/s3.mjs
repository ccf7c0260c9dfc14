import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { environmentPython } from "../environment.mjs";
import { demo } from "./files.mjs";

/*
 * The protocol of S3 with a server that is not ours: moto, which checks each request's signature with Amazon's own code for making them.
 */

/** Where each lies in the bucket: names with all that a signature has to encode. */
const files = [
  ["private/a b+c/vgg_face.mat", demo.matconvnet],
  ["private/é%20.pdparams", demo.paddle],
  ["private/slim/vgg_16.ckpt.index", `${demo.tfslim}.index`],
  ["private/slim/vgg_16.ckpt.data-00000-of-00001", `${demo.tfslim}.data-00000-of-00001`],
  ["public/vgg_face.mat", demo.matconvnet],
];

async function withServer({ out, root }, use) {
  const bucket = join(out, "bucket");
  for (const [name, file] of files) {
    mkdirSync(dirname(join(bucket, name)), { recursive: true });
    copyFileSync(join(root, file), join(bucket, name));
  }
  const script = join(root, "test", "interop", "s3_server.py");
  const server = spawn(environmentPython("s3"), [script, bucket], { stdio: ["pipe", "pipe", "ignore"] });
  try {
    for await (const line of createInterface({ input: server.stdout })) return await use(JSON.parse(line));
    throw new Error("the S3 server ended before it served");
  } finally {
    server.kill();
  }
}

/** A record without what says where it was read. */
function placeless(text) {
  const { file: _file, files: _files, ...rest } = JSON.parse(text);
  return JSON.stringify(rest);
}

function same(what, found, expected) {
  if (found !== expected) throw new Error(`${what}: ${found}\nexpected: ${expected}`);
}

export const s3Jobs = [
  {
    name: "s3: signed, presigned and public files, folders and pages of a listing, and what is refused",
    environment: "s3",
    run: (context) =>
      withServer(context, async ({ endpoint, keys, session, presigned }) => {
        const { attempted, root } = context;
        const env = { AWS_ENDPOINT_URL: endpoint, AWS_REGION: "eu-west-1", AWS_EC2_METADATA_DISABLED: "true" };
        const signed = { ...env, AWS_ACCESS_KEY_ID: keys.aws_access_key_id, AWS_SECRET_ACCESS_KEY: keys.aws_secret_access_key };
        const role = {
          ...env,
          AWS_ACCESS_KEY_ID: session.AccessKeyId,
          AWS_SECRET_ACCESS_KEY: session.SecretAccessKey,
          AWS_SESSION_TOKEN: session.SessionToken,
        };
        const reads = async (source, file, by) => {
          const there = await attempted(["inspect", source, "--hash", "--json"], by);
          if (there.code !== 0) throw new Error(`${source}: ${there.stderr}`);
          const here = await attempted(["inspect", join(root, file), "--hash", "--json"], {});
          same(source, placeless(there.stdout), placeless(here.stdout));
        };
        await reads("s3://zoo/private/a b+c/vgg_face.mat", demo.matconvnet, signed);
        await reads("s3://zoo/private/é%20.pdparams", demo.paddle, signed);
        await reads("s3://zoo/private/slim/vgg_16.ckpt", demo.tfslim, role);
        await reads("s3://zoo/public/vgg_face.mat", demo.matconvnet, env);
        await reads(presigned, demo.matconvnet, {});

        const listed = async (source) => {
          const { code, stdout, stderr } = await attempted(["inspect", source, "--json"], signed);
          const rows = stdout
            .trim()
            .split("\n")
            .map((line) => JSON.parse(line));
          return `${code} ${rows.flatMap(({ file }) => file ?? []).join(", ")}${code === 0 ? "" : stderr}`;
        };
        const below = ["s3://zoo/private/é%20.pdparams", "s3://zoo/private/a b+c/vgg_face.mat", "s3://zoo/private/slim/vgg_16.ckpt.index"];
        same("a folder", await listed("s3://zoo/private/"), `0 ${below.join(", ")}`);
        same("the bucket", await listed("s3://zoo"), `0 ${[...below, "s3://zoo/public/vgg_face.mat"].join(", ")}`);
        same("a pattern", await listed("s3://zoo/**/*.mat"), "0 s3://zoo/private/a b+c/vgg_face.mat, s3://zoo/public/vgg_face.mat");

        const refused = [
          ["a wrong secret", { ...signed, AWS_SECRET_ACCESS_KEY: "not-the-secret" }, "403, SignatureDoesNotMatch"],
          ["an unknown key", { ...signed, AWS_ACCESS_KEY_ID: "AKIANOBODY" }, "403, InvalidAccessKeyId"],
          ["another session's token", { ...role, AWS_SESSION_TOKEN: "not-the-token" }, "400, InvalidToken"],
          ["no keys", env, "403"],
        ];
        for (const [what, by, why] of refused) {
          const { code, stdout, stderr } = await attempted(["inspect", "s3://zoo/private/slim/vgg_16.ckpt.index"], by);
          same(`${what}: exit code`, code, 2);
          const [sentence, hint] = `${stdout}${stderr}`.split("\n");
          same(what, sentence, `vggtool: s3://zoo/private/slim/vgg_16.ckpt.index: the server refuses access (${why})`);
          if (!hint.includes("docs/remote.md")) throw new Error(`${what}: ${hint}`);
          for (const secret of ["not-the-secret", "not-the-token", keys.aws_secret_access_key, session.SessionToken])
            if (stderr.includes(secret)) throw new Error(`${what}: the message has a secret`);
        }
        return "5 records as from disk, 3 listings, 4 refusals";
      }),
  },
];
