import type { Step, Workflow } from '@orrery/contracts/definitions/workflow';

const call: Pick<Extract<Step, { uses: 'http' }>, 'uses' | 'with'> = {
  uses: 'http',
  with: { service: 'peer', path: '/v1/x' },
};
const program: Pick<Extract<Step, { uses: 'process' }>, 'uses' | 'with'> = {
  uses: 'process',
  with: { program: 'demo', limits: { memoryMiB: 64 } },
};
const head: Pick<Workflow, 'kind' | 'schema' | 'owner' | 'triggers'> = {
  kind: 'Workflow',
  schema: 1,
  owner: 'people',
  triggers: [{ manual: true }],
};

/** a, then b and c beside each other, then d; a sleep on one side. */
export const diamond: Workflow = {
  ...head,
  name: 'diamond',
  runsMax: 2,
  steps: [
    { name: 'a', ...call },
    { name: 'b', needs: ['a'], ...program },
    { name: 'c', needs: ['a'], uses: 'sleep', with: { milliseconds: 1 } },
    { name: 'd', needs: ['b', 'c'], ...call },
  ],
};

/** One after another, with retries that come at once and with jitter. */
export const chain: Workflow = {
  ...head,
  name: 'chain',
  timeoutSeconds: 1,
  steps: [
    { name: 'a', ...call, retry: { attemptsMax: 3, backoffMs: 1, backoffMaxMs: 2, jitter: 'none' } },
    { name: 'b', needs: ['a'], ...call, retry: { attemptsMax: 3, backoffMs: 4, backoffMaxMs: 100 } },
    { name: 'c', needs: ['b'], ...call, timeoutSeconds: 1 },
  ],
};

/** Many that need nothing, one that needs them all. */
export const fan: Workflow = {
  ...head,
  name: 'fan',
  runsMax: 2,
  steps: [
    { name: 'a', ...call },
    { name: 'b', ...call },
    { name: 'c', ...program },
    { name: 'd', ...program, retry: { attemptsMax: 2, backoffMs: 1 } },
    { name: 'e', needs: ['a', 'b', 'c', 'd'], ...call },
  ],
};
