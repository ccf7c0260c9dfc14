import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { CheckpointError } from "../../errors.ts";
import { member } from "./answers.ts";

export interface AwsKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface AwsSettings {
  readonly region: string;
  /** Of a server that speaks S3, in place of Amazon's. */
  readonly endpoint?: string;
  /** undefined: requests are not signed. */
  credentials(): Promise<AwsKeys | undefined>;
}

/** Where Amazon's own tools look, in their order: the environment, the files of a profile, the role of a container or an instance. */
export function awsSettings(environment: NodeJS.ProcessEnv = process.env, ask: MetadataFetch = fetch): AwsSettings {
  const profile = environment.AWS_PROFILE ?? environment.AWS_DEFAULT_PROFILE ?? "default";
  const home = join(homedir(), ".aws");
  const shared = section(environment.AWS_SHARED_CREDENTIALS_FILE ?? join(home, "credentials"), [profile]);
  const config = section(environment.AWS_CONFIG_FILE ?? join(home, "config"), [`profile ${profile}`, profile]);
  const endpoint = environment.AWS_ENDPOINT_URL_S3 ?? environment.AWS_ENDPOINT_URL ?? config.get("endpoint_url");
  let found: Promise<AwsKeys | undefined> | undefined;
  return {
    region: environment.AWS_REGION ?? environment.AWS_DEFAULT_REGION ?? config.get("region") ?? "us-east-1",
    ...(endpoint === undefined || endpoint === "" ? {} : { endpoint }),
    credentials() {
      found ??= firstKeys(environment, [shared, config], ask);
      return found;
    },
  };
}

async function firstKeys(
  environment: NodeJS.ProcessEnv,
  files: readonly ReadonlyMap<string, string>[],
  ask: MetadataFetch,
): Promise<AwsKeys | undefined> {
  const given = keysOf(environment.AWS_ACCESS_KEY_ID, environment.AWS_SECRET_ACCESS_KEY, environment.AWS_SESSION_TOKEN);
  if (given !== undefined) return given;
  for (const file of files) {
    const keys = keysOf(file.get("aws_access_key_id"), file.get("aws_secret_access_key"), file.get("aws_session_token"));
    if (keys !== undefined) return keys;
  }
  return (await containerKeys(environment, ask)) ?? (await instanceKeys(environment, ask));
}

function keysOf(accessKeyId: unknown, secretAccessKey: unknown, sessionToken: unknown): AwsKeys | undefined {
  if (typeof accessKeyId !== "string" || typeof secretAccessKey !== "string" || accessKeyId === "" || secretAccessKey === "")
    return undefined;
  return { accessKeyId, secretAccessKey, ...(typeof sessionToken === "string" && sessionToken !== "" ? { sessionToken } : {}) };
}

/** Lines `name = value` of the first of the sections that an INI file has. */
function section(path: string, names: readonly string[]): ReadonlyMap<string, string> {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return new Map(); // no such file: other places are looked at
  }
  const values = new Map<string, string>();
  let inside = false;
  for (const line of text.split(/\r?\n/)) {
    const head = /^\s*\[\s*(.*?)\s*\]/.exec(line)?.[1];
    if (head !== undefined) inside = names.includes(head);
    const entry = /^\s*([\w-]+)\s*=\s*(.*?)\s*$/.exec(line);
    if (inside && entry?.[1] !== undefined) values.set(entry[1], entry[2] ?? "");
  }
  return values;
}

type MetadataFetch = (url: string, init: { method?: string; headers: Record<string, string>; signal: AbortSignal }) => Promise<Response>;

/** These services answer within the machine's network or not at all, in milliseconds. */
const METADATA_WAIT = 1000;
const INSTANCE = "http://169.254.169.254/latest";

async function answer(url: string, headers: Record<string, string>, ask: MetadataFetch, method = "GET"): Promise<string | undefined> {
  try {
    const response = await ask(url, { method, headers, signal: AbortSignal.timeout(METADATA_WAIT) });
    return response.ok ? await response.text() : undefined;
  } catch {
    return undefined; // no such service here: this is no instance and no container
  }
}

/** What both services answer: AccessKeyId, SecretAccessKey, Token. */
function keysFrom(text: string | undefined): AwsKeys | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return keysOf(member(value, "AccessKeyId"), member(value, "SecretAccessKey"), member(value, "Token"));
  } catch (error) {
    throw new CheckpointError("io", "the service that gives out credentials answered what is no JSON", { cause: error });
  }
}

async function containerKeys(environment: NodeJS.ProcessEnv, ask: MetadataFetch): Promise<AwsKeys | undefined> {
  const relative = environment.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI;
  const url = environment.AWS_CONTAINER_CREDENTIALS_FULL_URI ?? (relative === undefined ? undefined : `http://169.254.170.2${relative}`);
  if (url === undefined) return undefined;
  const token = environment.AWS_CONTAINER_AUTHORIZATION_TOKEN;
  return keysFrom(await answer(url, token === undefined ? {} : { authorization: token }, ask));
}

/** IMDSv2: a token first, then the role's name, then its keys. */
async function instanceKeys(environment: NodeJS.ProcessEnv, ask: MetadataFetch): Promise<AwsKeys | undefined> {
  if (environment.AWS_EC2_METADATA_DISABLED === "true") return undefined;
  const token = await answer(`${INSTANCE}/api/token`, { "x-aws-ec2-metadata-token-ttl-seconds": "300" }, ask, "PUT");
  if (token === undefined) return undefined;
  const headers = { "x-aws-ec2-metadata-token": token };
  const role = await answer(`${INSTANCE}/meta-data/iam/security-credentials/`, headers, ask);
  return role === undefined
    ? undefined
    : keysFrom(await answer(`${INSTANCE}/meta-data/iam/security-credentials/${role.trim()}`, headers, ask));
}
