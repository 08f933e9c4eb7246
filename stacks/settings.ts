import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import { closest } from 'fastest-levenshtein';
import Type, { type Static } from 'typebox';
import { PlanError } from '../infra/errors.ts';
import { planGpuPool, planSpotPool, planSystemPool } from '../infra/planning/pools.ts';
import { planSubnets, zonesMax } from '../infra/planning/subnets.ts';
import { CommandError } from './errors.ts';

const closed = { additionalProperties: false } as const;
const Count = (minimum: number, maximum: number, description: string) =>
  Type.Integer({ minimum, maximum, description });
const Text = (pattern: string, description: string) => Type.String({ pattern, description });
const InstanceTypes = Type.Array(Text('^[a-z0-9-]+\\.[a-z0-9-]+$', 'an instance type such as m7i.xlarge'), {
  minItems: 1,
  maxItems: 40,
  uniqueItems: true,
});
const Pool = Type.Object(
  {
    instanceTypes: InstanceTypes,
    nodesMin: Count(0, 500, 'nodes that are always there'),
    nodesMax: Count(1, 500, 'nodes that are never exceeded'),
    diskGiB: Count(20, 2000, "each node's data volume, in GiB"),
  },
  closed,
);
const Redis = Type.Object(
  {
    nodeType: Text('^cache\\.[a-z0-9]+\\.[a-z0-9]+$', 'an ElastiCache node type such as cache.r7g.large'),
    replicas: Count(0, 5, 'copies beside the primary, in other zones'),
    snapshotDays: Count(0, 35, 'days that daily snapshots are kept; 0: none'),
  },
  closed,
);
const Replicas = Type.Object(
  {
    min: Count(1, 100, 'replicas that are always there'),
    max: Count(1, 100, 'replicas that are never exceeded; the same as min for a service that does not scale'),
  },
  closed,
);

/**
 * What `Pulumi.<env>.yaml` may say under `orrery:`. Nothing has a default: the file of an environment tells all of it, and a
 * binding that freezes it means the same for ever. Secrets never stand here; the program makes them or refers to them.
 */
export const Settings = Type.Object(
  {
    region: Text('^[a-z]{2}(-[a-z]+)+-\\d$', 'an AWS region such as eu-west-1'),
    account: Type.Object(
      {
        alias: Text('^[a-z0-9-]{3,63}$', 'the name by which people know the AWS account'),
        id: Text('^\\d{12}$', 'the twelve digits of the AWS account, in quotes'),
      },
      closed,
    ),
    tags: Type.Object(
      {
        owner: Text('^[a-z0-9-]{2,40}$', 'the team that answers for the bill and the pager'),
        costCenter: Text('^[a-z0-9-]{2,40}$', 'whom the bill is charged to'),
      },
      closed,
    ),
    network: Type.Object(
      {
        cidr: Text('^\\d+\\.\\d+\\.\\d+\\.\\d+/\\d+$', 'the address range, /16 to /20, such as 10.20.0.0/16'),
        zones: Type.Array(Text('^[a-z]{2}(-[a-z]+)+-\\d[a-z]$', 'a zone such as eu-west-1a'), {
          minItems: 2,
          maxItems: zonesMax,
          description: 'two or three zones by name',
        }),
        nat: Type.Union([Type.Literal('single'), Type.Literal('perZone')], { description: 'single or perZone' }),
      },
      closed,
    ),
    cluster: Type.Object(
      {
        administrators: Type.Array(Text('^[\\w+=,.@/-]{1,512}$', 'the name of an IAM role of this account'), {
          minItems: 1,
          uniqueItems: true,
          description: 'at least the role that runs pulumi up',
        }),
        publicAccessCidrs: Type.Array(
          Text('^\\d+\\.\\d+\\.\\d+\\.\\d+/([1-9]|[12]\\d|3[0-2])$', 'a range of your own, never 0.0.0.0/0'),
          { description: 'who may reach the API from outside; empty: nobody' },
        ),
        logRetentionDays: Type.Enum([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653], {
          description: "one of CloudWatch's steps",
        }),
      },
      closed,
    ),
    system: Pool,
    spot: Pool,
    gpuMax: Count(1, 1000, 'the one cap of GPUs: node pool, quota and autoscaler all follow it'),
    gpu: Type.Object(
      { instanceTypes: InstanceTypes, diskGiB: Count(50, 2000, "each node's data volume, in GiB") },
      closed,
    ),
    redis: Type.Object({ state: Redis, cache: Redis }, closed),
    clickhouse: Type.Object(
      {
        cpu: Type.Number({ minimum: 0.25, maximum: 64, description: 'cores' }),
        memoryMiB: Count(1024, 524_288, 'memory in MiB'),
        volumeGiB: Count(10, 16_000, 'the volume in GiB: it can grow, never shrink'),
      },
      closed,
    ),
    store: Type.Object(
      {
        lock: Type.Object(
          {
            mode: Type.Union([Type.Literal('GOVERNANCE'), Type.Literal('COMPLIANCE')]),
            days: Count(1, 3650, 'days in which an object of the store can not be deleted'),
          },
          closed,
        ),
      },
      closed,
    ),
    registry: Text('^[a-z0-9.-]+(/[a-z0-9._-]+)+$', 'where images lie, without scheme and tag'),
    services: Type.Object({ orchestrator: Replicas, scoring: Replicas }, closed),
  },
  closed,
);
export type Settings = Static<typeof Settings>;

