import type { types } from '@pulumi/kubernetes';

/** Cores may go to so many times what is requested: what runs wild must leave its neighbours theirs. */
export const cpuBurst = 4;

/** What the `restricted` Pod Security Standard asks of a pod, for a program that runs as the given user. */
export function restrictedPod(user: number): types.input.core.v1.PodSecurityContext {
  return {
    runAsNonRoot: true,
    runAsUser: user,
    runAsGroup: user,
    fsGroup: user,
    fsGroupChangePolicy: 'OnRootMismatch',
    seccompProfile: { type: 'RuntimeDefault' },
  };
}

/** What it asks of each container, and a root file system that nobody can write to. */
export function restrictedContainer(): types.input.core.v1.SecurityContext {
  return {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  };
}
