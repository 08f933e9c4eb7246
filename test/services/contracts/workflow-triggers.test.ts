import { describe } from 'mocha';
import { refuse } from './refusals.ts';

const step = 'steps:\n  - { name: a, uses: task, with: { handler: h }, updates: [delays] }\n';
/** The trigger stands at line 7, beside the one by hand. */
const trigger = (given: string, more = '') => `  - ${given}\n${more}${step}`;
const day = 'parameters:\n  day: { type: string, default: x }\n  rows: { type: number, default: 1 }\n';

describe('a trigger of a workflow is refused', () => {
  refuse([
    [
      'when it says nothing',
      trigger('{}'),
      '7:5',
      'triggers.1 says none of manual, cron, everySeconds, event, dataset, webhook, workflow',
      'add one of manual, cron',
    ],
    [
      'with a misspelt way',
      trigger('{ everySecond: 5 }'),
      '7:7',
      'unknown key "everySecond" in triggers.1',
      'did you mean "everySeconds"?',
    ],
    [
      'that goes two ways at once',
      trigger('{ cron: "0 6 * * *", event: paid }'),
      '7:26',
      'unknown key "event" in triggers.1',
      'known keys: cron, timezone, overlap',
    ],
    [
      'with a misspelt policy',
      trigger('{ everySeconds: 60, overlap: skipp }'),
      '7:25',
      'triggers.1.overlap is "skipp"',
      'did you mean "skip"? allowed: queue, skip, replace',
    ],
    [
      'with a misspelt catch-up',
      trigger('{ everySeconds: 60, catchUp: { runs: last } }'),
      '7:36',
      'triggers.1.catchUp.runs is "last"',
      'did you mean "latest"?',
    ],
    [
      'by event with what only clocks have',
      trigger('{ event: paid, overlap: skip }'),
      '7:20',
      "triggers.1.overlap can't stand here",
      'only triggers with a clock can overlap or catch up: cron, everySeconds, dataset, workflow',
    ],
    [
      'by webhook with what only clocks have',
      trigger('{ webhook: hook, catchUp: { runs: all } }'),
      '7:22',
      "triggers.1.catchUp can't stand here",
      'only triggers with a clock',
    ],
    [
      'whose offset is a whole interval',
      trigger('{ everySeconds: 60, offsetSeconds: 60 }'),
      '7:25',
      'offsetSeconds is 60, not less than everySeconds, 60',
      'take everySeconds off',
    ],
    [
      'that stands twice: by hand',
      trigger('manual: true'),
      '7:5',
      'this is the trigger triggers.0 once more: manual',
      'delete one',
    ],
    [
      'that stands twice: the same webhook',
      `  - webhook: hook\n${trigger('webhook: hook')}`,
      '8:5',
      'this is the trigger triggers.1 once more: webhook hook',
      'delete one',
    ],
    [
      'that stands twice: a default that is written out',
      `  - cron: "0 6 * * *"\n${trigger('{ cron: "0 6 * * *", timezone: UTC }')}`,
      '8:7',
      'once more: cron 0 6 * * * UTC',
      'delete one',
    ],
    ['by its own end', trigger('workflow: demo'), '7:5', 'the workflow "demo" starts itself', 'everySeconds'],
    [
      'by an end that there is not',
      trigger('{ workflow: other, on: success }'),
      '7:24',
      'triggers.1.on is "success"',
      'did you mean "succeeded"?',
    ],
    [
      'by the dataset that it updates',
      trigger('dataset: delays'),
      '7:5',
      'the workflow brings delays up to date itself',
      'olderThanSeconds',
    ],
    [
      'by a dataset that stands twice',
      trigger('dataset: [flights, weather, flights]'),
      '7:33',
      'the dataset "flights" stands here twice',
      'delete one',
    ],
    [
      'by a dataset that is no name',
      trigger('dataset: Flights'),
      '7:5',
      'triggers.1.dataset is "Flights"',
      'lower-case letters',
    ],
    ['by no dataset at all', trigger('dataset: []'), '7:5', 'triggers.1.dataset is []', ''],
    [
      'with an expression for a key',
      trigger('{ event: paid, key: "${{ run.day }}" }'),
      '7:20',
      '"run.day": an expression is not read here',
      'write the value itself',
    ],
    [
      'with a parameter that is not declared',
      trigger('{ event: paid, parameters: { dya: x } }', day),
      '7:34',
      'there is no parameter "dya"',
      'did you mean "day"?',
    ],
    [
      'with a parameter of another type',
      trigger('{ event: paid, parameters: { rows: many } }', day),
      '7:34',
      'the parameter "rows" is "many", its type is number',
      'write a number',
    ],
    [
      'with a number put together from text',
      trigger('{ event: paid, parameters: { rows: "1${{ event.rows }}" } }', day),
      '7:34',
      'its type is number',
      'write a number',
    ],
    [
      'with the event of a clock',
      trigger('{ everySeconds: 5, parameters: { day: "${{ event.day }}" } }', day),
      '7:38',
      '"event.day": event is known only in the parameters of a trigger that has one',
      'begins with run',
    ],
    [
      'with the result of a step',
      trigger('{ event: paid, parameters: { day: "${{ steps.a.result }}" } }', day),
      '7:34',
      '"steps.a.result": steps is not known in the parameters of a trigger by event',
      'begins with event, run',
    ],
    [
      'with a parameter of the run',
      trigger('{ event: paid, parameters: { day: "${{ parameters.day }}" } }', day),
      '7:34',
      'parameters is not known in',
      'begins with event, run',
    ],
    [
      'with a field that runs do not have',
      trigger('{ event: paid, parameters: { day: "${{ run.date }}" } }', day),
      '7:34',
      'there is no field of run "date"',
      'did you mean "day"?',
    ],
    [
      'that leaves a parameter without value',
      trigger('webhook: hook', 'parameters:\n  day: { type: string }\n'),
      '9:3',
      'the parameter "day" has no default, but a webhook trigger starts runs without it',
      'give the trigger parameters: { day: … }',
    ],
  ]);
});

describe('the head of a workflow is refused', () => {
  refuse([
    [
      'with a priority above the first',
      `priority: 10\n${step}`,
      '7:1',
      'priority is 10: it must be <= 9',
      '9 first; default 5',
    ],
    ['without steps', 'steps: []\n', '7:1', 'steps is []', ''],
    ['with a misspelt key', `runMax: 2\n${step}`, '7:1', 'unknown key "runMax"', 'did you mean "runsMax"?'],
    [
      'with a type that parameters do not have',
      `parameters:\n  day: { type: text }\n${step}`,
      '8:10',
      'parameters.day.type is "text"',
      'allowed: string, number, boolean',
    ],
    [
      'with an expression for a default',
      `parameters:\n  day: { type: string, default: "\${{ run.day }}" }\n${step}`,
      '8:24',
      '"run.day": an expression is not read here',
      'write the value itself',
    ],
    [
      'with a parameter that every object has',
      `parameters:\n  constructor: { type: string, default: x }\n${step}`,
      '8:3',
      'no key may be called "constructor"',
      'another name',
    ],
    [
      'with a run longer than a month',
      `timeoutSeconds: 2592001\n${step}`,
      '7:1',
      'timeoutSeconds is 2592001: it must be <= 2592000',
      'the whole run may take',
    ],
  ]);
});
