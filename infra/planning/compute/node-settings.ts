import type { PoolPlan } from './pools.ts';

/** The disks of a Bottlerocket node: its system on the first, everything that pods write on the second. */
export function planDisks({ diskGiB }: Pick<PoolPlan, 'diskGiB'>): readonly { device: string; sizeGiB: number }[] {
  return [
    { device: '/dev/xvda', sizeGiB: 4 },
    { device: '/dev/xvdb', sizeGiB: diskGiB },
  ];
}

/**
 * Bottlerocket's settings for a node, as TOML; undefined where its own are right. Its NVIDIA variant brings the device plugin along,
 * which is therefore on a node before the node counts: what it shares is said here, and a plugin of a chart would fight with it.
 */
export function planNodeSettings({ gpus }: Pick<PoolPlan, 'gpus'>): string | undefined {
  if (gpus === undefined || gpus.sharesPerGpu === 1) return undefined;
  return [
    '[settings.kubelet-device-plugins.nvidia]',
    'device-sharing-strategy = "time-slicing"',
    '',
    '[settings.kubelet-device-plugins.nvidia.time-slicing]',
    `replicas = ${gpus.sharesPerGpu}`,
    'rename-by-default = false',
    // Two shares are no more of a GPU than one: whoever asks for them would wait for nothing.
    'fail-requests-greater-than-one = true',
    '',
  ].join('\n');
}
