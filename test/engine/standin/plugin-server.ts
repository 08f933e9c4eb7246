import { createRequire } from 'node:module';
import type { sendUnaryData, ServerUnaryCall } from '@grpc/grpc-js';
import type { Struct } from 'google-protobuf/google/protobuf/struct_pb.js';
import type { Difference } from './replacement.ts';
import { bareMap, type Values } from './values.ts';

// The protocol as the SDK carries it: the server of @pulumi/pulumi/provider can not tell a preview from a deployment.
const sdk = createRequire(createRequire(import.meta.url).resolve('@pulumi/pulumi/package.json'));
const grpc = sdk('@grpc/grpc-js') as typeof import('@grpc/grpc-js');
const answers = sdk('./proto/provider_pb.js') as typeof import('@pulumi/pulumi/proto/provider_pb.js');
const services = sdk('./proto/provider_grpc_pb.js') as typeof import('@pulumi/pulumi/proto/provider_grpc_pb.js');
const { PluginInfo } = sdk('./proto/plugin_pb.js') as typeof import('@pulumi/pulumi/proto/plugin_pb.js');
const { Empty } = sdk('google-protobuf/google/protobuf/empty_pb.js') as {
  Empty: new () => import('google-protobuf/google/protobuf/empty_pb.js').Empty;
};
const structs = sdk('google-protobuf/google/protobuf/struct_pb.js') as {
  Struct: { fromJavaScript(values: Values): Struct };
};

export interface Checked {
  readonly urn: string;
  readonly olds: Values;
  readonly news: Values;
  /** For names that are made up: the same in a preview and in what follows it. */
  readonly seed: Uint8Array;
}

export interface Wanted {
  readonly urn: string;
  readonly inputs: Values;
  readonly preview: boolean;
  /** What is changed in place; absent for what is made. */
  readonly known?: { readonly id: string };
}

export interface Made {
  readonly id: string;
  readonly outputs: Values;
}

export interface Known {
  readonly urn: string;
  readonly id: string;
  readonly inputs: Values;
  readonly outputs: Values;
}

/** What the engine asks of a provider; a throw is an error of that resource. */
export interface ResourceProvider {
  configure(settings: Values): void;
  diffConfig(olds: Values, news: Values): Difference;
  /** The inputs, with a name where they lack one. */
  check(checked: Checked): Values;
  diff(urn: string, change: { readonly olds: Values; readonly news: Values }): Difference;
  make(wanted: Wanted): Promise<Made>;
  /** Undefined when it is gone. */
  read(known: Known): Promise<Omit<Known, 'urn'> | undefined>;
  delete(known: Omit<Known, 'inputs'>): Promise<void>;
}

const messageMaxBytes = 256 * 1024 * 1024;

/** Serves until its process is ended; the engine reads the port from the first line. */
export function serve(provider: ResourceProvider, { name, version }: { name: string; version: string }): void {
  const limits = {
    'grpc.max_receive_message_length': messageMaxBytes,
    'grpc.max_send_message_length': messageMaxBytes,
  };
  const server = new grpc.Server(limits);
  server.addService(services.ResourceProviderService, { ...plugin(name, version), ...resources(provider) });
  server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
    if (error !== null) throw error;
    process.stdout.write(`${port}\n`);
  });
}

function plugin(name: string, version: string) {
  return {
    handshake: unary(() => {
      const answer = new answers.ProviderHandshakeResponse();
      answer.setAcceptSecrets(true);
      return answer;
    }),
    getPluginInfo: unary(() => {
      const answer = new PluginInfo();
      answer.setVersion(version);
      return answer;
    }),
    getSchema: unary(() => {
      const answer = new answers.GetSchemaResponse();
      answer.setSchema(JSON.stringify({ name, version, resources: {}, functions: {} }));
      return answer;
    }),
    cancel: unary(() => new Empty()),
    attach: unary(() => new Empty()),
  };
}

type Requests = typeof answers;
type Request<Name extends keyof Requests> = Requests[Name] extends new () => infer Message ? Message : never;

