import type { Table } from './table.js'

/** A target, and the figure that was measured. */
export interface Bar {
  readonly what: string
  readonly wanted: number
  readonly measured: number
  /** Whether less is better. @defaultValue false */
  readonly atMost?: boolean
  /** The unit of both numbers. */
  readonly unit: string
}

/** Returns a table of the targets beside the measured figures. */
export function barTable(bars: readonly Bar[]): Table {
  const rows = bars.map((bar) => {
    const { what, wanted, measured, atMost = false, unit } = bar
    return [
      what,
      `${atMost ? '≤' : '≥'} ${wanted} ${unit}`,
      `${round(measured)} ${unit}`,
      isMet(bar) ? 'met' : 'missed',
    ]
  })
  return { title: 'Targets', header: ['', 'target', 'measured', ''], rows }
}

function isMet({ wanted, measured, atMost = false }: Bar): boolean {
  return atMost ? measured <= wanted : measured >= wanted
}

function round(value: number): string {
  return value.toFixed(value < 100 ? 2 : 0)
}