/** One thing wrong in an environment's settings. */
export interface SettingsProblem {
  /** For example `network.zones`. */
  readonly path: string;
  readonly value: unknown;
  readonly reason: string;
  readonly fix: string;
}

const problemsMax = 50;
const prefix = 'orrery:';

/**
 * The settings of a stack as Pulumi hands its configuration over: text for each key, JSON where the schema asks for more than
 * text. Keys of other namespaces are left out; nothing is checked yet.
 */
export function settingsOfConfig(config: Readonly<Record<string, string>>): Record<string, unknown> {
  const texts = new Set(
    Object.entries(Settings.properties).flatMap(([key, schema]) => ('pattern' in schema ? [key] : [])),
  );
  const entries = Object.entries(config)
    .filter(([key]) => key.startsWith(prefix))
    .map(([key, text]) => [key.slice(prefix.length), text] as const);
  return Object.fromEntries(entries.map(([key, text]) => [key, texts.has(key) ? text : parseOrKeep(text)]));
}

/** A setting that is no JSON stays the text that it is, so that the check can show it. */
function parseOrKeep(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Checks the settings of an environment. Throws one CommandError (`SETTINGS_INVALID`) that names every problem. */
export function checkSettings(environment: string, settings: unknown): Settings {
  const problems = findProblems(environment, settings);
  if (problems.length === 0) return settings as Settings;
  const lines = problems.map(({ path, value, reason, fix }) => {
    const shown = reason === missing ? '' : `${JSON.stringify(value)} `;
    return `  ${path}: ${shown}${reason}; ${fix}`;
  });
  throw new CommandError({
    code: 'SETTINGS_INVALID',
    message: `Pulumi.${environment}.yaml has ${problems.length} problems:\n${lines.join('\n')}`,
    hint: 'mend every line above; nothing was changed',
  });
}

const missing = 'is missing';

/** Every problem: first of form, and where the form is right, of what the fields mean together. */
export function findProblems(environment: string, settings: unknown): SettingsProblem[] {
  const validate = new Ajv2020({ allErrors: true, strict: false, verbose: true }).compile(Settings);
  if (!validate(settings)) return (validate.errors ?? []).filter(tells).slice(0, problemsMax).map(formProblem);
  return rules.flatMap((rule) => rule(settings, environment));
}

/** `anyOf` says in one line what its branches say in several. */
function tells(error: ErrorObject): boolean {
  return error.keyword !== 'const';
}

function formProblem(error: ErrorObject): SettingsProblem {
  const at = error.instancePath.slice(1).replaceAll('/', '.');
  const params: Record<string, unknown> = error.params;
  const schema = error.parentSchema as { description?: string; properties?: Record<string, { description?: string }> };
  if (error.keyword === 'additionalProperties') {
    const key = String(params['additionalProperty']);
    const known = Object.keys(schema.properties ?? {});
    const path = [at, key].filter((part) => part !== '').join('.');
    return { path, value: key, reason: 'is no known key', fix: `did you mean "${closest(key, known)}"?` };
  }
  if (error.keyword === 'required') {
    const key = String(params['missingProperty']);
    const path = [at, key].filter((part) => part !== '').join('.');
    const meaning = schema.properties?.[key]?.description;
    return { path, value: null, reason: missing, fix: meaning === undefined ? 'add it' : `give ${meaning}` };
  }
  const reason = error.message ?? 'is not valid';
  const fix = schema.description ?? 'see stacks/settings.ts';
  return { path: at || 'config', value: error.data, reason, fix };
}

type Rule = (settings: Settings, environment: string) => SettingsProblem[];

/** What the fields mean together. The planners of infra decide what they can plan; nothing of it is said twice here. */
const rules: readonly Rule[] = [
  ({ region, network }) =>
    network.zones
      .filter((zone) => zone.slice(0, -1) !== region)
      .map((zone) => problem('network.zones', zone, `lies outside ${region}`, `name a zone such as ${region}a`)),
  ({ network }) => planned('network', network, () => planSubnets(network)),
  ({ system }) => planned('system', system, () => planSystemPool(system)),
  ({ spot }) => planned('spot', spot, () => planSpotPool(spot)),
  ({ gpu, gpuMax }) => planned('gpuMax', gpuMax, () => planGpuPool({ gpuMax, ...gpu })),
  ({ services }) =>
    Object.entries(services)
      .filter(([, { min, max }]) => min > max)
      .map(([name, replicas]) => problem(`services.${name}`, replicas, 'has min above max', 'raise max')),
  (settings, environment) => (environment === 'prod' ? productionProblems(settings) : []),
];

/** What `prod` promises and the others need not. */
function productionProblems({ network, cluster, redis, store }: Settings): SettingsProblem[] {
  const { zones, nat } = network;
  const { publicAccessCidrs } = cluster;
  const required: [boolean, SettingsProblem][] = [
    [
      zones.length === 3,
      problem('network.zones', zones, 'are not three', 'prod survives the loss of a zone: name three'),
    ],
    [nat === 'perZone', problem('network.nat', nat, 'falls with its zone', 'perZone in prod')],
    [
      publicAccessCidrs.length === 0,
      problem('cluster.publicAccessCidrs', publicAccessCidrs, 'opens the API of prod', 'leave it empty: private only'),
    ],
    [
      redis.state.replicas >= 1,
      problem('redis.state.replicas', redis.state.replicas, 'loses runs with one node', 'at least 1 in prod'),
    ],
    [
      redis.state.snapshotDays >= 7,
      problem('redis.state.snapshotDays', redis.state.snapshotDays, 'forgets too soon', 'at least 7 in prod'),
    ],
    [
      store.lock.mode === 'COMPLIANCE',
      problem('store.lock.mode', store.lock.mode, 'can be lifted', 'COMPLIANCE in prod: releases outlive their owners'),
    ],
  ];
  return required.filter(([holds]) => !holds).map(([, found]) => found);
}

function problem(path: string, value: unknown, reason: string, fix: string): SettingsProblem {
  return { path, value, reason, fix };
}

function planned(path: string, value: unknown, plan: () => unknown): SettingsProblem[] {
  try {
    plan();
    return [];
  } catch (error) {
    if (!(error instanceof PlanError)) throw error;
    return [{ path, value, reason: `can't be planned, ${error.problem}`, fix: error.hint }];
  }
}
