import { digestOf, digestOfBytes, shortDigest, type Digest } from '@orrery/contracts/digest';
import type { Binding, Pin } from '@orrery/contracts/pin';
import type { Release } from '@orrery/contracts/release';
import { freezeSettings } from '../promotion/settings-file.ts';
import { CommandError } from '../errors.ts';
import { readLocalBinding } from '../local/settings.ts';
import { readPin } from '../promotion/pin.ts';
import { assembleRelease } from '../release/assemble.ts';
import { withLivePairs } from '../release/create.ts';
import { gitAnswer } from '../release/git.ts';
import { isLocal, type Places } from '../release/places.ts';
import { readBinding, readRelease, type RecordedRelease } from '../release/records.ts';
import { renderEnvironment, renderWorkingTree } from '../render/environment.ts';
import type { Origin } from './evidence.ts';
import { assertInstalled } from './installed.ts';
import { hasSettings } from './naming.ts';
import type { Side } from './side.ts';

/** A side that can be rendered, and where what it names is found. */
export interface Loaded {
  readonly side: Side;
  readonly origin: Origin;
  /** The side with its graph. */
  readonly render: (progress: Progress) => Promise<Side>;
}

export type Progress = (line: string) => void;

/** An environment as it is pinned. */
export function loadEnvironment(places: Places, environment: string, pin: Pin): Loaded {
  const recorded = readRelease(places, pin.release);
  const binding = readBinding(places, environment, pin.binding);
  const loaded = loadRelease(places, recorded, { environment, binding });
  return {
    ...loaded,
    side: { ...loaded.side, label: environment, render: pin.render },
    render: async (progress) => {
      const side = await loaded.render(progress);
      if (side.render === pin.render) return { ...side, label: environment };
      throw new CommandError({
        code: 'RENDER_DIFFERS',
        message: `${environment} is pinned to render ${shortDigest(pin.render)}, but its release renders to ${shortDigest(side.render ?? '')} here`,
        hint: `what would be compared is not what ${environment} stands on: npx orrery render ${environment} --check 5`,
        exitCode: 3,
      });
    },
  };
}

/** A recorded release, in the settings of an environment where one is meant. */
export function loadRelease(
  places: Places,
  recorded: RecordedRelease,
  on: { readonly environment: string; readonly binding: Binding } | undefined,
): Loaded {
  const { digest, release, provenance } = recorded;
  const side: Side = { label: shortDigest(digest), digest, release, ...boundBy(on?.binding) };
  return {
    side,
    origin: { commit: provenance.commit, objects: new Map() },
    render: async (progress) => {
      if (on === undefined) return side;
      progress(`rendering ${shortDigest(digest)} for ${on.environment}`);
      const { digest: render, graph } = await renderEnvironment(places, { ...on, release: recorded, progress });
      return { ...side, render, graph };
    },
  };
}

export interface Assembled {
  readonly release: Release;
  readonly objects: ReadonlyMap<Digest, Buffer>;
}

/** Computes the release of the tree as it lies, once for all environments. Throws `PACKAGES_DIFFER` before. */
export async function assembleWorkingTree({ root }: Places, progress: Progress): Promise<Assembled> {
  assertInstalled(root);
  progress('computing the release of the working tree');
  const { release, objects } = await assembleRelease(root);
  return { release, objects: new Map(objects.map((content) => [digestOfBytes(content), content])) };
}

export interface WorkingTreeOptions {
  /** Undefined where no environment is meant: then it can't be rendered. */
  readonly on: { readonly environment: string; readonly binding: Binding } | undefined;
  /** The pairs that score: those of what it is compared with. */
  readonly live: Release['live'];
}

/** The tree as it lies. */
export function loadWorkingTree(places: Places, assembled: Assembled, { on, live }: WorkingTreeOptions): Loaded {
  const release = withLivePairs(assembled.release, live);
  const digest = digestOf('release', release);
  const side: Side = { label: 'working tree', digest, release, ...boundBy(on?.binding) };
  return {
    side,
    origin: { objects: assembled.objects },
    render: async (progress) => {
      if (on === undefined) return side;
      progress(`rendering the working tree for ${on.environment}`);
      const made = await renderWorkingTree(places, { ...on, release, releaseDigest: digest, progress });
      return { ...side, render: made.digest, graph: made.graph };
    },
  };
}

/** The settings of an environment's file, frozen as a pin would. */
export function freezeFile({ root }: Places, environment: string): Binding {
  return isLocal(environment) ? readLocalBinding(root) : freezeSettings(root, environment);
}

/** What a release is rendered with where no environment stands on it: what is pinned there, or what its file says. */
export function bindingFor(places: Places, environment: string): Binding | undefined {
  const pin = readPin(places, environment);
  if (pin !== undefined) return readBinding(places, environment, pin.binding);
  return hasSettings(places, environment) ? freezeFile(places, environment) : undefined;
}

/** Set when the commit that made the base is not contained in HEAD; undefined where git does not know it. */
export async function findStaleness({ root }: Places, { commit }: Origin): Promise<string | undefined> {
  if (commit === undefined) return undefined;
  const { code } = await gitAnswer(root, ['merge-base', '--is-ancestor', commit, 'HEAD']);
  if (code !== 1) return undefined;
  return `stands on commit \`${commit.slice(0, 12)}\`, which this tree does not contain: deploying it may undo what is in there`;
}

function boundBy(binding: Binding | undefined): Pick<Side, 'binding'> {
  if (binding === undefined) return {};
  return { binding: { digest: digestOf('binding', binding), settings: binding.settings } };
}
