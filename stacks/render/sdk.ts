import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Refusal } from './refusal.ts';
import { isWholeMark, partOfMark, typeOf } from './symbols.ts';

/**
 * Every use of what Pulumi's SDK does not publish stands in this file, and holds for one version of it. An upgrade of the SDK is
 * refused until someone has read these places again: test/stacks/render/sdk.test.ts says what to look for.
 */
export const knownSdkVersion = '3.270.0';

/** What the SDK sends to register a resource; it types the request as `any`. */
export interface RegisterRequest {
  getType(): string;
  getName(): string;
  getParent(): string;
  getCustom(): boolean;
  getRemote(): boolean;
  getObject(): ProtoStruct | undefined;
  getProtect(): boolean;
  getRetainondelete(): boolean;
  getDependenciesList(): string[];
  getPropertydependenciesMap(): ProtoMap<{ getUrnsList(): string[] }>;
  getProvider(): string;
  getProvidersMap(): ProtoMap<string>;
  getVersion(): string;
  getPlugindownloadurl(): string;
  getPluginchecksumsMap(): ProtoMap<unknown>;
  getPackageref(): string;
  getDeletebeforereplace(): boolean;
  getDeletebeforereplacedefined(): boolean;
  getIgnorechangesList(): string[];
  getReplaceonchangesList(): string[];
  getReplacementTrigger(): ProtoStruct | undefined;
  getReplaceWithList(): string[];
  getHidediffsList(): string[];
  getAdditionalsecretoutputsList(): string[];
  getAliasesList(): { toObject(): { urn: string; spec?: Record<string, unknown> } }[];
  getAliasurnsList(): string[];
  getImportid(): string;
  getDeletedwith(): string;
  getCustomtimeouts(): { toObject(): Record<string, string> } | undefined;
  getEnvvarmappingsMap(): ProtoMap<string>;
}

export interface ProtoStruct {
  toJavaScript(): Record<string, unknown>;
}

export interface ProtoMap<Value> {
  forEach(use: (value: Value, key: string) => void): void;
}

/** What the SDK reads of an answer to a registration. */
export interface RegisterAnswer {
  getUrn(): string;
  getId(): string;
  getObject(): ProtoStruct;
  /** Resources that an output comes from beside the one that was registered. */
  getPropertydependenciesMap(): Map<string, { getUrnsList(): readonly string[] }>;
  getResult(): number;
  getUnknown(): boolean;
}

export type Callback<Answer> = (error: Error | null, answer?: Answer) => void;

/** The part of the engine's monitor that a program in Node talks to. */
export interface Monitor {
  registerResource(request: RegisterRequest, callback: Callback<RegisterAnswer>): void;
  registerResourceOutputs(
    request: { getUrn(): string; getOutputs(): ProtoStruct | undefined },
    callback: Callback<object>,
  ): void;
  readResource(request: { getType(): string; getName(): string; getId(): string }, callback: Callback<never>): void;
  invoke(request: { getTok(): string; getArgs(): ProtoStruct | undefined }, callback: Callback<unknown>): void;
  call(request: { getTok(): string }, callback: Callback<never>): void;
  existsResource(request: { getType(): string; getId(): string }, callback: Callback<never>): void;
  getDeploymentInfo(request: unknown, callback: Callback<{ getSupportedfeaturesList(): number[] }>): void;
  registerPackage(request: { getName(): string; getVersion(): string }, callback: Callback<{ getRef(): string }>): void;
  registerStackTransform(request: unknown, callback: Callback<never>): void;
  registerStackInvokeTransform(request: unknown, callback: Callback<never>): void;
  signalAndWaitForShutdown(request: unknown, callback: Callback<object>): void;
}

interface Settings {
  setMockOptions(monitor: Monitor, project: string, stack: string, preview: boolean, organization: string): void;
  disconnect(): Promise<void>;
  getCallbacks(): unknown;
}

interface State {
  getPendingResourceRegistrations(): Map<unknown, { type?: string; name?: string; inputProperty?: string }>;
  failPendingRegistration(resource: unknown, error: unknown): void;
  getStore(): { logErrorCount: number };
}

