import { describe } from 'mocha';
import { refuse } from './refusals.ts';

const a = '  - { name: a, uses: task, with: { handler: h } }\n';

describe('a step of a workflow is refused', () => {
  refuse([
    [
      'without a handler',
      'steps:\n  - name: a\n    uses: task\n    with: { input: 1 }\n',
      '10:5',
      'steps.0.with lacks "handler"',
      'add the key "handler"',
    ],
    [
      'with the key that a timeout had',
      'steps:\n  - name: a\n    uses: task\n    with: { handler: h }\n    timeoutSeconds: 5\n',
      '11:5',
      'unknown key "timeoutSeconds" in steps.0',
      'did you mean "timeouts"?',
    ],
    [
      'with the kind that waiting had',
      'steps:\n  - name: a\n    uses: sleep\n    with: { milliseconds: 5 }\n',
      '9:5',
      'steps.0.uses is "sleep"',
      'allowed: task, process, http, sql, map, workflow, wait, approve',
    ],
    [
      'with a misspelt clock',
      'steps:\n  - name: a\n    uses: task\n    with: { handler: h }\n    timeouts: { attemptSecond: 5 }\n',
      '11:17',
      'unknown key "attemptSecond" in steps.0.timeouts',
      'did you mean "attemptSeconds"?',
    ],
    [
      'with a clock of no time',
      'steps:\n  - name: a\n    uses: task\n    with: { handler: h }\n    timeouts: { queueSeconds: 0 }\n',
      '11:17',
      'steps.0.timeouts.queueSeconds is 0: it must be >= 1',
      'seconds that the ready step may wait',
    ],
    [
      'with an attempt longer than all of them',
      'steps:\n  - name: a\n    uses: task\n    with: { handler: h }\n    timeouts: { attemptSeconds: 60, totalSeconds: 30 }\n',
      '11:17',
      'attemptSeconds is 60, more than totalSeconds, 30',
      'raise it',
    ],
    [
      'with a queue longer than all of it',
      'steps:\n  - name: a\n    uses: task\n    with: { handler: h }\n    timeouts: { totalSeconds: 30, queueSeconds: 31 }\n',
      '11:35',
      'queueSeconds is 31, more than totalSeconds, 30',
      'totalSeconds holds all tries',
    ],
    [
      'with a heartbeat rarer than an attempt is long',
      'steps:\n  - name: a\n    uses: task\n    with: { handler: h }\n    timeouts: { heartbeatSeconds: 301 }\n',
      '11:17',
      'heartbeatSeconds is 301, more than attemptSeconds, 300',
      'raise attemptSeconds',
    ],
    [
      'with more time than its run has',
      'timeoutSeconds: 100\nsteps:\n  - name: a\n    uses: task\n    with: { handler: h }\n    timeouts: { totalSeconds: 101 }\n',
      '12:17',
      'totalSeconds is 101, more than timeoutSeconds of the workflow, 100',
      'raise timeoutSeconds',
    ],
    [
      'with heartbeats of what nobody works on',
      'steps:\n  - name: a\n    uses: wait\n    with: { forMs: 5 }\n    timeouts: { heartbeatSeconds: 5 }\n',
      '11:17',
      'a step that uses wait sends no heartbeats',
      'totalSeconds',
    ],
    [
      'with an unknown class of error',
      'steps:\n  - name: a\n    uses: task\n    with: { handler: h }\n    retry: { attemptsMax: 3, classes: { timeouts: { attemptsMax: 5 } } }\n',
      '11:41',
      'unknown key "timeouts" in steps.0.retry.classes',
      'did you mean "timeout"?',
    ],
    [
      'with a misspelt jitter',
      'steps:\n  - name: a\n    uses: task\n    with: { handler: h }\n    retry: { attemptsMax: 3, jitter: ful }\n',
      '11:30',
      'steps.0.retry.jitter is "ful"',
      'did you mean "full"? allowed: full, none',
    ],
    [
      'with more tries than anyone waits for',
      'steps:\n  - name: a\n    uses: task\n    with: { handler: h }\n    retry: { attemptsMax: 21 }\n',
      '11:14',
      'attemptsMax is 21: it must be <= 20',
      'tries in all',
    ],
    [
      'with a class that waits longer than the bound',
      'steps:\n  - name: a\n    uses: task\n    with: { handler: h }\n    retry: { attemptsMax: 3, backoffMaxMs: 500, classes: { throttled: { backoffMs: 501 } } }\n',
      '11:73',
      'backoffMs of throttled is 501, more than backoffMaxMs, 500',
      'raise backoffMaxMs',
    ],
    [
      'with a fallback for an unknown class',
      'steps:\n  - name: a\n    uses: task\n    with: { handler: h }\n    fallback: { result: null, classes: [unavailible] }\n',
      '11:41',
      'steps.0.fallback.classes.0 is "unavailible"',
      'did you mean "unavailable"?',
    ],
    [
      'with a class that stands twice in a fallback',
      'steps:\n  - name: a\n    uses: task\n    with: { handler: h }\n    fallback: { result: 1, classes: [timeout, timeout] }\n',
      '11:47',
      'the class "timeout" stands here twice',
      'delete one',
    ],
    [
      'with a fallback without its result',
      'steps:\n  - name: a\n    uses: task\n    with: { handler: h }\n    fallback: { classes: [timeout] }\n',
      '11:5',
      'steps.0.fallback lacks "result"',
      'add the key "result"',
    ],
    [
      'with a fallback of more than 64 KiB',
      `steps:\n  - name: a\n    uses: task\n    with: { handler: h }\n    fallback:\n      result: "${'x'.repeat(65_536)}"\n`,
      '12:7',
      'the result has 65538 bytes, the most is 65536',
      'put it into the store',
    ],
    [
      'with an expression in its fallback',
      'steps:\n  - name: a\n    uses: task\n    with: { handler: h }\n    fallback: { result: { day: "${{ run.day }}" } }\n',
      '11:27',
      '"run.day": an expression is not read here',
      'write the value itself',
    ],
    [
      'with a limit without a bound',
      'steps:\n  - name: a\n    uses: task\n    with: { handler: h }\n    limit: { key: x }\n',
      '11:5',
      'steps.0.limit lacks "max"',
      'add the key "max"',
    ],
    [
      'with a dataset that it updates twice',
      'steps:\n  - name: a\n    uses: task\n    with: { handler: h }\n    updates: [flights, delays, flights]\n',
      '11:32',
      'the dataset "flights" stands here twice',
      'delete one',
    ],
    [
      'with a dataset that is no name',
      'steps:\n  - name: a\n    uses: task\n    with: { handler: h }\n    updates: [Flights]\n',
      '11:15',
      'steps.0.updates.0 is "Flights"',
      'lower-case letters',
    ],
    [
      'with a method that services do not have',
      'steps:\n  - name: a\n    uses: http\n    with: { service: x, method: PATCH, path: /v1 }\n',
      '10:25',
      'steps.0.with.method is "PATCH"',
      'allowed: GET, POST, PUT',
    ],
    [
      'with a program without its bounds',
      'steps:\n  - name: a\n    uses: process\n    with: { program: x }\n',
      '10:5',
      'steps.0.with lacks "limits"',
      'add the key "limits"',
    ],
    [
      'with a pool that is no name',
      'steps:\n  - name: a\n    uses: task\n    with: { handler: h, pool: GPU }\n',
      '10:25',
      'steps.0.with.pool is "GPU"',
      'its workers take from',
    ],
  ]);
});

