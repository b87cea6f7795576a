import type { Table } from './table.js'

/** What we want to reach, and what was measured. */
export interface Bar {
  readonly what: string
  readonly wanted: number
  readonly measured: number
  /** Whether less is better; by default more is. */
  readonly atMost?: boolean
  /** Of both numbers. */
  readonly unit: string
}

/** Bars beside what was measured. */
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
  return { title: 'What is aimed at', header: ['', 'aim', 'measured', ''], rows }
}

function isMet({ wanted, measured, atMost = false }: Bar): boolean {
  return atMost ? measured <= wanted : measured >= wanted
}

function round(value: number): string {
  return value.toFixed(value < 100 ? 2 : 0)
}
