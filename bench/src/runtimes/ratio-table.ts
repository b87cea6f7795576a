import { formatCount, formatMicros, formatRatio, type Table } from '../table.js'
import { isContender } from '../verification/report.js'
import type { RuntimeReport } from './reports.js'

/**
 * Returns one table with a column for each version of Node. Latchkey's time and the open routes'
 * requests are absolute, and every other figure is the ratio to them in the same run.
 */
export function ratioTable(reports: readonly RuntimeReport[]): Table {
  const columns = reports.map((report) => new Map([...verificationCells(report), ...httpCells(report)]))
  const names = new Set(columns.flatMap((column) => [...column.keys()]))
  return {
    title: 'Time as a multiple of Latchkey’s, and requests per second as a share of the open route’s',
    header: ['', ...reports.map(({ node }) => node)],
    rows: [...names].map((name) => [name, ...columns.map((column) => column.get(name) ?? '')]),
  }
}

type Cell = readonly [name: string, figure: string]

function verificationCells({ verification }: RuntimeReport): readonly Cell[] {
  return verification.sections.flatMap(({ title, rows }) =>
    rows
      .filter(({ name }) => isContender(name))
      .map(({ name, timing, ratio }): Cell => {
        const figure = name === 'Latchkey' ? `1 (${formatMicros(timing.median)})` : formatRatio(ratio)
        return [`${title}: ${name}`, figure]
      }),
  )
}

function httpCells({ http }: RuntimeReport): readonly Cell[] {
  return http.routes.map(({ framework, route, requestsPerSecond, throughputRatio }): Cell => {
    const figure = route === 'open' ? `1 (${formatCount(requestsPerSecond)}/s)` : throughputRatio.toFixed(2)
    return [`${framework}: ${route}`, figure]
  })
}