function resources(provider: ResourceProvider) {
  return {
    checkConfig: unary((request: Request<'CheckRequest'>) => {
      const answer = new answers.CheckResponse();
      answer.setInputs(request.getNews());
      return answer;
    }),
    diffConfig: unary((request: Request<'DiffRequest'>) =>
      differenceAnswer(provider.diffConfig(valuesOf(request.getOldInputs()), valuesOf(request.getNews()))),
    ),
    configure: unary((request: Request<'ConfigureRequest'>) => {
      provider.configure(bareMap(valuesOf(request.getArgs())));
      const answer = new answers.ConfigureResponse();
      answer.setAcceptsecrets(true);
      answer.setSupportspreview(true);
      return answer;
    }),
    check: unary((request: Request<'CheckRequest'>) => {
      const [olds, news] = [valuesOf(request.getOlds()), valuesOf(request.getNews())];
      const answer = new answers.CheckResponse();
      const seed = request.getRandomseed_asU8();
      answer.setInputs(structOf(provider.check({ urn: request.getUrn(), olds, news, seed })));
      return answer;
    }),
    diff: unary((request: Request<'DiffRequest'>) => {
      const change = { olds: valuesOf(request.getOldInputs()), news: valuesOf(request.getNews()) };
      return differenceAnswer(provider.diff(request.getUrn(), change));
    }),
    create: unary(async (request: Request<'CreateRequest'>) => {
      const inputs = valuesOf(request.getProperties());
      const { id, outputs } = await provider.make({ urn: request.getUrn(), inputs, preview: request.getPreview() });
      const answer = new answers.CreateResponse();
      answer.setId(id);
      answer.setProperties(structOf(outputs));
      return answer;
    }),
    update: unary(async (request: Request<'UpdateRequest'>) => {
      const [inputs, known] = [valuesOf(request.getNews()), { id: request.getId() }];
      const { outputs } = await provider.make({ urn: request.getUrn(), inputs, preview: request.getPreview(), known });
      const answer = new answers.UpdateResponse();
      answer.setProperties(structOf(outputs));
      return answer;
    }),
    read: unary(async (request: Request<'ReadRequest'>) => {
      const [inputs, outputs] = [valuesOf(request.getInputs()), valuesOf(request.getProperties())];
      const found = await provider.read({ urn: request.getUrn(), id: request.getId(), inputs, outputs });
      const answer = new answers.ReadResponse();
      if (found === undefined) return answer;
      answer.setId(found.id);
      answer.setInputs(structOf(found.inputs));
      answer.setProperties(structOf(found.outputs));
      return answer;
    }),
    delete: unary(async (request: Request<'DeleteRequest'>) => {
      const outputs = valuesOf(request.getProperties());
      await provider.delete({ urn: request.getUrn(), id: request.getId(), outputs });
      return new Empty();
    }),
  };
}

function differenceAnswer({ changed, replaced, deleteFirst }: Difference) {
  const answer = new answers.DiffResponse();
  const { DIFF_SOME, DIFF_NONE } = answers.DiffResponse.DiffChanges;
  answer.setChanges(changed.length + replaced.length > 0 ? DIFF_SOME : DIFF_NONE);
  answer.setDiffsList([...changed]);
  answer.setReplacesList([...replaced]);
  answer.setDeletebeforereplace(deleteFirst);
  return answer;
}

function unary<Asked, Answered>(answer: (request: Asked) => Answered | Promise<Answered>) {
  return async (call: ServerUnaryCall<Asked, Answered>, callback: sendUnaryData<Answered>): Promise<void> => {
    try {
      callback(null, await answer(call.request));
    } catch (error) {
      callback({ code: grpc.status.UNKNOWN, details: error instanceof Error ? error.message : String(error) });
    }
  };
}

function valuesOf(struct: Struct | undefined): Values {
  return struct?.toJavaScript() ?? {};
}

/** Values that are undefined have no form on the wire. */
function structOf(values: Values): Struct {
  return structs.Struct.fromJavaScript(JSON.parse(JSON.stringify(values)) as Values);
}
