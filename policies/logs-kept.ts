import { ofType, type Resource } from './graph.ts';
import { violationAt, type Environment, type Rule, type Violation } from './rule.ts';

const auditLogs = /^\/aws\/eks\//;

export const logsKept: Rule = {
  name: 'logs-kept',
  why: 'what is never deleted is paid for ever, and what is deleted early is gone when somebody asks who did it',
  remedy: 'make the group before the service does, with retentionInDays from the settings',
  scope: 'resource',
  check: (graph, environment) =>
    ofType(graph, 'aws:cloudwatch/logGroup:LogGroup').flatMap((group) => checkGroup(group, environment)),
};

function checkGroup(group: Resource, { logDaysMin }: Environment): Violation[] {
  const { retentionInDays: value, name } = group.inputs;
  const daysMin = auditLogs.test(String(name)) ? logDaysMin.audit : logDaysMin.any;
  if (typeof value === 'number' && value >= daysMin) return [];
  return [violationAt(group, { property: 'retentionInDays', value }, `must be ${daysMin} or more, and not for ever`)];
}
