import { parsePrices, type PriceList } from '#infra/planning/prices.ts';
import { gatherEvidence, type Origin } from '../change/evidence.ts';
import {
  assembleWorkingTree,
  freezeFile,
  loadEnvironment,
  loadWorkingTree,
  type Loaded,
  type Progress,
} from '../change/load.ts';
import type { Side } from '../change/side.ts';
import { formatCost } from '../cost/format.ts';
import { describeCost, reportCost } from '../cost/report.ts';
import { CommandError } from '../errors.ts';
import { readPin } from '../promotion/pin.ts';
import { isLocal, type Places } from '../release/places.ts';
import { assertEnvironment } from './environment-name.ts';
import { required } from './release.ts';
import type { Verb } from './verb.ts';

export const cost: Verb = {
  name: 'cost',
  summary: 'tell what an environment costs in a month, by component, and what drives it',
  wordsMax: 1,
  usage: 'ENV [--working-tree] [--detail]',
  help: `Renders what ENV is pinned to and sums it up by the price list of that release: USD a month by component, at the least size and at
the most that it may grow to, the dearest first. How many nodes a pool of Karpenter runs no graph tells: at least those that the
declared requests of its pods need, at most what its limits allow, each as the mean of the pool's types.
What is billed by use (traffic, requests, bytes kept) is listed with its unit price and is in no sum; what has no price is listed by
name. No sum is better than its prices: each says which share of it rests on estimates.
--working-tree: this tree and Pulumi.<ENV>.yaml as they lie here. --detail: every line of the bill.
--json: {schema, environment, release, binding, region, prices, monthly, components, nodes, asked, unitPrices}; monthly and each
component have usd (least), mostUsd and estimatedUsd; a component has drivers, byUse and unpriced, a driver its lines {keys, least,
most, unitUsd, estimate}; nodes tells every pool's asked, least and most. region is null outside AWS, where no bill is known.
  npx orrery cost prod
  npx orrery cost dev --working-tree --detail`,
  options: { 'working-tree': { type: 'boolean' }, detail: { type: 'boolean' } },
  async run({ places, progress }, { words, values }) {
    const environment = assertEnvironment(places, required(words, 'ENV', 'cost'));
    if (isLocal(environment)) throw localIsFree();
    const pin = values['working-tree'] === true ? undefined : readPin(places, environment);
    const loaded =
      pin === undefined
        ? await loadTree(places, { environment, progress, asked: values['working-tree'] === true })
        : loadEnvironment(places, environment, pin);
    const side = await loaded.render(progress);
    const report = reportCost({ environment, side, prices: await readPrices(places, side, loaded.origin) });
    return { json: describeCost(report), text: formatCost(report, values['detail'] === true) };
  },
};

interface TreeRequest {
  readonly environment: string;
  readonly progress: Progress;
  /** False where nothing is pinned: then the tree is all that can be told. */
  readonly asked: boolean;
}

async function loadTree(places: Places, { environment, progress, asked }: TreeRequest): Promise<Loaded> {
  if (!asked) progress(`${environment} stands on no release: this is the working tree`);
  const binding = freezeFile(places, environment);
  return loadWorkingTree(places, await assembleWorkingTree(places, progress), {
    on: { environment, binding },
    live: {},
  });
}

async function readPrices(places: Places, side: Side, origin: Origin): Promise<PriceList> {
  const nothing: Origin = { objects: new Map() };
  const { object } = await gatherEvidence(places, { base: undefined, head: side }, { base: nothing, head: origin });
  const bytes = object(side.release.prices.list);
  if (bytes !== undefined) return parsePrices(bytes.toString('utf8'));
  throw new CommandError({
    code: 'PRICES_MISSING',
    message: `the price list ${side.release.prices.list} of ${side.label} is not here`,
    hint: 'it is brought back with the release: npx orrery release verify --rebuild',
  });
}

function localIsFree(): CommandError {
  return new CommandError({
    code: 'USAGE',
    message: 'local runs on this machine: nobody bills it',
    hint: 'name an environment in a cloud, for example: npx orrery cost dev',
    exitCode: 2,
  });
}