describe('a step that uses sql is refused', () => {
  refuse([
    [
      'with an expression in its statement',
      'steps:\n  - name: a\n    uses: sql\n    with: { statement: "SELECT \'${{ run.day }}\'" }\n',
      '10:13',
      'the statement has an expression in it',
      '{name:Type}',
    ],
    [
      'with a parameter that is not given',
      'steps:\n  - name: a\n    uses: sql\n    with:\n      statement: SELECT {dey:Date}, {day:Date}\n      parameters: { day: x }\n',
      '11:7',
      'the statement asks for {dey:…}, which parameters does not have',
      'did you mean "day"?',
    ],
    [
      'without rows',
      'steps:\n  - name: a\n    uses: sql\n    with: { statement: SELECT 1, rowsMax: 0 }\n',
      '10:34',
      'rowsMax is 0: it must be >= 1',
      'default 1000',
    ],
    [
      'with a parameter that nothing asks for',
      'steps:\n  - name: a\n    uses: sql\n    with: { statement: "SELECT {day:Date}", parameters: { day: x, dya: y } }\n',
      '10:67',
      'the statement does not ask for the parameter "dya"',
      'did you mean "day"?',
    ],
  ]);
});

describe('a step that uses map is refused', () => {
  const map = (over: string, step: string, more = '') =>
    `steps:\n${a}  - name: m\n    needs: [a]\n    uses: map\n    with: { over: "${over}"${more} }\n    step: ${step}\n`;
  const task = '{ uses: task, with: { handler: h } }';
  refuse([
    [
      'over text',
      map('1, 2, 3', task),
      '12:13',
      'over is "1, 2, 3": it must be one expression',
      'for example ${{ steps',
    ],
    [
      'over an expression within text',
      map('x ${{ steps.a.result }}', task),
      '12:13',
      'it must be one expression and nothing else',
      'for example',
    ],
    [
      'whose body is a map',
      map('${{ steps.a.result }}', '{ uses: map, with: { over: x } }'),
      '13:13',
      'steps.1.step.uses is "map"',
      'allowed: task, process, http, sql, workflow',
    ],
    [
      'whose body waits',
      map('${{ steps.a.result }}', '{ uses: wait, with: { forMs: 1 } }'),
      '13:13',
      'steps.1.step.uses is "wait"',
      'allowed: task, process, http, sql, workflow',
    ],
    [
      'whose body asks people',
      map('${{ steps.a.result }}', '{ uses: approve, with: { who: [ann] } }'),
      '13:13',
      'steps.1.step.uses is "approve"',
      'allowed: task, process, http, sql, workflow',
    ],
    [
      'whose body has a name',
      map('${{ steps.a.result }}', '{ name: x, uses: task, with: { handler: h } }'),
      '13:13',
      'unknown key "name" in steps.1.step',
      'known keys: uses, with, retry',
    ],
    [
      'without a body',
      `steps:\n  - name: m\n    uses: map\n    with: { over: "\${{ parameters.x }}" }\n`,
      '8:5',
      'steps.0 lacks "step"',
      'add the key "step"',
    ],
    [
      'that lets more fail than there are',
      map('${{ steps.a.result }}', task, ', itemsMax: 5, failuresMax: 6'),
      '12:57',
      'failuresMax is 6, more than itemsMax, 5',
      'lower it',
    ],
    [
      'with a misspelt width',
      map('${{ steps.a.result }}', task, ', atonce: 5'),
      '12:44',
      'unknown key "atonce" in steps.1.with',
      'did you mean "atOnce"?',
    ],
    [
      'whose body contradicts itself',
      map(
        '${{ steps.a.result }}',
        '{ uses: task, with: { handler: h }, timeouts: { attemptSeconds: 9, totalSeconds: 8 } }',
      ),
      '13:59',
      'attemptSeconds is 9, more than totalSeconds, 8',
      'raise it',
    ],
    [
      'whose body starts the workflow itself',
      map('${{ steps.a.result }}', '{ uses: workflow, with: { workflow: demo } }'),
      '13:37',
      'the workflow "demo" starts itself',
      'name another workflow',
    ],
  ]);
});

