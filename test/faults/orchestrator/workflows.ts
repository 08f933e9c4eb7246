/** JSON is YAML. Of each kind of step, and of each way in which steps follow on each other, there is one that faults may hit. */
const head = {
  ...{ kind: 'Workflow', schema: 1, owner: 'people', triggers: [{ manual: true }], runsMax: 200 },
  parameters: { ms: { type: 'number', default: 100 }, text: { type: 'string', default: '' } },
};
const retry = { attemptsMax: 8, backoffMs: 50, backoffMaxMs: 300 };
const sleep = { uses: 'task', retry, with: { handler: 'sleep', input: { ms: '${{ parameters.ms }}' } } };
/** It goes on when it is told to stop, so that its result comes late. */
const stubborn = { uses: 'task', retry, with: { handler: 'stubborn', input: { ms: '${{ parameters.ms }}' } } };
const call = (path: string) => ({ uses: 'http', retry, with: { service: 'peer', path } });

const definitions: Readonly<Record<string, readonly object[]>> = {
  diamond: [
    { name: 'a', ...call('/v1/a') },
    ...['b', 'c', 'd'].map((name) => ({ name, needs: ['a'], ...sleep })),
    { name: 'e', needs: ['b', 'c', 'd'], ...stubborn },
  ],
  chain: [
    { name: 'one', ...sleep },
    { name: 'two', needs: ['one'], uses: 'wait', with: { forMs: 60 } },
    { name: 'three', needs: ['two'], ...call('/v1/three') },
    { name: 'four', needs: ['three'], ...stubborn },
  ],
  spread: [
    { name: 'list', uses: 'task', retry, with: { handler: 'echo', input: [1, 2, 3, 4, 5, 6, 7] } },
    {
      ...{ name: 'each', needs: ['list'], uses: 'map', with: { over: '${{ steps.list.result }}', atOnce: 3 } },
      step: {
        uses: 'task',
        retry,
        with: { handler: 'sleep', input: { ms: '${{ parameters.ms }}', item: '${{ item }}' } },
      },
    },
    {
      name: 'all',
      needs: ['each'],
      uses: 'task',
      retry,
      with: { handler: 'echo', input: '${{ steps.each.results }}' },
    },
  ],
  family: [
    { name: 'child', uses: 'workflow', with: { workflow: 'chain', parameters: { ms: '${{ parameters.ms }}' } } },
    { name: 'last', needs: ['child'], ...sleep },
  ],
  degraded: [
    {
      ...{ name: 'hopeless', uses: 'task', retry: { attemptsMax: 2, backoffMs: 20 }, fallback: { result: 0 } },
      with: { handler: 'fail', input: { message: 'it always fails' } },
    },
    { name: 'last', needs: ['hopeless'], ...sleep },
  ],
  limited: ['a', 'b', 'c'].map((name) => ({ name, ...sleep, limit: { key: 'two-at-a-time', max: 2 } })),
};

export const workflowNames = Object.keys(definitions);

/** File name -> text. */
export const workflows: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(definitions).map(([name, steps]) => [`${name}.yaml`, JSON.stringify({ ...head, name, steps })]),
);
