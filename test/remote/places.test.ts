import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { nameInAddress, parseAddress, shownAddress } from "../../src/io/remote/address.ts";
import { awsSettings } from "../../src/io/remote/aws-settings.ts";
import { gcsPlace } from "../../src/io/remote/gcs.ts";
import { hubHeaders, hubPlace, hubToken, parseRepository } from "../../src/io/remote/hub.ts";
import { isPrivate } from "../../src/io/remote/private-address.ts";
import { Requests } from "../../src/io/remote/requests.ts";
import { s3Headers, s3Place } from "../../src/io/remote/s3.ts";
import type { RemoteResponse, Transport } from "../../src/io/remote/transport.ts";
import { webPlace } from "../../src/io/remote/web.ts";

/** Answers by address, as texts; what was asked is kept with its headers. */
function answering(answers: Readonly<Record<string, string>>): { readonly requests: Requests; readonly asked: Parameters<Transport>[0][] } {
  const asked: Parameters<Transport>[0][] = [];
  const transport: Transport = async (request) => {
    asked.push(request);
    const text = answers[request.url];
    const response: RemoteResponse = {
      status: text === undefined ? 404 : 200,
      headers: new Map(),
      url: request.url,
      body: (async function* () {
        yield new TextEncoder().encode(text ?? "");
      })(),
      cancel: () => {},
    };
    return response;
  };
  return { requests: new Requests({ transport }), asked };
}