interface Runtime {
  setAllConfig(config: Record<string, string>, secretKeys: string[]): void;
  runInPulumiStack(program: () => unknown): Promise<unknown>;
}

type Props = Record<string, unknown>;

interface ResourceModule {
  registerResource(...words: [unknown, unknown, string, string, boolean, boolean, unknown, Props]): void;
  getResource(...words: [unknown, unknown, Props, boolean, string]): void;
}

interface OutputClass {
  prototype: { apply(this: unknown, use: (value: unknown) => unknown, runWithUnknowns?: boolean): unknown };
}

/** The SDK as one program sees it; two copies would not hear of each other. */
export interface Sdk {
  readonly settings: Settings;
  readonly state: State;
  readonly runtime: Runtime;
  /** Keys that each type of resource has, inputs and outputs, as far as the program has used it. */
  readonly keysOfType: ReadonlyMap<string, ReadonlySet<string>>;
  /** Where a program's error was first seen by a resource. */
  readonly places: WeakMap<object, { type: string; name: string; property?: string }>;
  readonly features: readonly number[];
  /** A protobuf Struct of a plain value. */
  structOf(value: Record<string, unknown>): ProtoStruct;
}

const featureNames = [
  'SECRETS',
  'RESOURCE_REFERENCES',
  'ALIAS_SPECS',
  'REPLACEMENT_TRIGGER',
  'DELETED_WITH',
  'REPLACE_WITH',
  'PARAMETERIZATION',
];

let loaded: Sdk | undefined;

/**
 * Loads the SDK that the folder `from` sees, and prepares it to be recorded. Throws `SDK_UNKNOWN` for another version than the one
 * that these lines were written against.
 */
export function loadSdk(from: string = import.meta.dirname): Sdk {
  return (loaded ??= prepareSdk(createRequire(pathToFileURL(join(from, 'from.js')))));
}

function prepareSdk(load: NodeJS.Require): Sdk {
  const { version } = load('@pulumi/pulumi/package.json') as { version: string };
  if (version !== knownSdkVersion) {
    throw new Refusal({
      code: 'SDK_UNKNOWN',
      message: `the renderer knows @pulumi/pulumi ${knownSdkVersion}, installed is ${version}`,
      hint: 'read stacks/render/sdk.ts against the installed version, then name it there',
    });
  }
  const settings = load('@pulumi/pulumi/runtime/settings.js') as Settings;
  const state = load('@pulumi/pulumi/runtime/state.js') as State;
  const loadBesideSdk = createRequire(load.resolve('@pulumi/pulumi/package.json'));
  const { Struct } = loadBesideSdk('google-protobuf/google/protobuf/struct_pb.js') as {
    Struct: { fromJavaScript(value: Record<string, unknown>): ProtoStruct };
  };
  const { ResourceMonitorFeature } = load('@pulumi/pulumi/proto/resource_pb.js') as {
    ResourceMonitorFeature: Record<string, number>;
  };
  const features = featureNames.map((name) => ResourceMonitorFeature[`RESOURCE_MONITOR_FEATURE_${name}`]);
  refuseCallbacks(settings);
  readPartsOfSymbols(load('@pulumi/pulumi') as { Output: OutputClass });
  return {
    settings,
    state,
    runtime: load('@pulumi/pulumi/runtime/index.js') as Runtime,
    keysOfType: noteKeys(load('@pulumi/pulumi/runtime/resource.js') as ResourceModule),
    places: notePlaces(state),
    features: features.filter((feature) => feature !== undefined),
    structOf: (value) => Struct.fromJavaScript(value),
  };
}

/**
 * A registration tells the monitor the inputs alone; which outputs the program may read is known only where the SDK makes room for
 * them: keys of `props` without a value.
 */
function noteKeys(resource: ResourceModule): ReadonlyMap<string, ReadonlySet<string>> {
  const keysOfType = new Map<string, Set<string>>();
  const note = (type: string, props: Props) => {
    const keys = keysOfType.get(type) ?? new Set<string>();
    for (const key of Object.keys(props)) keys.add(key);
    keysOfType.set(type, keys);
  };
  const registerResource = resource.registerResource.bind(resource);
  const getResource = resource.getResource.bind(resource);
  resource.registerResource = (...words) => {
    note(words[2], words[7]);
    registerResource(...words);
  };
  resource.getResource = (...words) => {
    note(typeOf(words[4]), words[2]);
    getResource(...words);
  };
  return keysOfType;
}

