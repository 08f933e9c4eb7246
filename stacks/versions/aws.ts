import { messageOf } from '../errors.ts';
import { unreachable, type Answer, type Publisher } from './publisher.ts';

/** Runs the AWS command with these words; what it printed, or why it could not, as a throw. */
export type AwsCommand = (words: readonly string[]) => Promise<string>;

/** Asks EKS which versions of its addons fit the cluster's. */
export function addonPublisher(aws: AwsCommand, kubernetesVersion: string): Publisher {
  return {
    group: 'addons',
    ask: async ({ name }, { version }) => {
      const words = ['eks', 'describe-addon-versions', '--addon-name', name, '--kubernetes-version', kubernetesVersion];
      return answerOf(aws, [...words, '--query', 'addons[].addonVersions[].addonVersion'], {
        version,
        source: 'aws eks describe-addon-versions',
        what: `EKS ${kubernetesVersion} has ${name} in`,
      });
    },
  };
}

/** Asks the managed services which engines they run, for the names that they know. */
export function enginePublisher(aws: AwsCommand): Publisher {
  return {
    group: 'engines',
    ask: async ({ name }, { version }) => {
      const words = engineWords[name];
      if (words === undefined) return unreachable(`nobody here knows whom to ask about ${name}`);
      return answerOf(aws, words, {
        version,
        source: `aws ${words.slice(0, 2).join(' ')}`,
        what: `${name} is there in`,
      });
    },
  };
}

const engineWords: Readonly<Record<string, readonly string[]>> = {
  valkey: [
    'elasticache',
    'describe-cache-engine-versions',
    '--engine',
    'valkey',
    '--query',
    'CacheEngineVersions[].EngineVersion',
  ],
  msk: ['kafka', 'list-kafka-versions', '--query', 'KafkaVersions[].Version'],
  emr: ['emr', 'list-release-labels', '--query', 'ReleaseLabels'],
};

interface Wanted {
  readonly version: string;
  readonly source: string;
  readonly what: string;
}

async function answerOf(aws: AwsCommand, words: readonly string[], wanted: Wanted): Promise<Answer> {
  try {
    const versions = JSON.parse(await aws([...words, '--output', 'json'])) as string[];
    if (versions.includes(wanted.version)) return { kind: 'published', source: wanted.source };
    const some = versions.slice(0, 5).join(', ');
    return { kind: 'unknown', reason: `no ${wanted.version}; ${wanted.what} ${some === '' ? 'no version' : some}` };
  } catch (error) {
    return unreachable(messageOf(error));
  }
}
