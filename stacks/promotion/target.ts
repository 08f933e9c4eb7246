import type { Digest } from '@orrery/contracts/digest';
import type { Pin } from '@orrery/contracts/pin';
import type { Places } from '../release/places.ts';
import { readBinding, readRelease } from '../release/records.ts';
import { renderEnvironment } from '../render/environment.ts';

export interface TargetRequest {
  readonly environment: string;
  readonly release: Digest;
  readonly binding: Digest;
  readonly progress: (line: string) => void;
}

/** The pin that a recorded release and a recorded binding make: both are rendered, and the pin names what came out. */
export async function renderTarget(places: Places, request: TargetRequest): Promise<Pin> {
  const { environment, release, binding, progress } = request;
  const rendered = await renderEnvironment(places, {
    environment,
    release: readRelease(places, release),
    binding: readBinding(places, environment, binding),
    progress,
  });
  return { schema: 2, release, binding, render: rendered.digest };
}