describe('a step that waits is refused', () => {
  const wait = (given: string) => `steps:\n  - name: w\n    uses: wait\n    with: ${given}\n`;
  refuse([
    ['for nothing', wait('{}'), '10:5', 'the wait is for nothing', 'exactly one of forMs, until, event, dataset'],
    [
      'for two things',
      wait('{ forMs: 5, event: paid }'),
      '10:23',
      'the wait is for forMs and event at once',
      'exactly one of',
    ],
    [
      'with a misspelt way',
      wait('{ events: paid }'),
      '10:13',
      'unknown key "events" in steps.0.with',
      'did you mean "event"?',
    ],
    [
      'with a key of no event',
      wait('{ forMs: 5, key: x }'),
      '10:23',
      '"key" says nothing without "event"',
      'add "event"',
    ],
    [
      'with a time of no dataset',
      wait('{ forMs: 5, atLeast: 2026-03-01T06:00:00Z }'),
      '10:23',
      '"atLeast" says nothing without "dataset"',
      'add "dataset"',
    ],
    [
      'until a time without a zone',
      wait('{ until: 2026-03-01T06:00:00 }'),
      '10:13',
      'until is "2026-03-01T06:00:00", which is no time',
      'RFC 3339',
    ],
    [
      'until a day that no month has',
      wait('{ until: 2026-02-30T06:00:00Z }'),
      '10:13',
      'until is "2026-02-30T06:00:00Z", which is no time',
      'RFC 3339',
    ],
    [
      'for longer than its run may take',
      wait('{ forMs: 3600000 }'),
      '10:13',
      'forMs is 3600000, as long as the run may take or longer: 3600 seconds',
      'raise timeoutSeconds',
    ],
    [
      'with a limit',
      `${wait('{ forMs: 5 }')}    limit: { key: x, max: 1 }\n`,
      '11:5',
      'a step that uses wait holds no slot',
      'the step that does the work',
    ],
  ]);
});

