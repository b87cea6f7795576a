/** A message to a host of simulated server processes. Each is answered by one report. */
export type ReportsOrder =
  | { readonly kind: 'open'; readonly databaseUrl: string; readonly count: number }
  | { readonly kind: 'count' }

/** A message from a host: the ticks that have failed so far. */
export interface ReportsReport {
  readonly kind: 'state'
  readonly failures: number
}
