import { digestOfBytes, writeDocument } from '@orrery/contracts/digest';
import { moveService, serviceOf, type ChangeCase } from './case.ts';
import { resource } from './graph.ts';
import { keepPair, type World } from './world.ts';

/** Changes of what runs: code, definitions, dependencies, models, tools. */
export const serviceCases: readonly ChangeCase[] = [
  {
    name: 'nothing',
    verdict: 'no change',
    lines: ['prod: no change (release BASE)'],
  },
  {
    name: 'code of one service',
    release: (release, world) => {
      const files = [{ path: 'src/main.mjs', object: digestOfBytes('better code'), bytes: 4100 }];
      serviceOf(release, 'scoring').bundle = keep(world)(writeDocument('bundle', { schema: 1, files }));
      moveService(release, 'scoring', digestOfBytes('scoring with better code'));
      serviceOf(release, 'orchestrator').closure = digestOfBytes('orchestrator on better code');
    },
    verdict: 'safe',
    lines: [
      'prod: BASE -> HEAD  SAFE  7 changes',
      '',
      'SERVICES  1 changed, 1 only by its peers',
      '  ~ orchestrator  only by its peers: scoring; closure # -> #',
      '  ~ scoring       changed in code; own # -> #',
      '      file src/main.mjs changed, 4,000 -> 4,100 bytes',
      '',
      'RESOURCES  2 replaced, 3 updated',
      '  ~ scoring-deployment                kubernetes:apps/v1:Deployment updated',
      '      spec.template.spec.containers[scoring].image: registry/scoring@sha256:# -> registry/scoring@sha256:#',
    ],
  },
  {
    name: 'a definition only',
    release: (release, world) => {
      const text = world.definitions['workflows/score-day.yaml']?.replace('600', '900') ?? '';
      serviceOf(release, 'orchestrator').definitions = { 'workflows/score-day.yaml': keep(world)(text) };
      moveService(release, 'orchestrator', digestOfBytes('another definition'));
    },
    verdict: 'safe',
    lines: [
      'prod: BASE -> HEAD  SAFE  7 changes',
      '',
      'SERVICES  1 changed',
      '  ~ orchestrator  changed in definitions; own # -> #',
      '',
      'DEFINITIONS  1 definition',
      '  ~ workflows/score-day.yaml  changed, of orchestrator',
      '      steps[score].timeoutSeconds: 600 -> 900',
    ],
  },
  {
    name: 'a definition is added and one removed',
    release: (release, world) => {
      const text = 'kind: workflow\nname: score-hour\n';
      serviceOf(release, 'orchestrator').definitions = { 'workflows/score-hour.yaml': keep(world)(text) };
      moveService(release, 'orchestrator', digestOfBytes('other definitions'));
    },
    verdict: 'safe',
    lines: [
      'prod: BASE -> HEAD  SAFE  8 changes',
      '',
      'SERVICES  1 changed',
      '  ~ orchestrator  changed in definitions; own # -> #',
      '',
      'DEFINITIONS  2 definitions',
      '  - workflows/score-day.yaml   removed, of orchestrator',
      '  + workflows/score-hour.yaml  added, of orchestrator',
    ],
  },
  {
    name: 'the configuration of a service only',
    release: (release) => {
      serviceOf(release, 'scoring').manifest.resources = { cpu: 1, memoryMiB: 1024 };
      serviceOf(release, 'scoring').config = digestOfBytes('more memory');
      moveService(release, 'scoring', digestOfBytes('scoring with more memory'));
    },
    verdict: 'safe',
    lines: [
      'prod: BASE -> HEAD  SAFE  7 changes',
      '',
      'SERVICES  1 changed',
      '  ~ scoring  changed in config; own # -> #',
      '',
      'SETTINGS  1 value of scoring',
      '  ~ scoring  resources.memoryMiB: 512 -> 1024',
    ],
  },
  {
    name: 'a dependency is bumped',
    release: (release, world) => {
      release.toolchain.lockfile = digestOfBytes('another lockfile');
      world.lockfile = { packages: { '': {}, 'node_modules/fastify': { version: '5.13.0', integrity: 'sha512-six' } } };
      serviceOf(release, 'scoring').dependencies = digestOfBytes('other dependencies');
      moveService(release, 'scoring', digestOfBytes('scoring on other dependencies'));
    },
    verdict: 'safe',
    lines: [
      'prod: BASE -> HEAD  SAFE  8 changes',
      '',
      'SERVICES  1 changed',
      '  ~ scoring  changed in dependencies; own # -> #',
    ],
  },
  {
    name: 'a provider is bumped',
    release: (release) => {
      release.toolchain.providers = { '@pulumi/aws': { version: '8.0.0', integrity: 'sha512-eight' } };
    },
    graph: (graph) =>
      graph.map((one) =>
        one.type.startsWith('aws:') ? { ...one, options: { ...one.options, version: '8.0.0' } } : one,
      ),
    verdict: 'needs review',
    lines: [
      'prod: BASE -> HEAD  NEEDS REVIEW  19 changes',
      '  needs review: provider @pulumi/aws 7.48.0 -> 8.0.0: it may do otherwise what no graph shows [toolchain-moved]',
      '',
      'RESOURCES  2 replaced, 3 updated, 13 with other options',
      '  ~ 2 x kubernetes:core/v1:ConfigMap  replaced by another under another name, as for every change of it: orchestrator-config, scoring-config',
      '  ~ 13 x version                      7.48.0 -> 8.0.0; in cluster, gpu-nodes, gpu-template, key, network-private-a, network-vpc and 7 more',
    ],
  },
  {
    name: 'another minor of Node',
    release: (release) => {
      release.toolchain.node = '24.22.0';
      for (const name of ['orchestrator', 'scoring']) {
        serviceOf(release, name).image.base = digestOfBytes('base with another Node');
        moveService(release, name, digestOfBytes(`${name} on another Node`));
      }
    },
    verdict: 'safe',
    lines: [
      'prod: BASE -> HEAD  SAFE  8 changes',
      '',
      'SERVICES  2 changed',
      '  ~ orchestrator  changed in image base; own # -> #; also by its peers: scoring',
      '  ~ scoring       changed in image base; own # -> #',
    ],
  },
  {
    name: 'another major of Node',
    release: (release) => {
      release.toolchain.node = '26.0.0';
    },
    verdict: 'needs review',
    lines: [
      'prod: BASE -> HEAD  NEEDS REVIEW  6 changes',
      '  needs review: node 24.21.0 -> 26.0.0: it may do otherwise what no graph shows [toolchain-moved]',
    ],
  },
  {
    name: 'a model goes live',
    release: (release, world) => {
      release.live = { delay: keepPair('two', 33.812, keep(world)) };
    },
    verdict: 'safe',
    lines: [
      'prod: BASE -> HEAD  SAFE  6 changes',
      '',
      'MODELS  1 live pair moved',
      '  ~ delay  pair # -> #; rmse 35.400 -> 33.812 minutes',
    ],
  },
  {
    name: 'a model is withdrawn',
    release: (release) => {
      release.live = {};
    },
    verdict: 'needs review',
    lines: [
      'prod: BASE -> HEAD  NEEDS REVIEW  6 changes',
      '  needs review: delay no longer scores [model-withdrawn]',
      '',
      'MODELS  1 live pair moved',
      '  - delay  pair # -> none; rmse 35.400 minutes',
    ],
  },
  {
    name: 'a service is added, and needs a secret',
    release: (release) => {
      release.services['gateway'] = {
        ...structuredClone(serviceOf(release, 'scoring')),
        own: digestOfBytes('gateway'),
      };
      release.secrets = ['orrery-token', 'gateway-key'];
    },
    graph: (graph) => [
      ...graph,
      resource('orrery:service:Service', 'gateway', { custom: false }),
      resource('kubernetes:core/v1:ServiceAccount', 'gateway-account', { under: 'orrery:service:Service::gateway' }),
    ],
    verdict: 'needs review',
    lines: [
      'prod: BASE -> HEAD  NEEDS REVIEW  8 changes',
      '  needs review: gateway-key has to be there before it is deployed [secret-needed]',
      '',
      'SERVICES  1 added',
      '  + gateway  added, own #',
      '',
      'SETTINGS  1 value of secrets',
      '  + secrets  gateway-key is needed',
      '',
      'RESOURCES  2 replaced, 1 created, 3 updated',
      '  + gateway-account                   kubernetes:core/v1:ServiceAccount created',
    ],
  },
  {
    name: 'a service is removed',
    release: (release) => {
      Reflect.deleteProperty(release.services, 'scoring');
      serviceOf(release, 'orchestrator').manifest.peers = [];
      serviceOf(release, 'orchestrator').contract = digestOfBytes('a contract without peers');
      moveService(release, 'orchestrator', digestOfBytes('orchestrator alone'));
    },
    graph: (graph) => graph.filter(({ name }) => !name.startsWith('scoring')),
    verdict: 'needs review',
    lines: [
      'prod: BASE -> HEAD  NEEDS REVIEW  7 changes',
      '  needs review: scoring-config is deleted [resource-deleted]',
      '  needs review: scoring-deployment is deleted [resource-deleted]',
      '  needs review: orchestrator changes what others rely on: peers [contract-changed]',
      '  needs review: scoring is no longer there [service-removed]',
      '',
      'SERVICES  1 removed, 1 changed',
      '  ~ orchestrator  changed in contract; own # -> #; also by its peers: scoring',
      '      contract peers: -scoring',
      '  - scoring       removed, own #',
    ],
  },
  {
    name: 'two services that depend on each other, one of them changed',
    always: (release) => {
      serviceOf(release, 'scoring').manifest.peers = ['orchestrator'];
    },
    release: (release) => {
      moveService(release, 'orchestrator', digestOfBytes('orchestrator of the circle'));
      serviceOf(release, 'orchestrator').bundle = digestOfBytes('a bundle that is not at hand');
      serviceOf(release, 'scoring').closure = digestOfBytes('scoring in the circle');
    },
    verdict: 'safe',
    lines: [
      'prod: BASE -> HEAD  SAFE  7 changes',
      '',
      'SERVICES  1 changed, 1 only by its peers',
      '  ~ orchestrator  changed in code; own # -> #',
      '  ~ scoring       only by its peers: orchestrator; closure # -> #',
    ],
  },
];

/** What a world keeps in its store. */
export function keep({ objects }: World): (text: string) => `sha256:${string}` {
  return (text) => {
    const digest = digestOfBytes(text);
    objects.set(digest, Buffer.from(text));
    return digest;
  };
}
