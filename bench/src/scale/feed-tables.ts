import type { Bar } from '../bars.js'
import { formatCount, type Table } from '../table.js'
import type { FeedRow } from './feed-rows.js'
import type { FeedFigures, Times } from './measure-feed.js'

/** Returns the figures of the change feed as tables. */
export function feedTables(rows: readonly FeedRow[]): readonly Table[] {
  return [
    tableOf(rows, {
      title: 'Listening processes on one PostgreSQL, idle: proofs alone (times in ms)',
      header: ['processes', 'PostgreSQL cores', 'PgBouncer', 'clients', 'machine busy', 'age p50', 'p99', 'late'],
      cells: ({ serverCores, poolerCores, clientCores, machineBusy, age, late }) => [
        serverCores.toFixed(3),
        poolerCores === 0 ? '' : poolerCores.toFixed(3),
        clientCores.toFixed(2),
        formatShare(machineBusy, 0),
        ...formatTimes(age),
        formatShare(late, 2),
      ],
    }),
    tableOf(rows, {
      title: 'Changes that reach them (times in ms)',
      header: [
        'processes',
        'delivery p50',
        'p99',
        'refusal p50',
        'p99',
        'missing',
        'waitForPropagation p50',
        'p99',
        'changes per second',
      ],
      cells: ({ delivery, refusal, missing, propagation, changesPerSecond }) => [
        ...formatTimes(delivery),
        ...formatTimes(refusal),
        formatShare(missing, 2),
        ...formatTimes(propagation),
        formatCount(changesPerSecond),
      ],
    }),
    ...failureTable(rows),
  ]
}

/** Returns the targets for the change feed; those whose row was not measured are missed. */
export function feedBars(rows: readonly FeedRow[]): readonly Bar[] {
  const bar = (processes: number, what: string, unit: string, wanted: number, of: (figures: FeedFigures) => number) => {
    const row = rows.find((one) => one.route === 'direct' && one.processes === processes)
    if (row === undefined) return []
    const measured = row.figures === undefined ? Number.NaN : of(row.figures)
    return [{ what: `${formatCount(processes)} processes: ${what}`, wanted, measured, atMost: true, unit }]
  }
  return [
    ...bar(8, 'delivery, p99', 'ms', 10, ({ delivery }) => delivery.p99Ms),
    ...bar(1000, 'proofs', 'cores', 0.5, ({ serverCores }) => serverCores),
    ...bar(1000, 'age beyond maxStaleness', '% of proofs', 0, ({ late }) => 100 * late),
    ...bar(1000, 'delivery, p99', 'ms', 250, ({ delivery }) => delivery.p99Ms),
    ...bar(1000, 'waitForPropagation, p99', 'ms', 250, ({ propagation }) => propagation.p99Ms),
  ]
}

interface Columns {
  readonly title: string
  readonly header: readonly string[]
  readonly cells: (figures: FeedFigures) => readonly string[]
}

function tableOf(rows: readonly FeedRow[], { title, header, cells }: Columns): Table {
  return {
    title,
    header,
    rows: rows.flatMap(({ figures, ...row }) => (figures === undefined ? [] : [[nameOf(row), ...cells(figures)]])),
  }
}

function failureTable(rows: readonly FeedRow[]): readonly Table[] {
  const failed = rows.flatMap(({ failure, ...row }) => (failure === undefined ? [] : [[nameOf(row), failure]]))
  return failed.length === 0 ? [] : [{ title: 'Not measured', header: ['processes', 'reason'], rows: failed }]
}

function nameOf({ route, processes }: Pick<FeedRow, 'route' | 'processes'>): string {
  return route === 'direct' ? formatCount(processes) : `${formatCount(processes)}, ${route}`
}

function formatTimes({ p50Ms, p99Ms }: Times): readonly string[] {
  return [p50Ms, p99Ms].map((ms) => ms.toFixed(ms < 100 ? 1 : 0))
}

function formatShare(share: number, digits: number): string {
  return `${(100 * share).toFixed(digits)} %`
}
