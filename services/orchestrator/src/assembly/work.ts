import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClickHouse } from '@orrery/kit/clickhouse';
import type { Clock } from '@orrery/kit/clock';
import { openStore } from '@orrery/kit/open-store';
import { createPeer } from '@orrery/kit/peer';
import type { Redis } from '@orrery/kit/redis';
import { resultBytesMax } from '../work/attempt.ts';
import type { OrchestratorContext } from '../config.ts';
import { DefinitionReader } from '../work/definition-reader.ts';
import type { Catalogue } from '../definitions.ts';
import { Breakers, type BreakerState } from '../executors/breakers.ts';
import { createHttpExecutor, isAway } from '../executors/http.ts';
import { ProcessExecutor } from '../executors/process.ts';
import { createSqlExecutor, isClickHouseAway } from '../executors/sql.ts';
import type { Executors } from '../executors/types.ts';
import { createApproveExecutor } from '../inner/approve.ts';
import { FamilyReader } from '../inner/family.ts';
import { createMapExecutor } from '../inner/map.ts';
import { createWaitExecutor, type WaitDeps } from '../inner/wait.ts';
import { createWorkflowExecutor } from '../inner/workflow.ts';
import type { MemoryGate } from '../core/memory-gate.ts';
import type { OrchestratorMetrics } from '../metrics.ts';
import { createResultCache } from '../work/result-cache.ts';
import { ResultReader } from '../work/result-reader.ts';
import { loadStatements } from '../statements.ts';
import { StepInputs } from '../work/step-inputs.ts';
import type { Transitions } from '../core/transitions.ts';
import { Worker } from '../work/step-worker.ts';

export interface WorkParts {
  readonly redis: Redis;
  readonly clickhouse: ClickHouse;
  readonly shards: readonly string[];
  readonly catalogue: Catalogue;
  readonly transitions: Transitions;
  readonly gate: MemoryGate;
  readonly metrics: OrchestratorMetrics;
  readonly datasets: Pick<WaitDeps, 'updatedAt' | 'expect'>;
  readonly clock: Clock;
  readonly random: () => number;
}

/** How often one call finds out whether somebody is still away whom nobody asks any more. */
const breakerProbeMs = 5000;
const circuitStates: Readonly<Record<BreakerState, number>> = { closed: 0, 'half-open': 1, open: 2 };

/** What carries steps out in this process: calls, statements, programs, and what steps wait for. */
export async function assembleWork(context: OrchestratorContext, parts: WorkParts) {
  const { config, log } = context;
  const { settings } = config;
  const { redis, shards, transitions, metrics, clock, random } = parts;
  const definitions = new DefinitionReader(redis);
  const inputs = new StepInputs({ definitions, results: new ResultReader(redis) });
  const processes = createProcessExecutor(context, parts);
  await processes.start();
  const executors = await createExecutors(context, parts, processes);
  const worker = new Worker({
    ...{ shards, transitions, inputs, executors, clock, random, log, metrics },
    bounds: {
      http: { stepsMax: settings.httpStepsMax, leaseMs: settings.leaseMs },
      sql: { stepsMax: settings.sqlStepsMax, leaseMs: settings.leaseMs },
      process: { stepsMax: settings.processStepsMax, leaseMs: settings.processLeaseMs, pools: settings.processPools },
      inner: { stepsMax: settings.innerStepsMax, leaseMs: settings.leaseMs },
    },
    pollMs: settings.pollMs,
  });
  return { worker, inputs, definitions };
}

async function createExecutors(
  context: OrchestratorContext,
  parts: WorkParts,
  process: ProcessExecutor,
): Promise<Executors> {
  const { config, token, log } = context;
  const { redis, clickhouse, catalogue, transitions, gate, metrics, datasets, clock, random } = parts;
  const told = { awayMs: config.settings.peerPatienceMs, probeMs: breakerProbeMs, clock };
  const onState = (callee: string, state: BreakerState) => metrics.circuits.set({ callee }, circuitStates[state]);
  const databases = new Breakers({ ...told, isAway: isClickHouseAway, onState });
  const { kill_query: killStatement } = await loadStatements();
  const families = new FamilyReader(redis);
  return {
    http: createHttpExecutor({
      peers: new Map(Object.entries(config.peers).map(([name, url]) => [name, createPeer({ name, url, token })])),
      breakers: new Breakers({ ...told, isAway, onState }),
      patienceMs: config.settings.peerPatienceMs,
      ...{ clock, random },
    }),
    sql: createSqlExecutor({ clickhouse, breaker: databases.of('clickhouse'), killStatement, clock, log }),
    process,
    map: createMapExecutor({ transitions }),
    workflow: createWorkflowExecutor({
      find: (tenant, workflow) => catalogue.find(tenant, workflow),
      known: (tenant) => catalogue.of(tenant).map(({ definition }) => definition.name),
      family: (run, ref) => families.family(run, ref),
      admit: () => gate.pass(),
      transitions,
    }),
    wait: createWaitExecutor({ ...datasets, startedAtMs: (run) => families.startedAtMs(run) }),
    approve: createApproveExecutor(),
  };
}

function createProcessExecutor({ config, log }: OrchestratorContext, { redis, shards, clock }: WorkParts) {
  return new ProcessExecutor({
    programs: config.programs,
    store: openStore(config.store ?? { folder: join(tmpdir(), 'orrery-store') }),
    results: createResultCache(redis, { shards, keptMs: config.settings.reuseKeptMs }),
    folder: join(config.dataFolder ?? join(tmpdir(), 'orrery-orchestrator'), 'workspaces'),
    hidden: config.tokenFile,
    platform: process.platform,
    resultBytesMax,
    clock,
    log,
  });
}
