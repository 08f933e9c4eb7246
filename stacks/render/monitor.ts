import type { Expander, Expansion } from './expanders/expander.ts';
import type { GraphResource } from './graph.ts';
import { readOptions } from './options.ts';
import { urnOfReference } from './references.ts';
import { Refusal } from './refusal.ts';
import type { Callback, Monitor, RegisterAnswer, RegisterRequest, Sdk } from './sdk.ts';
import { addedFields } from './shapes.ts';
import { Symbols, typeOf } from './symbols.ts';
import { InputWriter, secretOf } from './values.ts';

export interface RecorderOptions {
  readonly sdk: Sdk;
  readonly project: string;
  readonly stack: string;
  readonly expanders: readonly Expander[];
  /** Told of a refusal before the program is: a child ends at once, so that no program can catch it and go on. */
  readonly onRefusal?: (refusal: Refusal) => void;
  /** Waited for before each answer, so that registrations complete in another order. Default: none. */
  readonly delay?: () => Promise<void>;
}

type Fields = Record<string, unknown>;

/** A resource as it was registered; its inputs still hold marks. */
type Draft = Omit<GraphResource, 'inputs' | 'options' | 'outputs'> & {
  inputs: Fields;
  options: Fields;
  outputs?: Fields;
};

const stackType = 'pulumi:pulumi:Stack';

/** Stands where the engine would: hears what the program asks for, and answers with marks where a cloud would answer with values. */
export class Recorder implements Monitor {
  readonly #options: RecorderOptions;
  readonly #symbols = new Symbols();
  readonly #drafts = new Map<string, Draft>();
  readonly #answers = new Map<string, Fields>();
  readonly #completed = new Set<string>();

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /** URNs of the components that registered their outputs. */
  get completed(): ReadonlySet<string> {
    return this.#completed;
  }

  /** A text that came out of the program, with symbols for the outputs in it. */
  textOf(text: string): string {
    return this.#symbols.write(text);
  }

  /** The graph. Called once the program has ended: only then is it known which names are unique. */
  resources(): GraphResource[] {
    return [...this.#drafts.values()].map(({ inputs, options, outputs, ...draft }) => {
      const writer = new InputWriter(this.#symbols, draft.urn);
      return {
        ...draft,
        inputs: writer.write(inputs),
        options: writer.write(options),
        ...(outputs === undefined ? {} : { outputs: writer.write(outputs) }),
      };
    });
  }

  registerResource(request: RegisterRequest, callback: Callback<RegisterAnswer>): void {
    this.#answer(callback, () => this.#register(request));
  }

  registerResourceOutputs: Monitor['registerResourceOutputs'] = (request, callback) => {
    const urn = request.getUrn();
    const draft = this.#drafts.get(urn);
    this.#completed.add(urn);
    const outputs = request.getOutputs()?.toJavaScript() ?? {};
    if (draft?.type === stackType && Object.keys(outputs).length > 0) draft.outputs = outputs;
    callback(null, {});
  };

