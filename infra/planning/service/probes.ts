import type { types } from '@pulumi/kubernetes';

/** Paths that tell how a service is; one that is absent is not asked. */
export interface Probes {
  /** Answers while the process is sound: whoever does not is started again. */
  readonly live?: string;
  /** Answers while it can work: whoever does not gets no requests. */
  readonly ready?: string;
}

type ContainerProbes = Pick<types.input.core.v1.Container, 'startupProbe' | 'livenessProbe' | 'readinessProbe'>;

/** The three probes of a container with a port named `http`. A service has two minutes to start, then liveness begins. */
export function planProbes({ live, ready }: Probes): ContainerProbes {
  return {
    ...(live === undefined ? {} : planLiveness(live)),
    ...(ready === undefined
      ? {}
      : { readinessProbe: { httpGet: { path: ready, port: 'http' }, periodSeconds: 5, timeoutSeconds: 3 } }),
  };
}

function planLiveness(path: string): ContainerProbes {
  const httpGet = { path, port: 'http' };
  return {
    startupProbe: { httpGet, periodSeconds: 2, timeoutSeconds: 2, failureThreshold: 60 },
    livenessProbe: { httpGet, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 3 },
  };
}
