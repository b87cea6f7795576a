import { useEffect, useId, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import './chart.css'
import { type Column, DataTable } from './data-table.js'

/** The colors of lines: names of custom properties of the theme. */
type LineColor = 'accent' | 'good' | 'warning' | 'danger' | 'muted'

/** A line of a chart. */
export interface ChartLine {
  readonly label: string
  readonly color: LineColor
  /** Lines of one chart differ by their dashes as well as by their color. */
  readonly dash?: readonly number[]
  /** One for each time; `null` where nothing is known. */
  readonly values: readonly (number | null)[]
}

interface ChartProps {
  readonly title: string
  /** The unit after a value, such as "/s". */
  readonly unit: string
  /** Seconds since 1970, in rising order. */
  readonly times: readonly number[]
  readonly lines: readonly ChartLine[]
  /** The seconds that the chart shows, up to now. */
  readonly spanSec: number
}

const heightPx = 180

/** People who prefer less motion get a new drawing this often, instead of at each new value. */
const calmIntervalMs = 10_000

/**
 * Lines over time. The legend says the current values, and a table below the chart has those of each
 * minute, so that nothing depends on seeing it.
 */
export function Chart(props: ChartProps) {
  const { title, unit, times, lines } = props
  const id = useId()
  return (
    <figure class="chart" aria-labelledby={id}>
      <figcaption id={id}>{title}</figcaption>
      <ul class="legend">
        {lines.map(({ label, color, dash, values }) => (
          <li key={label}>
            <svg width="20" height="10" aria-hidden="true" class={color}>
              <line
                x1="0"
                y1="5"
                x2="20"
                y2="5"
                {...(dash === undefined ? {} : { 'stroke-dasharray': dash.join(' ') })}
              />
            </svg>
            {label} <strong>{valueText(values.at(-1) ?? null, unit)}</strong>
          </li>
        ))}
      </ul>
      <Drawing {...props} />
      <details>
        <summary>Values of each minute</summary>
        <MinuteTable title={title} unit={unit} times={times} lines={lines} />
      </details>
    </figure>
  )
}

/** The canvas, which screen readers skip. */
function Drawing({ times, lines, spanSec }: ChartProps) {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | undefined>(undefined)
  const drawnAtMs = useRef(0)
  const shape = lines.map(({ label, color }) => `${label}:${color}`).join()
  useEffect(() => {
    const element = place.current
    if (element === null) return undefined
    const draw = () => {
      plot.current?.destroy()
      plot.current = new uPlot(optionsOf(element.clientWidth, lines), [[]], element)
      drawnAtMs.current = 0
    }
    draw()
    const theme = matchMedia('(prefers-color-scheme: dark)')
    theme.addEventListener('change', draw)
    const observer = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height: heightPx }))
    observer.observe(element)
    return () => {
      theme.removeEventListener('change', draw)
      observer.disconnect()
      plot.current?.destroy()
      plot.current = undefined
    }
  }, [shape])
  useEffect(() => {
    const isCalm = matchMedia('(prefers-reduced-motion: reduce)').matches
    const now = performance.now()
    if (isCalm && drawnAtMs.current > 0 && now - drawnAtMs.current < calmIntervalMs) return
    drawnAtMs.current = now
    const end = times.at(-1) ?? Date.now() / 1000
    plot.current?.batch(() => {
      plot.current?.setData([[...times], ...lines.map(({ values }) => [...values])], false)
      plot.current?.setScale('x', { min: end - spanSec, max: end })
    })
  }, [times, lines, spanSec])
  return <div ref={place} class="drawing" aria-hidden="true" />
}

function optionsOf(width: number, lines: readonly ChartLine[]): uPlot.Options {
  const theme = getComputedStyle(document.documentElement)
  const colorOf = (name: LineColor | 'faint') => theme.getPropertyValue(`--${name}`).trim()
  const axis = { stroke: colorOf('muted'), grid: { stroke: colorOf('faint'), width: 1 }, ticks: { show: false } }
  return {
    width,
    height: heightPx,
    legend: { show: false },
    cursor: { show: false },
    scales: { y: { range: (_, __, max) => [0, Math.max(1, (max ?? 0) * 1.1)] } },
    axes: [
      { ...axis, size: 30, values: (_, splits) => splits.map((sec) => clock.format(sec * 1000)) },
      { ...axis, size: 50 },
    ],
    series: [
      {},
      ...lines.map(({ label, color, dash }) => ({
        label,
        stroke: colorOf(color),
        width: 2,
        points: { show: false },
        ...(dash === undefined ? {} : { dash: [...dash] }),
      })),
    ],
  }
}

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
const number = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 })

function valueText(value: number | null, unit: string): string {
  return value === null ? '–' : `${number.format(value)}${unit}`
}

interface Minute {
  readonly at: number
  readonly values: readonly (number | null)[]
}

function MinuteTable({ title, unit, times, lines }: Omit<ChartProps, 'spanSec'>) {
  const columns: Column<Minute>[] = [
    { title: 'Minute', cell: ({ at }) => clock.format(at * 1000) },
    ...lines.map(({ label }, index) => ({
      title: label,
      isNumber: true,
      cell: ({ values }: Minute) => valueText(values[index] ?? null, unit),
    })),
  ]
  return (
    <DataTable
      caption={`${title}, average of each minute`}
      columns={columns}
      rows={minutesOf(times, lines)}
      rowKey={({ at }) => String(at)}
      empty="No values yet."
    />
  )
}

/** Returns the averages of each minute, newest first. */
function minutesOf(times: readonly number[], lines: readonly ChartLine[]): Minute[] {
  const minutes = new Map<number, number[]>()
  for (const [index, time] of times.entries()) {
    const at = Math.floor(time / 60) * 60
    minutes.set(at, [...(minutes.get(at) ?? []), index])
  }
  const average = (line: ChartLine, indexes: readonly number[]) => {
    const known = indexes.map((index) => line.values[index] ?? null).filter((value) => value !== null)
    return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length
  }
  return [...minutes]
    .map(([at, indexes]) => ({ at, values: lines.map((line) => average(line, indexes)) }))
    .sort((a, b) => b.at - a.at)
}