  invoke: Monitor['invoke'] = (request, callback) => {
    const token = request.getTok();
    this.#answer(callback, () => {
      if (token === 'pulumi:pulumi:getResource') return this.#known(request.getArgs()?.toJavaScript() ?? {});
      throw refuseQuestion('INVOKE_REFUSED', `the program asks the cloud by ${token}`);
    });
  };

  call: Monitor['call'] = (request, callback) => {
    this.#answer(callback, () => {
      throw refuseQuestion('INVOKE_REFUSED', `the program calls ${request.getTok()} of a component`);
    });
  };

  readResource: Monitor['readResource'] = (request, callback) => {
    this.#answer(callback, () => {
      const what = `${request.getType()} ${request.getName()}`;
      throw refuseQuestion('READ_REFUSED', `the program reads ${what} (${request.getId()}) from the cloud`);
    });
  };

  existsResource: Monitor['existsResource'] = (request, callback) => {
    this.#answer(callback, () => {
      throw refuseQuestion('READ_REFUSED', `the program asks whether ${request.getType()} ${request.getId()} exists`);
    });
  };

  getDeploymentInfo: Monitor['getDeploymentInfo'] = (_request, callback) => {
    callback(null, { getSupportedfeaturesList: () => [...this.#options.sdk.features] });
  };

  registerPackage: Monitor['registerPackage'] = (request, callback) => {
    callback(null, { getRef: () => `${request.getName()}@${request.getVersion()}` });
  };

  registerStackTransform: Monitor['registerStackTransform'] = (_request, callback) => {
    this.#answer(callback, () => {
      throw refuseQuestion('CALLBACK_UNSUPPORTED', 'the program registers a transform');
    });
  };

  registerStackInvokeTransform: Monitor['registerStackInvokeTransform'] = (request, callback) => {
    this.registerStackTransform(request, callback);
  };

  signalAndWaitForShutdown: Monitor['signalAndWaitForShutdown'] = (_request, callback) => {
    callback(null, {});
  };

  /** Answers after the delay, or with the refusal. */
  #answer<Answer>(callback: Callback<Answer>, make: () => Answer): void {
    const { onRefusal, delay } = this.#options;
    let answer: Answer;
    try {
      answer = make();
    } catch (error) {
      if (error instanceof Refusal) onRefusal?.(error);
      callback(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    if (delay === undefined) callback(null, answer);
    else void delay().then(() => callback(null, answer));
  }

  #register(request: RegisterRequest): RegisterAnswer {
    const [type, name, parent] = [request.getType(), request.getName(), request.getParent()];
    const urn = this.#urnOf(parent, type, name);
    const inputs = request.getObject()?.toJavaScript() ?? {};
    const propertyDependencies: Record<string, string[]> = {};
    request.getPropertydependenciesMap().forEach((urns, key) => {
      const sorted = urns.getUrnsList().toSorted();
      if (sorted.length > 0) propertyDependencies[key] = sorted;
    });
    const draft: Draft = {
      urn,
      type,
      name,
      parent: parent === '' ? null : parent,
      custom: request.getCustom(),
      inputs,
      dependencies: request.getDependenciesList().toSorted(),
      propertyDependencies,
      options: readOptions(request),
    };
    this.#add(draft);
    const { outputs, outputDependencies } = request.getRemote()
      ? this.#expand(draft, request)
      : { outputs: this.#outputsOf(draft, request), outputDependencies: {} };
    this.#answers.set(urn, outputs);
    const id = draft.custom ? this.#symbols.markOf(urn, 'id') : '';
    return {
      getUrn: () => urn,
      getId: () => id,
      getObject: () => ({ toJavaScript: () => outputs }),
      getPropertydependenciesMap: () =>
        new Map(Object.entries(outputDependencies).map(([key, urns]) => [key, { getUrnsList: () => urns }])),
      getResult: () => 0,
      getUnknown: () => false,
    };
  }

  #add(draft: Draft): void {
    if (this.#drafts.has(draft.urn)) {
      throw new Refusal({
        code: 'URN_DUPLICATE',
        message: `two resources are ${draft.urn}`,
        hint: 'give one of them another name',
        urn: draft.urn,
      });
    }
    this.#drafts.set(draft.urn, draft);
  }

  /** What was passed stays as it is; everything else that may be read of the resource is a mark. */
  #outputsOf({ urn, type, custom, inputs }: Draft, request: RegisterRequest): Fields {
    if (!custom) return {};
    const markOf = (path: string) => this.#symbols.markOf(urn, path);
    const keys = [...(this.#options.sdk.keysOfType.get(type) ?? [])].filter((key) => key !== 'id' && key !== 'urn');
    const marks = Object.fromEntries(keys.map((key) => [key, markOf(key)]));
    const outputs: Fields = { ...marks, ...inputs, ...addedFields(type, inputs, markOf) };
    for (const key of request.getAdditionalsecretoutputsList()) {
      if (key in outputs) outputs[key] = secretOf(outputs[key]);
    }
    return outputs;
  }

  #expand(draft: Draft, request: RegisterRequest): Expansion {
    const { urn, name, type, inputs, propertyDependencies } = draft;
    const expander = this.#options.expanders.find((one) => one.type === type);
    if (expander === undefined) {
      throw new Refusal({
        code: 'RESOURCE_OPAQUE',
        message: `${urn} is a remote component: its provider would make children that nobody can see here`,
        hint: `make its resources in the program, or write an expander for ${type} in stacks/render/expanders`,
        urn,
      });
    }
    const providers: Record<string, string> = {};
    request.getProvidersMap().forEach((reference, name_) => (providers[name_] = urnOfReference(reference)));
    const made = expander.expand({
      urn,
      name,
      inputs,
      propertyDependencies,
      providers,
      inputsOf: (provider) => this.#drafts.get(provider)?.inputs ?? {},
      markOf: (owner, path) => this.#symbols.markOf(owner, path),
    });
    if ('unsure' in made) throw new Refusal({ ...made.unsure, urn });
    for (const child of made.children) this.#addChild(child, urn);
    return made;
  }

  #addChild(child: Omit<Draft, 'expandedBy'>, expandedBy: string): void {
    this.#add({ ...child, expandedBy });
    if (!child.custom) return;
    const markOf = (path: string) => this.#symbols.markOf(child.urn, path);
    this.#answers.set(child.urn, { ...child.inputs, ...addedFields(child.type, child.inputs, markOf) });
  }

  /** The state of a resource that came to the program as a reference; any field of it that is no input is a mark. */
  #known(request: Fields): unknown {
    const urn = String(request['urn']);
    const state = this.#answers.get(urn);
    if (state === undefined) throw refuseQuestion('READ_REFUSED', `the program reads ${urn}, which it did not make`);
    const keys = [...(this.#options.sdk.keysOfType.get(typeOf(urn)) ?? [])];
    const marks = Object.fromEntries(keys.map((key) => [key, this.#symbols.markOf(urn, key)]));
    const answer = this.#options.sdk.structOf({
      urn,
      id: this.#symbols.markOf(urn, 'id'),
      state: { ...marks, ...state },
    });
    return { getReturn: () => answer, getFailuresList: () => [] };
  }

  /** The engine's own rule; the mocks of the SDK have another. */
  #urnOf(parent: string, type: string, name: string): string {
    const above = parent.split('::')[2] ?? '';
    const types = above === '' || above === stackType ? type : `${above}$${type}`;
    return `urn:pulumi:${this.#options.stack}::${this.#options.project}::${types}::${name}`;
  }
}

function refuseQuestion(code: string, message: string): Refusal {
  return new Refusal({
    code,
    message,
    hint: 'a render knows no cloud: pass the value as a setting of the environment',
  });
}
