import { PlanError } from '#infra/errors.ts';
import type { Alert, Severity } from './alert.ts';
import { clusterAlerts, costAlerts } from './cluster-alerts.ts';
import { clickhouseAlerts, kafkaAlerts, redisAlerts } from './data-alerts.ts';
import { serviceAlerts } from './service-alerts.ts';

export interface AlertGroup {
  readonly name: string;
  readonly alerts: readonly Alert[];
}

export interface AlertsRequest {
  /** Where the runbooks lie, `https://…` without a slash at the end. */
  readonly runbooksUrl: string;
  /** Physical name of the namespace of the services and their data. */
  readonly namespace: string;
  /** Dollars a month that the nodes may cost by OpenCost's reckoning. Default: nobody is told. */
  readonly monthlyUsd?: number;
}

/** A rule as the PrometheusRule of the Prometheus operator wants it. */
export interface AlertingRule {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: { readonly severity: Severity };
  readonly annotations: { readonly summary: string; readonly runbook_url: string };
}

/** Refuses runbooks that no browser could open. */
export function planAlerts(request: AlertsRequest): { name: string; rules: AlertingRule[] }[] {
  const { runbooksUrl } = request;
  if (!/^https:\/\/\S+[^/\s]$/.test(runbooksUrl)) {
    throw new PlanError({
      code: 'RUNBOOKS_INVALID',
      message: `runbooks would lie at "${runbooksUrl}"`,
      hint: 'give an https address without a slash at the end',
    });
  }
  return alertGroups(request).map(({ name, alerts }) => ({ name, rules: alerts.map((one) => rule(one, runbooksUrl)) }));
}

function rule({ name, runbook, severity, summary, expression, minutes }: Alert, runbooksUrl: string): AlertingRule {
  return {
    alert: name,
    expr: expression,
    for: `${minutes}m`,
    labels: { severity },
    annotations: { summary, runbook_url: `${runbooksUrl}/${runbook}.md` },
  };
}

/** Everything that is watched inside the cluster. */
export function alertGroups(request: Omit<AlertsRequest, 'runbooksUrl'>): readonly AlertGroup[] {
  const { namespace, monthlyUsd } = request;
  return [
    { name: 'services', alerts: serviceAlerts(namespace) },
    { name: 'redis', alerts: redisAlerts },
    { name: 'clickhouse', alerts: clickhouseAlerts },
    { name: 'kafka', alerts: kafkaAlerts },
    { name: 'cluster', alerts: clusterAlerts(namespace) },
    ...(monthlyUsd === undefined ? [] : [{ name: 'cost', alerts: costAlerts(monthlyUsd) }]),
  ];
}
