// SPDX-License-Identifier: Apache-2.0
// What a dashboard may be, from the types that Grafana publishes: those of dashboards, and of each kind of panel its options.
import type * as raw from '@grafana/schema/dist/esm/raw/dashboard/x/dashboard_types.gen';
import type * as bargauge from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import type * as stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as statetimeline from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type * as table from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as timeseries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';
import type { DataQuery } from '@grafana/schema';

// As JSON has it: the values of enums in place of their names.
type Plain<T> = unknown extends T ? T
  : T extends string ? `${T}`
  : T extends number ? (`${T}` extends `${infer N extends number}` ? N : never)
  : T extends object ? { [K in keyof T]: Plain<T[K]> }
  : T;

// The package has no type for these.
interface DataLink {
  targetBlank?: boolean;
  title: string;
  url: string;
}
interface PrometheusQuery extends DataQuery {
  datasource: { type: 'prometheus'; uid: '${datasource}' };
  editorMode: 'code';
  expr: string;
  format: 'time_series' | 'table';
  instant: boolean;
  legendFormat: string;
  range: boolean;
}
interface InfinityQuery extends DataQuery {
  columns: { selector: string; text: string; type: 'string' | 'number' | 'timestamp_epoch_s' }[];
  datasource: { type: 'yesoreyeram-infinity-datasource'; uid: '${infinity_datasource}' };
  filters: [];
  format: 'table' | 'timeseries';
  parser: 'backend';
  root_selector: string;
  source: 'url';
  type: 'json';
  url: string;
  url_options: { data: ''; method: 'GET'; params: { key: string; value: string }[] };
}

type Kind<Name, Options, Custom> = Omit<Plain<raw.Panel>, 'type' | 'options' | 'fieldConfig' | 'targets'> & {
  type: Name;
  options: Plain<Options>;
  targets: (PrometheusQuery | InfinityQuery)[];
  fieldConfig: Omit<Plain<raw.FieldConfigSource>, 'defaults'> & {
    defaults: Omit<Plain<raw.FieldConfig>, 'custom' | 'links'> & { custom: Plain<Custom>; links: DataLink[] };
  };
};
type Panel =
  | Kind<'timeseries', timeseries.Options, timeseries.FieldConfig>
  | Kind<'stat', stat.Options, Record<string, never>>
  | Kind<'bargauge', bargauge.Options, Record<string, never>>
  | Kind<'state-timeline', statetimeline.Options, statetimeline.FieldConfig>
  | Kind<'table', table.Options, table.FieldConfig>;

export type Dashboard = Omit<Plain<raw.Dashboard>, 'panels'> & { panels: (Panel | Plain<raw.RowPanel>)[] };