/** An error inside an `apply` reaches us without a place; the SDK knows which resource it was preparing. */
function notePlaces(state: State): Sdk['places'] {
  const places: Sdk['places'] = new WeakMap();
  const fail = state.failPendingRegistration.bind(state);
  state.failPendingRegistration = (resource, error) => {
    const { type, name, inputProperty } = state.getPendingResourceRegistrations().get(resource) ?? {};
    if (typeof error === 'object' && error !== null && type !== undefined && name !== undefined && !places.has(error)) {
      places.set(error, { type, name, ...(inputProperty === undefined ? {} : { property: inputProperty }) });
    }
    fail(resource, error);
  };
  return places;
}

/** Transforms and hooks are called by the engine over a socket: their effect is not part of what the program asks for. */
function refuseCallbacks(settings: Settings): void {
  settings.getCallbacks = () => {
    throw new Refusal({
      code: 'CALLBACK_UNSUPPORTED',
      message: 'the program registers a transform or a hook, which only an engine can call',
      hint: 'give the resource its arguments directly',
    });
  };
}

/**
 * `cluster.eksCluster.vpcConfig` reads a field of an output that is not there yet. The SDK does it by an `apply` of its own, which
 * asks for unknown values too; with a mark as value it yields the mark of that part.
 */
function readPartsOfSymbols({ Output }: { Output: OutputClass }): void {
  const apply = Reflect.get(Output.prototype, 'apply');
  Output.prototype.apply = function (use, runWithUnknowns) {
    if (runWithUnknowns !== true) return apply.call(this, use, runWithUnknowns);
    const read = (value: unknown) => {
      if (typeof value !== 'string' || !isWholeMark(value)) return use(value);
      const key = keyReadBy(use);
      return key === undefined ? use(value) : partOfMark(value, key);
    };
    return apply.call(this, read, true);
  };
}

/** The key of which a function returns its argument's value; undefined for a function that does anything else. */
function keyReadBy(use: (value: unknown) => unknown): string | undefined {
  const value = {};
  let last: string | undefined;
  const handler: ProxyHandler<object> = {
    get(_target, key) {
      last = String(key);
      return value;
    },
  };
  return use(new Proxy({}, handler)) === value ? last : undefined;
}

export interface Run {
  readonly project: string;
  readonly stack: string;
  /** Default false: a render computes what a deployment would, and an apply runs on every output. */
  readonly preview?: boolean;
  /** Pulumi's configuration, `orrery:<key>` to text. Default empty: a composition is handed its settings. */
  readonly config?: Readonly<Record<string, string>>;
}

/** Puts a monitor where the engine would be; what is registered from here on goes to it. */
export function installMonitor(
  sdk: Sdk,
  monitor: Monitor,
  { project, stack, preview = false, config = {} }: Run,
): void {
  sdk.settings.setMockOptions(monitor, project, stack, preview, 'organization');
  // A stack asks its monitor for these before it runs; what is registered outside one needs them at once.
  Object.assign(sdk.state.getStore(), {
    supportsSecrets: true,
    supportsResourceReferences: true,
    supportsAliasSpecs: true,
    supportsDeletedWith: true,
    supportsReplaceWith: true,
    supportsParameterization: true,
  });
  sdk.runtime.setAllConfig({ ...config }, []);
}

/** Waits until all that was asked for has been registered, also what an apply makes after the program's end. */
export async function awaitRegistrations(sdk: Sdk): Promise<void> {
  await sdk.settings.disconnect();
}

/** Runs a program inside its stack, to the last registration. */
export async function runProgram(sdk: Sdk, monitor: Monitor, run: Run, program: () => unknown): Promise<void> {
  installMonitor(sdk, monitor, run);
  await sdk.runtime.runInPulumiStack(async () => program());
  await awaitRegistrations(sdk);
  if (sdk.state.getStore().logErrorCount > 0) throw new Error('it logged an error');
}
