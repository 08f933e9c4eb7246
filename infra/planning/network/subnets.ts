import { PlanError } from '#infra/errors.ts';

export interface SubnetsRequest {
  /** Address range of the network, for example `10.20.0.0/16`. Prefix from /16 to /20. */
  readonly cidr: string;
  /** Zones by name, for example `['eu-west-1a']`. 1 to 3; the order decides the ranges, so zones are only ever appended. */
  readonly zones: readonly string[];
}

export interface SubnetPlan {
  readonly zone: string;
  readonly tier: 'public' | 'private';
  readonly cidr: string;
}

export const zonesMax = 3;
const prefixMin = 16;
const prefixMax = 20;

/**
 * Cuts a network into four quarters: one private quarter for each of at most three zones, and the last quarter again into four
 * for the public subnets. A zone's ranges depend only on its place in the list, so appending a zone moves nobody.
 */
export function planSubnets({ cidr, zones }: SubnetsRequest): SubnetPlan[] {
  const network = parseCidr(cidr);
  assertZones(zones);
  const quarter = 2 ** (32 - network.prefix - 2);
  const lastQuarter = network.start + 3 * quarter;
  return zones.flatMap((zone, index): SubnetPlan[] => [
    { zone, tier: 'private', cidr: `${formatAddress(network.start + index * quarter)}/${network.prefix + 2}` },
    { zone, tier: 'public', cidr: `${formatAddress(lastQuarter + (index * quarter) / 4)}/${network.prefix + 4}` },
  ]);
}

interface Network {
  readonly start: number;
  readonly prefix: number;
}

function parseCidr(cidr: string): Network {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(cidr);
  const parts = match?.slice(1).map(Number) ?? [];
  const [a = 256, b = 256, c = 256, d = 256, prefix = 33] = parts;
  if ([a, b, c, d].some((part) => part > 255) || prefix > 32) {
    throw refuse(`"${cidr}" is no IPv4 range`, 'write it as 10.20.0.0/16');
  }
  if (prefix < prefixMin || prefix > prefixMax) {
    throw refuse(`"${cidr}" has the prefix /${prefix}`, `choose one from /${prefixMin} to /${prefixMax}`);
  }
  const start = ((a * 256 + b) * 256 + c) * 256 + d;
  if (start % 2 ** (32 - prefix) !== 0) {
    const aligned = start - (start % 2 ** (32 - prefix));
    throw refuse(`"${cidr}" does not begin at a multiple of its size`, `write ${formatAddress(aligned)}/${prefix}`);
  }
  return { start, prefix };
}

function assertZones(zones: readonly string[]): void {
  if (zones.length === 0 || zones.length > zonesMax) {
    throw refuse(`${zones.length} zones were named`, `name 1 to ${zonesMax}`);
  }
  if (new Set(zones).size !== zones.length)
    throw refuse(`a zone stands twice in ${zones.join(', ')}`, 'name each once');
}

function formatAddress(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}

function refuse(message: string, hint: string): PlanError {
  return new PlanError({ code: 'NETWORK_INVALID', message, hint });
}
