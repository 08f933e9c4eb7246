import assert from 'node:assert/strict';
import { findProblems } from '#stacks/settings/check.ts';
import { planPools, type ComputeSettings } from '#stacks/settings/compute.ts';
import { settingsOfFile } from '#test/support/cloud-release.ts';

type Settings = Record<string, Record<string, unknown>>;

const keys = ['capacity', 'system', 'general', 'spot', 'gpu', 'gpuMax'];

/** Path and reason of each problem of the pools of an environment's file, changed. */
function problemsOf(environment: string, change: (settings: Settings) => void): string[] {
  const settings = structuredClone(settingsOfFile(environment)) as Settings;
  change(settings);
  return findProblems(environment, settings)
    .filter(({ path }) => keys.includes(path.split('.')[0] ?? ''))
    .map(({ path, reason }) => `${path} ${reason}`);
}

describe('the settings of nodes', () => {
  it('make a pool for data, one for services with what stands in for it, and one for GPUs', () => {
    const pools = planPools(settingsOfFile('prod') as ComputeSettings);
    assert.deepEqual(
      pools.map(({ name, capacityType, nodesMax }) => [name, capacityType, nodesMax]),
      [
        ['general', 'ON_DEMAND', 12],
        ['spot', 'SPOT', 20],
        ['spot-fallback', 'ON_DEMAND', 10],
        ['gpu', 'SPOT', 4],
      ],
    );
  });

  it('keep no node without pods where Karpenter makes them', () => {
    const waiting = (settings: Settings) => {
      Object.assign(settings['general'] ?? {}, { nodesMin: 1 });
      Object.assign(settings['spot'] ?? {}, { nodesMin: 2 });
    };
    assert.deepEqual(problemsOf('dev', waiting), [
      "general can't be planned, the general pool has nodesMin 1, and Karpenter keeps no node without pods",
      "spot can't be planned, the spot pool has nodesMin 2, and Karpenter keeps no node without pods",
    ]);
    const managed = (settings: Settings) => {
      waiting(settings);
      Object.assign(settings, { capacity: 'managed' });
    };
    assert.deepEqual(problemsOf('dev', managed), []);
  });

  it('tell a spot list that is too narrow once, though two pools are made of it', () => {
    const narrow = (settings: Settings) => {
      Object.assign(settings['spot'] ?? {}, { instanceTypes: ['m5.large', 'c5.large'] });
    };
    assert.deepEqual(problemsOf('dev', narrow), ["spot can't be planned, the spot pool names 2 types of 2 families"]);
  });

  it('share a GPU among a number of pods that it can be shared among', () => {
    const shared = (sharesPerGpu: number) =>
      problemsOf('dev', (settings) => Object.assign(settings['gpu'] ?? {}, { sharesPerGpu }));
    assert.deepEqual(shared(16), []);
    assert.deepEqual(shared(17), ['gpu.sharesPerGpu must be <= 16']);
    assert.deepEqual(shared(0), ['gpu.sharesPerGpu must be >= 1']);
  });

  it('leave no zone of prod without a node of the system pool', () => {
    const two = (settings: Settings) => Object.assign(settings['system'] ?? {}, { nodesMin: 2 });
    assert.deepEqual(problemsOf('prod', two), ['system.nodesMin leaves a zone without a node']);
    assert.deepEqual(problemsOf('dev', two), []);
  });

  it('say who makes nodes, in a word that is known', () => {
    const auto = (settings: Settings) => Object.assign(settings, { capacity: 'auto' });
    assert.match(problemsOf('dev', auto)[0] ?? '', /^capacity must be equal to one of the allowed values/);
  });
});
