import type { Agent } from "node:http";
import { HttpProxyAgent } from "http-proxy-agent";
import { HttpsProxyAgent } from "https-proxy-agent";
import { getProxyForUrl } from "proxy-from-env";

/** One agent a proxy, so that connections are kept. */
const agents = new Map<string, Agent>();

/** Through the proxy that HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY name for an address; undefined where none is to be used. */
export function proxyAgent(url: string): Agent | undefined {
  const proxy = getProxyForUrl(url);
  if (proxy === "") return undefined;
  const key = `${proxy} ${url.startsWith("https:")}`;
  const known = agents.get(key);
  if (known !== undefined) return known;
  const agent = url.startsWith("https:") ? new HttpsProxyAgent(proxy, { keepAlive: true }) : new HttpProxyAgent(proxy, { keepAlive: true });
  agents.set(key, agent);
  return agent;
}