describe("an address as it is shown", () => {
  test.each([
    ["https://user:secret@host.example/a/b.pth?X-Amz-Signature=abc#x", "https://host.example/a/b.pth?…"],
    ["https://host.example/a%20b.pth", "https://host.example/a%20b.pth"],
    ["hf://org/repo@main/vgg.pth", "hf://org/repo@main/vgg.pth"],
    ["s3://bucket/key", "s3://bucket/key"],
    ["model.pth", "model.pth"],
    ["a?b.pth", "a?b.pth"],
  ])("%s is %s", (text, shown) => {
    expect(shownAddress(text)).toBe(shown);
  });

  test("gives the name of an output", () => {
    expect(nameInAddress("https://host.example/a/my%20vgg.pth?x=1")).toBe("my vgg.pth");
    expect(nameInAddress("https://host.example/100%.pth")).toBe("100%.pth");
  });

  test("of another kind is refused with the kinds that are read", () => {
    expect(() => parseAddress("ftp://host/x")).toThrow(/ftp:\/\/ are not read; these are: http:\/\//);
  });
});

describe("a web server", () => {
  test("has the other files of a set beside the one that is named, under the same query", () => {
    const { folder, entry } = webPlace("https://host.example/a%2Fb/vgg_16.ckpt.index?sig=1");
    expect(entry).toBe("vgg_16.ckpt.index");
    expect(folder.url("vgg_16.ckpt.index")).toBe("https://host.example/a%2Fb/vgg_16.ckpt.index?sig=1");
    expect(folder.url("vgg_16.ckpt.data-00000-of-00001")).toBe("https://host.example/a%2Fb/vgg_16.ckpt.data-00000-of-00001?sig=1");
  });

  test("gets a user's name and password as a header, never in an address", async () => {
    const { folder } = webPlace("https://me:p%40ss@host.example/x.pth");
    expect(folder.url("x.pth")).toBe("https://host.example/x.pth");
    expect(await folder.headers?.("")).toEqual(new Map([["authorization", `Basic ${Buffer.from("me:p@ss").toString("base64")}`]]));
  });
});

describe("the hub", () => {
  const commit = "0123456789012345678901234567890123456789";

  test("a branch is resolved to its commit, and files and lists are of that commit", async () => {
    const { requests } = answering({
      "https://hub.example/api/models/org/repo/revision/main": JSON.stringify({ sha: commit }),
      [`https://hub.example/api/models/org/repo/tree/${commit}/sub?recursive=true`]: JSON.stringify([
        { type: "directory", path: "sub/x" },
        { type: "file", path: "sub/model.safetensors" },
        { type: "file", path: "sub/x/y.json" },
      ]),
    });
    const { folder, entry } = await hubPlace("org/repo/sub/model.safetensors", requests, { HF_ENDPOINT: "https://hub.example/" });
    expect(entry).toBe("model.safetensors");
    expect(folder.url(entry)).toBe(`https://hub.example/org/repo/resolve/${commit}/sub/model.safetensors`);
    expect(await folder.list(requests)).toEqual(["model.safetensors", "x/y.json"]);
  });

  test.each([
    ["org/repo/a/b.pth", { kind: "", name: "org/repo", revision: "main", path: "a/b.pth" }],
    ["org/repo@v1.0/b.pth", { kind: "", name: "org/repo", revision: "v1.0", path: "b.pth" }],
    ["datasets/org/repo@refs%2Fpr%2F1/b", { kind: "datasets/", name: "org/repo", revision: "refs/pr/1", path: "b" }],
    ["org/repo", { kind: "", name: "org/repo", revision: "main", path: "" }],
  ])("hf://%s", (rest, expected) => {
    expect(parseRepository(rest)).toMatchObject(expected);
  });

  test("its token is from HF_TOKEN or the file of the hub's tools, and is for the hub alone", async () => {
    const home = mkdtempSync(join(tmpdir(), "vggtool-hub-"));
    writeFileSync(join(home, "token"), "from-file\n");
    expect(hubToken({ HF_HOME: home })).toBe("from-file");
    expect(hubToken({ HF_HOME: home, HF_TOKEN: "given" })).toBe("given");
    rmSync(home, { recursive: true });
    const headers = hubHeaders({ HF_TOKEN: "given", HF_ENDPOINT: "https://hub.example" });
    expect(await headers("https://hub.example/x")).toEqual(new Map([["authorization", "Bearer given"]]));
    expect(await headers("https://cdn.example/x")).toEqual(new Map());
  });
});

describe("a bucket", () => {
  test("of S3 is asked by its host, by its path under another endpoint or with dots in its name, and listed by pages", async () => {
    const settings = { region: "eu-west-1", credentials: async () => undefined };
    const page = (keys: readonly string[], next?: string): string =>
      `<ListBucketResult>${keys.map((key) => `<Contents><Key>${key}</Key></Contents>`).join("")}${next === undefined ? "" : `<NextContinuationToken>${next}</NextContinuationToken>`}</ListBucketResult>`;
    const first = "https://zoo.s3.eu-west-1.amazonaws.com/?list-type=2&encoding-type=url&prefix=a%2F";
    const { requests } = answering({
      [first]: page(["a/x.pth", "a/with%20space"], "t"),
      [`${first}&continuation-token=t`]: page(["a/b/y", "a/b/"]),
    });
    const { folder, entry } = s3Place("zoo/a/x y.pth", settings, requests);
    expect([entry, folder.url(entry)]).toEqual(["x y.pth", "https://zoo.s3.eu-west-1.amazonaws.com/a/x%20y.pth"]);
    expect(await folder.list(requests)).toEqual(["b/y", "with space", "x.pth"]);
    expect(s3Place("my.zoo/x", settings, requests).folder.url("x")).toBe("https://s3.eu-west-1.amazonaws.com/my.zoo/x");
    expect(s3Place("zoo/x", { ...settings, endpoint: "http://127.0.0.1:9000/" }, requests).folder.url("x")).toBe(
      "http://127.0.0.1:9000/zoo/x",
    );
  });

  test("of S3 is signed where there are keys, with the session's token", async () => {
    const settings = awsSettings({
      AWS_ACCESS_KEY_ID: "AK",
      AWS_SECRET_ACCESS_KEY: "SK",
      AWS_SESSION_TOKEN: "ST",
      AWS_REGION: "us-west-2",
    });
    const headers = await s3Headers(settings)("https://zoo.s3.us-west-2.amazonaws.com/x");
    expect(headers.get("authorization")).toMatch(/^AWS4-HMAC-SHA256 Credential=AK\/\d{8}\/us-west-2\/s3\/aws4_request, /);
    expect(headers.get("x-amz-security-token")).toBe("ST");
  });

  test("keys are looked for where Amazon's tools look: environment, profile, container, instance", async () => {
    const home = mkdtempSync(join(tmpdir(), "vggtool-aws-"));
    writeFileSync(
      join(home, "credentials"),
      "[default]\naws_access_key_id = A\naws_secret_access_key = B\n[other]\naws_access_key_id=C\naws_secret_access_key=D\n",
    );
    writeFileSync(join(home, "config"), "[profile other]\nregion = eu-north-1\nendpoint_url = http://127.0.0.1:1\n");
    const files = { AWS_SHARED_CREDENTIALS_FILE: join(home, "credentials"), AWS_CONFIG_FILE: join(home, "config") };
    expect(await awsSettings(files).credentials()).toEqual({ accessKeyId: "A", secretAccessKey: "B" });
    const other = awsSettings({ ...files, AWS_PROFILE: "other" });
    expect([other.region, other.endpoint, await other.credentials()]).toEqual([
      "eu-north-1",
      "http://127.0.0.1:1",
      { accessKeyId: "C", secretAccessKey: "D" },
    ]);
    rmSync(home, { recursive: true });
    const nowhere = { AWS_SHARED_CREDENTIALS_FILE: "/nowhere", AWS_CONFIG_FILE: "/nowhere" };
    const keys = JSON.stringify({ AccessKeyId: "I", SecretAccessKey: "S", Token: "T" });
    const ask = async (url: string): Promise<Response> =>
      new Response(url.endsWith("/token") ? "imds" : url.endsWith("/security-credentials/") ? "role" : url.endsWith("/role") ? keys : "", {
        status: 200,
      });
    expect(await awsSettings(nowhere, ask).credentials()).toEqual({ accessKeyId: "I", secretAccessKey: "S", sessionToken: "T" });
    expect(await awsSettings({ ...nowhere, AWS_EC2_METADATA_DISABLED: "true" }, ask).credentials()).toBeUndefined();
  });

  test("of Google's storage, and of its emulator, is listed by pages", async () => {
    const list = "http://127.0.0.1:4443/storage/v1/b/zoo/o?prefix=a%2F";
    const { requests } = answering({
      [list]: JSON.stringify({ items: [{ name: "a/x" }], nextPageToken: "n" }),
      [`${list}&pageToken=n`]: JSON.stringify({ items: [{ name: "a/y" }, { name: "a/" }] }),
    });
    const { folder, entry } = gcsPlace("zoo/a/x", requests, { STORAGE_EMULATOR_HOST: "127.0.0.1:4443" });
    expect(folder.url(entry)).toBe("http://127.0.0.1:4443/zoo/a/x");
    expect(await folder.list(requests)).toEqual(["x", "y"]);
    expect(gcsPlace("zoo/a/x", requests, {}).folder.url("x")).toBe("https://storage.googleapis.com/zoo/a/x");
  });
});

test("addresses of private networks are known in all their spellings", () => {
  const inside = [
    "127.0.0.1",
    "10.1.2.3",
    "172.31.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "::1",
    "::",
    "fd00::1",
    "fe80::1",
  ];
  expect([...inside, "::ffff:127.0.0.1", "::ffff:7f00:1", "64:ff9b::a00:1"].filter((address) => !isPrivate(address))).toEqual([]);
  expect(["8.8.8.8", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "host.example"].filter(isPrivate)).toEqual([]);
});
