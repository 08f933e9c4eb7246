import { readFileSync, writeSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { expanders } from './expanders/known.ts';
import { writeGraph } from './graph.ts';
import { isolate } from './isolation.ts';
import { Recorder } from './monitor.ts';
import { perturb } from './perturbation.ts';
import type { RenderEnd, RenderRequest } from './protocol.ts';
import { Refusal, type RefusalDetails } from './refusal.ts';
import { loadSdk, runProgram, type Sdk } from './sdk.ts';
import { guardSymbols } from './symbol-guard.ts';

/**
 * The renderer: a process of its own for each render, because a program's modules are loaded once in a process, and because a
 * throw inside an `apply` ends a process. It is bundled into the release as `renderer.mjs`. It answers on standard output; what the
 * program prints goes to standard error.
 */
Object.defineProperty(process, 'stdout', { get: () => process.stderr });

/** Never opened as a stream, standard output stays blocking: an answer is out before the process ends. */
function answer(text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length;) at += writeSync(1, bytes, at);
}

/** How long a rejection may take to reach the resource that waited for it, in turns of the event loop. */
const turnsToPlace = 3;

function end(line: RenderEnd, code: 0 | 1): never {
  answer(`${JSON.stringify(line)}\n`);
  process.exit(code);
}

function refuse(refusal: Refusal): never {
  end({ error: refusal.details }, 1);
}

interface Program {
  composePlatform(request: Pick<RenderRequest, 'environment' | 'release' | 'releaseDigest' | 'settings'>): unknown;
}

async function render(request: RenderRequest): Promise<void> {
  const delay = request.perturbation === undefined ? undefined : perturb(request.perturbation);
  isolate(refuse);
  const sdk = loadSdk();
  const endByStray = catchStrays(sdk);
  guardSymbols(refuse);
  const recorder = new Recorder({
    sdk,
    expanders,
    project: request.project,
    stack: request.environment,
    onRefusal: refuse,
    ...(delay === undefined ? {} : { delay }),
  });
  try {
    const program = (await import(pathToFileURL(request.program).href)) as Program;
    const { environment, release, releaseDigest, settings } = request;
    await runProgram(sdk, recorder, { project: request.project, stack: environment }, () =>
      program.composePlatform({ environment, release, releaseDigest, settings }),
    );
    await turns(turnsToPlace);
  } catch (error) {
    await turns(turnsToPlace);
    end({ error: describe(error, sdk) }, 1);
  }
  endByStray();
  finish(recorder);
}

function finish(recorder: Recorder): never {
  const resources = recorder.resources();
  answer(writeGraph(resources));
  const peakMemoryBytes = process.resourceUsage().maxRSS * 1024;
  end({ end: { resources: resources.length, peakMemoryBytes } }, 0);
}

/**
 * An error inside an `apply` belongs to nobody: it comes as a stray rejection, and the program goes on without what it should have
 * made. Returns a check that ends the render if one came. A program that waits for what never comes is ended all the same.
 */
function catchStrays(sdk: Sdk): () => void {
  const strays: unknown[] = [];
  const endByFirst = () => {
    if (strays.length > 0) end({ error: describe(strays[0], sdk) }, 1);
  };
  const stray = (error: unknown) => {
    strays.push(error);
    void turns(turnsToPlace).then(endByFirst);
  };
  process.on('unhandledRejection', stray).on('uncaughtException', stray);
  return endByFirst;
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** What a program throws, in the words of a refusal; errors of ours bring code and remedy with them. */
function describe(error: unknown, sdk: Sdk): RefusalDetails {
  if (error instanceof Refusal) return error.details;
  const known = (typeof error === 'object' && error !== null ? error : {}) as Partial<Record<string, unknown>>;
  const { code, hint, problem, permission, resource } = known;
  const message = String(known['message'] ?? error).replace(/^(error serializing property "[^"]*": )+/, '');
  if (code === 'ERR_ACCESS_DENIED') {
    return {
      code: 'ACCESS_REFUSED',
      message: `the program tried ${String(permission)} of ${String(resource)}`,
      hint: 'a render reads nothing but its own bundle: pass the value as a setting of the environment',
      ...placeOf(error, sdk),
    };
  }
  if (typeof code === 'string' && typeof hint === 'string') {
    return { code, message: typeof problem === 'string' ? problem : message, hint };
  }
  return {
    code: 'PROGRAM_FAILED',
    message: `the program failed: ${message}`,
    hint: 'mend the program; what it computes from outputs must hold for any text',
    ...placeOf(error, sdk),
  };
}

function placeOf(error: unknown, sdk: Sdk): { urn?: string; property?: string } {
  const place = typeof error === 'object' && error !== null ? sdk.places.get(error) : undefined;
  if (place === undefined) return {};
  const { type, name, property } = place;
  return { urn: `${type}::${name}`, ...(property === undefined ? {} : { property: `/${property}` }) };
}

await render(JSON.parse(readFileSync(0, 'utf8')) as RenderRequest);
