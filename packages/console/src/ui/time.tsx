const absolute = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })

const units = [
  ['year', 31_557_600_000],
  ['month', 2_629_800_000],
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1000],
] as const

/** Returns a time as "3 minutes ago" or "in 2 days". */
export function relativeTime(timeMs: number, nowMs: number): string {
  const distanceMs = timeMs - nowMs
  const [unit, lengthMs] = units.find(([, length]) => Math.abs(distanceMs) >= length) ?? ['second', 1000]
  return relative.format(Math.round(distanceMs / lengthMs), unit)
}

/** Returns a duration in its largest fitting unit, such as "7 ms", "1.5 s" or "3 min". */
export function durationText(durationMs: number): string {
  if (durationMs < 1000) return `${Math.round(durationMs)} ms`
  if (durationMs < 60_000) return `${(durationMs / 1000).toFixed(1)} s`
  if (durationMs < 3_600_000) return `${Math.round(durationMs / 60_000)} min`
  return `${Math.round(durationMs / 3_600_000)} h`
}

/** A time of the API, relative to now; `null` is shown as a dash. Its title is the absolute time. */
export function Time({ at, full = false }: { readonly at: string | null | undefined; readonly full?: boolean }) {
  if (at === null || at === undefined) return <span>–</span>
  const date = new Date(at)
  const whole = absolute.format(date)
  const distance = relativeTime(date.getTime(), Date.now())
  return (
    <time dateTime={at} title={whole}>
      {full ? `${whole} (${distance})` : distance}
    </time>
  )
}
