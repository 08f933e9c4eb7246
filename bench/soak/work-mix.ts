/** The workflows of the load, as JSON: which is YAML. Every kind of move is in them that a fault may interrupt. */
const task = (handler: string, input: object = {}) => ({ uses: 'task', with: { handler, input } });
const retry = { attemptsMax: 5, backoffMs: 200, backoffMaxMs: 1000 };
const work = { ...task('work', { ms: 30, given: '${{ parameters.text }}' }), retry };

const head = {
  ...{ kind: 'Workflow', schema: 1, owner: 'people', triggers: [{ manual: true }], runsMax: 50 },
  parameters: { text: { type: 'string', default: '' } },
};

const definitions: Readonly<Record<string, object>> = {
  diamond: {
    steps: [
      { name: 'source', ...work },
      ...['a', 'b', 'c', 'd'].map((name) => ({ name, needs: ['source'], ...work })),
      { name: 'join', needs: ['a', 'b', 'c', 'd'], ...work },
    ],
  },
  chain: {
    steps: ['one', 'two', 'three', 'four', 'five'].map((name, place, names) => ({
      name,
      ...(place === 0 ? {} : { needs: [names[place - 1]] }),
      ...work,
    })),
  },
  spread: {
    steps: [
      { name: 'list', ...task('list', { items: 8 }), retry },
      {
        ...{ name: 'each', needs: ['list'], uses: 'map' },
        with: { over: '${{ steps.list.result }}', atOnce: 3 },
        step: { ...task('work', { ms: 20, given: '${{ item }}' }), retry },
      },
      { name: 'sum', needs: ['each'], ...task('work', { given: '${{ steps.each.results }}' }), retry },
    ],
  },
  family: {
    steps: [
      { name: 'child', uses: 'workflow', with: { workflow: 'chain', parameters: { text: '${{ parameters.text }}' } } },
      { name: 'rest', needs: ['child'], uses: 'wait', with: { forMs: 300 } },
      { name: 'last', needs: ['rest'], ...work },
    ],
  },
  shaky: {
    steps: [
      { name: 'shaky', ...task('shaky'), retry },
      { name: 'hopeless', ...task('hopeless'), retry: { attemptsMax: 2, backoffMs: 100 }, fallback: { result: 0 } },
      { name: 'last', needs: ['shaky', 'hopeless'], ...work },
    ],
  },
  limited: {
    steps: ['a', 'b', 'c'].map((name) => ({ name, ...work, limit: { key: 'one-at-a-time', max: 1 } })),
  },
};

export const workflowNames = Object.keys(definitions);

export function workflowFiles(): { readonly name: string; readonly text: string }[] {
  return Object.entries(definitions).map(([name, definition]) => ({
    name: `${name}.yaml`,
    text: JSON.stringify({ ...head, name, ...definition }),
  }));
}
