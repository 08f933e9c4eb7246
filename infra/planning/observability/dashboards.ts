/*
 * What Grafana draws, as data: a dashboard is a list of rows of panels, a panel a few questions to Prometheus. Metrics of ours are only
 * those that the services export; the rest is what well-known exporters tell.
 */

export interface Panel {
  readonly title: string;
  /** How a value is written: one of Grafana's units. */
  readonly unit: 'short' | 'percentunit' | 's' | 'ms' | 'bytes' | 'currencyUSD' | 'reqps';
  /** A line over time; one number; or a table of labels. */
  readonly form: 'line' | 'number' | 'table';
  readonly questions: readonly Question[];
}

export interface Question {
  /** PromQL. */
  readonly expression: string;
  /** What the line is called, by its labels: `{{pod}}`. */
  readonly legend: string;
}

export interface Dashboard {
  /** Stable: the address of the dashboard and the name of its file. */
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly Panel[];
}

const columns = 24;
const panelsOfRow = 3;
const panelHeight = 8;
const types = { line: 'timeseries', number: 'stat', table: 'table' } as const;

/** The dashboard as Grafana reads it; the same input gives the same text. */
export function dashboardJson({ uid, title, panels }: Dashboard): string {
  return JSON.stringify({
    uid,
    title,
    tags: ['orrery'],
    schemaVersion: 39,
    editable: false,
    refresh: '1m',
    time: { from: 'now-6h', to: 'now' },
    templating: { list: [{ name: 'source', type: 'datasource', query: 'prometheus', label: 'Source' }] },
    panels: panels.map(panelJson),
  });
}

function panelJson({ title, unit, form, questions }: Panel, index: number): Record<string, unknown> {
  const width = columns / panelsOfRow;
  const datasource = { type: 'prometheus', uid: '${source}' };
  return {
    id: index + 1,
    title,
    type: types[form],
    datasource,
    gridPos: {
      h: panelHeight,
      w: width,
      x: (index % panelsOfRow) * width,
      y: Math.floor(index / panelsOfRow) * panelHeight,
    },
    fieldConfig: { defaults: { unit }, overrides: [] },
    targets: questions.map(({ expression, legend }, place) => ({
      refId: String.fromCharCode('A'.charCodeAt(0) + place),
      datasource,
      expr: expression,
      legendFormat: legend,
      ...(form === 'table' ? { instant: true, format: 'table' } : {}),
    })),
  };
}

/** A line over time for each combination of the legend's labels. */
export function line(title: string, unit: Panel['unit'], ...questions: [string, string][]): Panel {
  return { title, unit, form: 'line', questions: questions.map(([expression, legend]) => ({ expression, legend })) };
}

export function number(title: string, unit: Panel['unit'], expression: string): Panel {
  return { title, unit, form: 'number', questions: [{ expression, legend: '' }] };
}

export function table(title: string, expression: string): Panel {
  return { title, unit: 'short', form: 'table', questions: [{ expression, legend: '' }] };
}
