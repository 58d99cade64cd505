/** One step of the schema; steps run once each, in order, and are never edited after a release. */
export interface Migration {
  name: string;
  sql: string;
}
