import { BlockList, isIP } from "node:net";

/** Addresses that lead into this machine or its network (IANA's special-purpose registries for IPv4 and IPv6). */
const blocks: readonly (readonly [network: string, prefix: number])[] = [
  ["0.0.0.0", 8], // this network
  ["10.0.0.0", 8], // private use
  ["100.64.0.0", 10], // shared by carriers
  ["127.0.0.0", 8], // loopback
  ["169.254.0.0", 16], // link-local: services of clouds that give out credentials
  ["172.16.0.0", 12], // private use
  ["192.0.0.0", 24], // protocol assignments
  ["192.168.0.0", 16], // private use
  ["198.18.0.0", 15], // benchmarks
  ["224.0.0.0", 4], // multicast
  ["240.0.0.0", 4], // reserved
  ["::", 128], // unspecified
  ["::1", 128], // loopback
  ["64:ff9b:1::", 48], // local translation
  ["fc00::", 7], // unique local
  ["fe80::", 10], // link-local
  ["ff00::", 8], // multicast
];

const inside = new BlockList();
for (const [network, prefix] of blocks) inside.addSubnet(network, prefix, network.includes(":") ? "ipv6" : "ipv4");

/** Whether this is an address (no name) of a private network; an IPv4 address within an IPv6 one counts as itself. */
export function isPrivate(address: string): boolean {
  const plain = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
  const family = isIP(plain);
  if (family === 4) return inside.check(plain, "ipv4");
  return family === 6 && (inside.check(plain, "ipv6") || mapped(plain));
}

/** ::ffff:7f00:1, the other way of writing ::ffff:127.0.0.1, and the well-known translation prefix 64:ff9b::. */
function mapped(address: string): boolean {
  const match = /^(?:::ffff|64:ff9b:):?([0-9a-f]{1,4}):([0-9a-f]{1,4})$/i.exec(address);
  if (match === null) return false;
  const [high, low] = [Number.parseInt(match[1] ?? "", 16), Number.parseInt(match[2] ?? "", 16)];
  return inside.check(`${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`, "ipv4");
}