describe('a step that asks people is refused', () => {
  const approve = (given: string, more = '') => `steps:\n  - name: ok\n    uses: approve\n    with: ${given}\n${more}`;
  refuse([
    ['with no one to ask', approve('{ who: [] }'), '10:13', 'steps.0.with.who is []', 'the actors who may approve'],
    [
      'with more approvals than people',
      approve('{ who: [ann, bob], quorum: 3 }'),
      '10:30',
      'quorum is 3, more than the 2 who may approve',
      'name more actors',
    ],
    [
      'with someone named twice, who would count once',
      approve('{ who: [ann, bob, ann] }'),
      '10:29',
      'the actor "ann" stands here twice',
      'delete one',
    ],
    [
      'with an actor that is no name',
      approve('{ who: [Ann Lee] }'),
      '10:19',
      'steps.0.with.who.0 is "Ann Lee"',
      'lower-case letters',
    ],
    [
      'with a misspelt quorum',
      approve('{ who: [ann], qorum: 1 }'),
      '10:25',
      'unknown key "qorum"',
      'did you mean "quorum"?',
    ],
    [
      'with a fallback that would approve by itself',
      approve('{ who: [ann] }', '    fallback: { result: {} }\n'),
      '11:5',
      'a fallback would approve what was rejected',
      'take the fallback out',
    ],
  ]);
});

describe('a step that starts another workflow is refused', () => {
  refuse([
    [
      'when it is its own',
      'steps:\n  - name: a\n    uses: workflow\n    with: { workflow: demo }\n',
      '10:13',
      'the workflow "demo" starts itself',
      'name another workflow',
    ],
    [
      'when it names none',
      'steps:\n  - name: a\n    uses: workflow\n    with: { workfow: other, workflow: other }\n',
      '10:13',
      'unknown key "workfow"',
      'did you mean "workflow"?',
    ],
  ]);
});
