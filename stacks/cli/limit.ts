import { orchestratorVerb, usageError } from './orchestrator-verb.ts';
import { table } from './table.ts';
import { textOption } from './verb.ts';

interface Limits {
  readonly limits: readonly {
    readonly limit: string;
    readonly of: string;
    readonly most: number | null;
    readonly held: number | null;
  }[];
}

const names = ['leases', 'weight', 'retries', 'pool'];

export const limit = orchestratorVerb({
  name: 'limit',
  summary: 'show or set how much a tenant or a pool may do at the same time',
  wordsMax: 2,
  usage: '[leases | weight | retries | pool NAME] [--most N | --none] [--reason TEXT]',
  help: `Without words it lists what holds for the tenant.
  leases     attempts of the tenant at the same time
  weight     the tenant's share of each pool beside other tenants
  retries    retries of the tenant that may begin in a minute
  pool NAME  attempts in the pool at the same time, of all tenants
Example: npx orrery limit leases --most 20 --reason "the feed's owner asked for it"`,
  options: { most: { type: 'string' }, none: { type: 'boolean' }, reason: { type: 'string' } },
  answer: async ({ call }, { words, values }) => {
    const [name, pool] = words;
    if (name === undefined) {
      const found = await call<Limits>('GET', '/v1/limits');
      const rows = found.limits.map(({ limit: of, of: whose, most, held }) => [of, whose, text(most), text(held)]);
      return { json: found, text: table(['limit', 'of', 'most', 'held'], rows) };
    }
    if (!names.includes(name)) throw usageError(`there is no limit "${name}"`, `one of ${names.join(', ')}`);
    if ((name === 'pool') !== (pool !== undefined))
      throw usageError('which pool', 'npx orrery limit pool NAME --most N');
    const most = values['none'] === true ? null : mostOf(textOption(values, 'most'));
    const reason = textOption(values, 'reason');
    const path = name === 'pool' ? `/v1/limits/pools/${encodeURIComponent(pool ?? '')}` : `/v1/limits/${name}`;
    const told = await call<{ outcome: string }>('PUT', path, { most, ...(reason === undefined ? {} : { reason }) });
    const already = told.outcome === 'nothing' ? ' already' : '';
    return { json: told, text: `${[name, pool].filter(Boolean).join(' ')}: ${most ?? 'no limit'}${already}` };
  },
});

function mostOf(given: string | undefined): number {
  if (given !== undefined && /^[1-9]\d{0,6}$/.test(given)) return Number(given);
  throw usageError(`--most is ${given === undefined ? 'missing' : `"${given}"`}`, 'a number from 1, or --none');
}

function text(value: number | null): string {
  return value === null ? '-' : String(value);
}
