import assert from 'node:assert/strict';
import { digestOfBytes } from '@orrery/contracts/digest';
import type { Binding } from '@orrery/contracts/pin';
import type { Release, ReleasedService } from '@orrery/contracts/release';
import { renderLocal } from '#stacks/local/render.ts';
import { readLocalBinding } from '#stacks/local/settings.ts';
import { writeGraph } from '#stacks/render/graph.ts';
import { cloudRelease, digestOfRelease } from '#test/support/cloud-release.ts';

const chain = 'urn:pulumi:local::orrery::orrery:local:Environment';
const process_ = (name: string) => `${chain}$orrery:local:Process::${name}`;
const redis = (name: string) => `${chain}$orrery:local:Redis::${name}`;

/** A release with two services that run, one that owns a folder, and one program. */
function release(): Release {
  const { services, ...rest } = cloudRelease();
  const { orchestrator, scoring } = services;
  assert.ok(orchestrator !== undefined && scoring !== undefined);
  const like = (name: string, given: Partial<ReleasedService['manifest']>): ReleasedService => ({
    ...scoring,
    own: digestOfBytes(`own of ${name}`),
    manifest: { ...scoring.manifest, needs: [], peers: [], ...given, name },
  });
  return {
    ...rest,
    services: {
      orchestrator: {
        ...orchestrator,
        manifest: {
          ...orchestrator.manifest,
          needs: ['redis-state', 'programs', 'store'],
          peers: ['scoring', 'training'],
        },
      },
      scoring: { ...scoring, manifest: { ...scoring.manifest, ports: { http: { default: 14 } } } },
      clickhouse: like('clickhouse', { stateful: true, ports: { http: { default: 3 } } }),
      training: { ...like('training', { runtime: 'python', ports: {} }), runtime: 'python' },
    },
  };
}

const binding: Binding = readLocalBinding('.');

describe('the render of local', () => {
  const made = release();
  const graph = renderLocal(made, digestOfRelease(made), binding);
  const inputsOf = (urn: string) => {
    const found = graph.find((resource) => resource.urn === urn);
    assert.ok(found, urn);
    return found.inputs;
  };

  it('has one resource a process, below one environment, with what each rests on', () => {
    assert.deepEqual(
      graph.map(({ urn, parent, dependencies, custom }) => [
        urn,
        parent === null ? null : 'below',
        custom,
        dependencies,
      ]),
      [
        [process_('clickhouse'), 'below', true, []],
        [process_('orchestrator'), 'below', true, [process_('scoring'), redis('redis-state')]],
        [process_('scoring'), 'below', true, [process_('clickhouse'), redis('redis-cache')]],
        [redis('redis-cache'), 'below', true, []],
        [redis('redis-state'), 'below', true, []],
        [`${chain}::local`, null, false, []],
      ],
    );
    assert.deepEqual(new Set(graph.map((resource) => resource.parent)), new Set([`${chain}::local`, null]));
  });

  it('says by what each process is started, with symbols for what differs from machine to machine', () => {
    const { config, folder, port, resources } = inputsOf(process_('orchestrator'));
    const hex = digestOfBytes('own of orchestrator').slice(7, 19);
    assert.deepEqual([folder, port], [`\${state}/versions/orchestrator-${hex}`, 7410]);
    assert.deepEqual(resources, { cpu: 0.5, memoryMiB: 512 });
    const { tokenFile, store, redis: servers, programs } = config as Record<string, unknown>;
    assert.deepEqual([tokenFile, store], ['${state}/state/token', { folder: '${state}/store' }]);
    assert.deepEqual(servers, { state: 'redis://127.0.0.1:7401', cache: 'redis://127.0.0.1:7402' });
    const { command } = (programs as { training: { command: string[] } }).training;
    assert.deepEqual(command, ['${python}', '-m', 'orrery_training']);
    assert.deepEqual(inputsOf(redis('redis-state')), {
      configuration: {
        bind: '127.0.0.1',
        port: '7401',
        dir: '"${state}/state/redis-state"',
        maxmemory: '512mb',
        save: '""',
        daemonize: 'no',
        appendonly: 'yes',
        appendfsync: 'everysec',
        'maxmemory-policy': 'noeviction',
      },
      password: { $secret: '${token}' },
    });
  });

  it('holds no path of this machine, and the same bytes for the same release and binding', () => {
    const text = writeGraph(graph);
    assert.doesNotMatch(text, /"\/[a-z]/);
    assert.ok(!text.includes(process.cwd()));
    assert.equal(writeGraph(renderLocal(release(), digestOfRelease(made), readLocalBinding('.'))), text);
  });

  it('differs in exactly what a pair, a setting or a port changes', () => {
    const differing = (other: readonly { urn: string }[]) =>
      other.filter((one, index) => JSON.stringify(one) !== JSON.stringify(graph[index])).map((one) => one.urn);
    const digest = digestOfRelease(made);
    const live = { ...made, live: { delay: digestOfBytes('another pair') } };
    assert.deepEqual(differing(renderLocal(live, digest, binding)), [process_('scoring')]);
    const memory = {
      ...binding,
      settings: { ...binding.settings, redis: { stateMemoryMiB: 256, cacheMemoryMiB: 64 } },
    };
    assert.deepEqual(differing(renderLocal(made, digest, memory)), [redis('redis-state')]);
    const another = digestOfBytes('another release');
    assert.deepEqual(differing(renderLocal(made, another, binding)), [`${chain}::local`]);
    const moved = { ...binding, settings: { ...binding.settings, portBase: 17_400 } };
    assert.equal(differing(renderLocal(made, digest, moved)).length, 6);
  });
});
